#pragma once

#include <strandline/broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

/// Handles and acknowledges that many events of the stream, and stops. A `timeout` of 0 is none.
boost::asio::awaitable<void> consume(
    strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events,
    std::chrono::milliseconds timeout
);

/// The same with everything that a program would have switched on: the events are decoded to orders, and
/// their handlers have three seconds.
boost::asio::awaitable<void>
consume_orders(strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events);

/// The least that a program on Boost.Redis can do for the same effect: two reads under way, the replies
/// parsed as ours are, one XACK for each. Starts it on the context.
void consume_bare(
    boost::asio::io_context& context, std::uint16_t port, std::string stream, std::string group,
    std::size_t events
);

} // namespace bench
