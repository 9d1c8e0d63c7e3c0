#pragma once

#include <strandline/broker.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Stores so many events, over the streams in turn, as fast as the engine takes them. `shape` gets each item,
/// of which the stream is set, and its number; what it lets the item point to must stay.
boost::asio::awaitable<void> fill(
    strandline::broker_ptr broker, std::vector<std::string> streams, std::size_t events,
    std::function<void(strandline::appending&, std::size_t)> shape
);

/// On the server on that port: events that are `some_order` in JSON.
void fill_orders(std::uint16_t port, std::vector<std::string> const& streams, std::size_t events);

/// Events of that body.
void fill_bodies(
    std::uint16_t port, std::vector<std::string> const& streams, std::size_t events,
    std::string const& content
);

/// Events that are `some_order`, each of the next of so many keys.
void fill_keyed(std::uint16_t port, std::size_t events, std::size_t keys);

} // namespace bench
