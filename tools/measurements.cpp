#include "measurements.hpp"

#include "option_values.hpp"

#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

namespace strandline::tools {

namespace json = boost::json;

namespace {

/// Streams of one question, so that a server with very many of them serves others in between.
constexpr std::size_t in_question = 100;

/// As the library names the streams of dead letters, which have a tag.
bool holds_dead_letters(std::string_view stream)
{
    return stream.ends_with(":dead") && stream.find('{') != stream.npos;
}

std::string why_missing(std::string const& stream, stream_statistics const& told)
{
    if (told.why != errc::no_group)
        return fmt::format("{}: {}", stream, told.why.message());
    auto words = fmt::format("there is no stream {}", stream);
    if (told.delayed.value_or(0) != 0)
        words += fmt::format(", but {} delayed", *told.delayed);
    if (told.dead.value_or(0) != 0)
        words += fmt::format(", but {} dead", *told.dead);
    return words;
}

asio::awaitable<measurements> measure(session& at, std::vector<std::string> const& streams, bool may_be_gone)
{
    measurements all;
    for (std::size_t begin = 0; begin < streams.size(); begin += in_question) {
        auto const end = std::min(begin + in_question, streams.size());
        std::vector<std::string> const some(
            streams.begin() + static_cast<std::ptrdiff_t>(begin),
            streams.begin() + static_cast<std::ptrdiff_t>(end)
        );
        auto counted = co_await async_measure(at.broker, some);
        for (std::size_t i = 0; i != some.size(); ++i) {
            if (!counted[i].why)
                all.of.push_back({some[i], std::move(counted[i])});
            else if (!may_be_gone || counted[i].why != errc::no_group)
                all.missing.push_back(why_missing(some[i], counted[i]));
        }
    }
    co_return all;
}

json::value id_or_null(std::optional<entry_id> id)
{
    return id ? json::value(id->to_string()) : json::value();
}

json::value number_or_null(std::optional<std::uint64_t> number)
{
    return number ? json::value(*number) : json::value();
}

json::value ms_or_null(std::optional<std::chrono::milliseconds> duration)
{
    return duration ? json::value(duration->count()) : json::value();
}

/// The names first, whatever comes then.
json::object below(json::object names, json::object const& rest)
{
    for (auto const& [name, value] : rest)
        names.emplace(name, value);
    return names;
}

} // namespace

asio::awaitable<std::vector<std::string>> list_streams(session& at, bool with_dead_letters)
{
    auto streams = (co_await at.broker->list_streams()).value();
    if (!with_dead_letters)
        std::erase_if(streams, holds_dead_letters);
    std::ranges::sort(streams);
    co_return streams;
}

asio::awaitable<measurements> measure(session& at, std::vector<std::string> const& streams)
{
    co_return co_await measure(at, streams, false);
}

asio::awaitable<measurements> measure_these_or_all(session& at, std::vector<std::string> const& streams)
{
    if (!streams.empty())
        co_return co_await measure(at, streams, false);
    co_return co_await measure(at, co_await list_streams(at, false), true);
}

asio::awaitable<measurement> measure(session& at, std::string const& stream)
{
    auto all = co_await measure(at, std::vector{stream});
    check_complete(all);
    co_return std::move(all.of.front());
}

void check_complete(measurements const& all)
{
    if (all.missing.size() > 1)
        throw std::runtime_error(
            fmt::format("{}; and {} more are missing", all.missing.front(), all.missing.size() - 1)
        );
    if (!all.missing.empty())
        throw std::runtime_error(all.missing.front());
}

group_statistics const& find_group(measurement const& in, std::string const& name)
{
    auto const found = std::ranges::find(in.counted.groups, name, &group_statistics::name);
    if (found == in.counted.groups.end())
        throw std::runtime_error(fmt::format("the stream {} has no group {}", in.stream, detail::quoted(name))
        );
    return *found;
}

json::object to_json(measurement const& of)
{
    auto const& counted = of.counted;
    return {
        {"stream", of.stream},
        {"length", counted.length},
        {"appended", counted.appended},
        {"first", id_or_null(counted.first)},
        {"last", id_or_null(counted.last)},
        {"last_generated", counted.last_generated.to_string()},
        {"oldest_age_ms", ms_or_null(oldest_age(counted))},
        {"delayed", number_or_null(counted.delayed)},
        {"dead", number_or_null(counted.dead)},
        {"now", to_text(counted.now)},
    };
}

json::object to_json(group_statistics const& group, measurement const& in)
{
    auto const has_delivered = group.last_delivered != entry_id::min();
    return {
        {"group", group.name},
        {"consumers", group.consumers.size()},
        {"pending", group.pending},
        {"lowest_pending", id_or_null(group.lowest_pending)},
        {"lowest_pending_age_ms", ms_or_null(lowest_pending_age(group, in.counted))},
        {"last_delivered", id_or_null(has_delivered ? std::optional(group.last_delivered) : std::nullopt)},
        {"last_delivered_age_ms", ms_or_null(last_delivered_age(group, in.counted))},
        {"lag", group.lag},
        {"lag_is_at_least", group.lag_is_at_least},
    };
}

json::object to_json(consumer_info const& consumer)
{
    return {
        {"consumer", consumer.name},
        {"pending", consumer.pending},
        {"idle_ms", consumer.idle.count()},
    };
}

json::object row_of(session const& at, group_statistics const& group, measurement const& in)
{
    auto row = below({{"stream", in.stream}}, to_json(group, in));
    if (!at.json && group.lag_is_at_least)
        row["lag"] = fmt::format("{}+", group.lag);
    return row;
}

json::object row_of(consumer_info const& consumer, group_statistics const& of, measurement const& in)
{
    return below({{"stream", in.stream}, {"group", of.name}}, to_json(consumer));
}

} // namespace strandline::tools
