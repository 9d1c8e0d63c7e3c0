#include <strandline/delayed_events.hpp>
#include <strandline/names.hpp>

#include <fmt/format.h>

namespace strandline {

namespace {

constexpr std::size_t longest_list = 1000;

} // namespace

asio::awaitable<result<bool>> delayed_events::cancel(broker& of, std::string_view stream, entry_id id)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    co_return co_await of.cancel_delayed(stream, id);
}

asio::awaitable<result<std::uint64_t>> delayed_events::count(broker& of, std::string_view stream)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    co_return co_await of.count_delayed(stream);
}

asio::awaitable<result<std::vector<delayed_event>>>
delayed_events::list(broker& of, std::string_view stream, entry_id after, std::size_t count)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    if (count < 1 || count > longest_list)
        co_return failure(
            errc::invalid_option, fmt::format("a list has from 1 to {} events, not {}", longest_list, count)
        );
    auto const seen = co_await of.inspect_delayed(stream, after, count);
    if (!seen)
        co_return seen.error();
    std::vector<delayed_event> events;
    events.reserve(seen->size());
    for (auto const& [id, entry, owner] : *seen) {
        auto& [own_id, content] = events.emplace_back();
        own_id = id;
        content.body = entry.body;
        for (auto const& [name, value] : entry.headers)
            content.headers.push_back({std::string(name), std::string(value)});
    }
    co_return events;
}

} // namespace strandline
