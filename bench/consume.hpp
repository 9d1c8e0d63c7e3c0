#pragma once

#include <strandline/broker.hpp>
#include <strandline/consumer_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Of the base case: 64 handlers at the same time, reads of 500, 4000 deliveries in flight, no timeout.
strandline::consumer_options base_options(std::string group = "g");

/// The same with what a program would have switched on: handlers have three seconds.
strandline::consumer_options everyday_options(std::string group = "g");

/// Handles and acknowledges that many events of the streams, and stops. `seen` is called with the number of
/// each, from 1, as its handler starts.
boost::asio::awaitable<void> consume(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::function<void(std::size_t)> seen = {}
);

/// The same, decoded to orders.
boost::asio::awaitable<void> consume_orders(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::function<void(std::size_t)> seen = {}
);

/// The same with handlers that sleep.
boost::asio::awaitable<void> consume_slowly(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::chrono::milliseconds sleep
);

} // namespace bench
