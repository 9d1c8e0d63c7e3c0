#include "fill.hpp"

#include "order.hpp"
#include "server.hpp"

#include <strandline/codec.hpp>
#include <strandline/error.hpp>

#include <algorithm>
#include <span>

namespace bench {

namespace asio = boost::asio;

namespace {

std::string encoded_order()
{
    std::string json;
    if (auto why = strandline::encode(some_order, json))
        throw strandline::error(std::move(why));
    return json;
}

} // namespace

asio::awaitable<void> fill(
    strandline::broker_ptr broker, std::vector<std::string> streams, std::size_t events,
    std::function<void(strandline::appending&, std::size_t)> shape
)
{
    std::vector<strandline::appending> items(1'000);
    for (std::size_t done = 0; done != events;) {
        auto const some = std::span(items).first(std::min(events - done, items.size()));
        for (auto& item : some) {
            item.stream = streams[done % streams.size()];
            shape(item, done++);
        }
        co_await broker->append(some);
        for (auto const& item : some)
            if (!item.outcome)
                throw strandline::error(item.outcome.error());
    }
}

void fill_bodies(
    std::uint16_t port, std::vector<std::string> const& streams, std::size_t events,
    std::string const& content
)
{
    on_broker(port, events, [&](strandline::broker_ptr broker) {
        return fill(std::move(broker), streams, events, [&](strandline::appending& item, std::size_t) {
            item.entry.body = content;
        });
    });
}

void fill_orders(std::uint16_t port, std::vector<std::string> const& streams, std::size_t events)
{
    fill_bodies(port, streams, events, encoded_order());
}

void fill_keyed(std::uint16_t port, std::size_t events, std::size_t keys)
{
    auto const json = encoded_order();
    std::vector<std::string> names;
    for (std::size_t i = 0; i != keys; ++i)
        names.push_back("key-" + std::to_string(i));
    std::vector<strandline::header_view> headers;
    for (auto const& name : names)
        headers.push_back({strandline::header_names::key, name});
    on_broker(port, events, [&](strandline::broker_ptr broker) {
        return fill(std::move(broker), {"s"}, events, [&](strandline::appending& item, std::size_t number) {
            item.entry.body = json;
            item.entry.headers = std::span(headers).subspan(number % keys, 1);
        });
    });
}

} // namespace bench
