#include "option_values.hpp"

#include <strandline/names.hpp>

#include <fmt/format.h>

#include <charconv>

namespace strandline::tools {

namespace {

using std::chrono::milliseconds;

/// So many digits at the beginning of the text, which it removes.
std::optional<int> take_number(std::string_view& text, std::size_t digits)
{
    if (text.size() < digits || text.substr(0, digits).find_first_not_of("0123456789") != text.npos)
        return std::nullopt;
    int value = 0;
    std::from_chars(text.data(), text.data() + digits, value);
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char expected)
{
    if (!text.starts_with(expected))
        return false;
    text.remove_prefix(1);
    return true;
}

/// What is finer than a millisecond is left out.
std::optional<milliseconds> take_fraction(std::string_view& text)
{
    if (!take(text, '.'))
        return milliseconds(0);
    auto digits = std::string(text.substr(0, text.find_first_not_of("0123456789")));
    text.remove_prefix(digits.size());
    if (digits.empty())
        return std::nullopt;
    digits.resize(3, '0');
    return milliseconds(std::stoi(digits));
}

std::optional<time_point> parse_date(std::string_view text)
{
    using namespace std::chrono;
    auto const number = [&](std::size_t digits, char before) -> std::optional<int> {
        return before == '\0' || take(text, before) ? take_number(text, digits) : std::nullopt;
    };
    auto const y = number(4, '\0');
    auto const m = number(2, '-');
    auto const d = number(2, '-');
    auto const h = number(2, 'T');
    auto const min = number(2, ':');
    auto const s = number(2, ':');
    auto const fraction = take_fraction(text);
    if (!y || !m || !d || !h || !min || !s || !fraction || text != "Z")
        return std::nullopt;
    auto const date = year(*y) / month(static_cast<unsigned>(*m)) / day(static_cast<unsigned>(*d));
    if (!date.ok() || *h > 23 || *min > 59 || *s > 59)
        return std::nullopt;
    return time_point(sys_days(date)) + hours(*h) + minutes(*min) + seconds(*s) + *fraction;
}

} // namespace

result<time_point> parse_time(std::string_view text)
{
    // So that none is past what can be written as a date, and sums do not overflow.
    constexpr std::uint64_t end_of_9999 = 253'402'300'799'999;
    if (auto const count = parse_count(text); count && *count <= end_of_9999)
        return time_point(milliseconds(static_cast<std::int64_t>(*count)));
    if (auto const date = parse_date(text))
        return *date;
    return failure(
        errc::invalid_option, "expected a time as 2030-01-31T12:00:00Z, or milliseconds since 1970"
    );
}

std::string to_text(time_point when)
{
    using namespace std::chrono;
    auto const day = floor<days>(when);
    year_month_day const date(day);
    hh_mm_ss const time(when - day);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
        time.minutes().count(), time.seconds().count(), time.subseconds().count()
    );
}

std::string to_text(milliseconds duration)
{
    auto const count = duration.count();
    if (count == 0 || count % 1'000 != 0)
        return fmt::format("{}ms", count);
    if (count % 60'000 != 0)
        return fmt::format("{}s", count / 1'000);
    return count % 3'600'000 != 0 ? fmt::format("{}m", count / 60'000)
                                  : fmt::format("{}h", count / 3'600'000);
}

result<start_position> parse_start(std::string_view text)
{
    if (text == "beginning")
        return start_position::beginning();
    if (text == "end")
        return start_position::end();
    if (auto const id = entry_id::parse(text))
        return start_position{*id};
    return failure(errc::invalid_option, "expected beginning, end, or the id of an entry");
}

result<std::uint64_t> parse_count(std::string_view text)
{
    std::uint64_t value = 0;
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size())
        return failure(errc::invalid_option, "expected a number");
    return value;
}

CLI::Option* add_entry_ids(
    CLI::App& to, std::string const& name, std::vector<entry_id>& out, std::string const& description
)
{
    auto const read = [&out, name](std::vector<std::string> const& texts) {
        for (auto const& text : texts) {
            auto const id = entry_id::parse(text);
            if (!id)
                throw CLI::ValidationError(name, std::string(id.error().words()));
            out.push_back(*id);
        }
    };
    return to.add_option_function<std::vector<std::string>>(name, read, description)->type_name("");
}

CLI::Validator not_empty()
{
    auto const check = [](std::string const& text) {
        return std::string(text.empty() ? "must not be empty" : "");
    };
    return CLI::Validator(check, "");
}

CLI::Validator stream_name()
{
    auto const check = [](std::string const& name) {
        auto const why = check_stream_name(name);
        return std::string(why ? why.message() : std::string());
    };
    return CLI::Validator(check, "");
}

void add_stream_argument(CLI::App& to, std::string& out)
{
    to.add_option("stream", out, "The stream")->required()->check(stream_name())->type_name("");
}

CLI::Option* add_streams_argument(CLI::App& to, std::vector<std::string>& out, std::string const& description)
{
    return to.add_option("stream", out, description)->check(stream_name())->type_name("");
}

} // namespace strandline::tools
