#include "listing.hpp"

#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <utility>

namespace strandline::tools {

namespace json = boost::json;

namespace {

/// Code points, near enough to columns on a terminal.
std::size_t width(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

constexpr std::string_view duration_ending = "_ms";

/// The two greatest units: `3m12s`.
std::string for_people(std::chrono::milliseconds duration)
{
    using namespace std::chrono;
    auto const in = [&](auto unit) { return duration_cast<decltype(unit)>(duration).count(); };
    if (duration < 1s)
        return fmt::format("{}ms", duration.count());
    if (duration < 1min)
        return fmt::format("{}s", in(seconds()));
    if (duration < 1h)
        return fmt::format("{}m{}s", in(minutes()), in(seconds()) % 60);
    if (duration < 24h)
        return fmt::format("{}h{}m", in(hours()), in(minutes()) % 60);
    return fmt::format("{}d{}h", in(days()), in(hours()) % 24);
}

/// What is not there is a dash, so that columns stay columns for other programs.
std::string cell(json::object const& thing, std::string_view column)
{
    auto const* const value = thing.if_contains(column);
    if (!value || value->is_null())
        return "-";
    if (column.ends_with(duration_ending))
        return for_people(std::chrono::milliseconds(value->to_number<std::int64_t>()));
    if (!value->is_string())
        return json::serialize(*value);
    auto text = std::string(value->get_string());
    // A line is a thing, whatever stands in it.
    std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
    return text.empty() ? "-" : text;
}

std::string headline_of(std::string_view column)
{
    if (column.ends_with(duration_ending))
        column.remove_suffix(duration_ending.size());
    std::string made(column);
    std::ranges::transform(made, made.begin(), [](unsigned char c) { return std::toupper(c); });
    return made;
}

} // namespace

listing::listing(std::initializer_list<std::string_view> columns) : columns_(columns.begin(), columns.end())
{}

asio::awaitable<void> listing::print(session& at)
{
    auto const text = take(at.json);
    if (!text.empty())
        co_await at.out.write(text);
}

std::string listing::take(bool json)
{
    auto text = json ? lines() : table();
    things_.clear();
    return text;
}

std::string listing::lines() const
{
    std::string text;
    for (auto const& thing : things_)
        text += json_line(thing);
    return text;
}

std::string listing::table()
{
    std::vector<std::vector<std::string>> rows;
    if (!std::exchange(has_headline_, true)) {
        rows.emplace_back();
        for (auto const& column : columns_)
            rows.back().push_back(headline_of(column));
    }
    for (auto const& thing : things_) {
        rows.emplace_back();
        for (auto const& column : columns_)
            rows.back().push_back(cell(thing, column));
    }

    std::vector<std::size_t> widths(columns_.size());
    for (auto const& row : rows)
        for (std::size_t i = 0; i != row.size(); ++i)
            widths[i] = std::max(widths[i], width(row[i]));

    std::string text;
    for (auto const& row : rows) {
        for (std::size_t i = 0; i != row.size(); ++i) {
            text += row[i];
            text += i + 1 == row.size() ? "\n" : std::string(widths[i] - width(row[i]) + 2, ' ');
        }
    }
    return text;
}

std::string json_line(json::object const& thing)
{
    return json::serialize(thing) + '\n';
}

} // namespace strandline::tools
