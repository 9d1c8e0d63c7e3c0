#include <strandline/delayed_events.hpp>

namespace strandline {

asio::awaitable<result<std::vector<delayed_event>>>
delayed_events::list(broker& of, std::string_view stream, entry_id after, std::size_t count)
{
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
