#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <stop_token>

namespace strandline {

/// Waits until that time, or until it is told to stop, from whatever thread. To be run on that strand.
boost::asio::awaitable<void> pause_until(
    boost::asio::any_io_executor strand, std::chrono::steady_clock::time_point when, std::stop_token stop
);

} // namespace strandline
