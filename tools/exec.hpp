#pragma once

#include <strandline/delivery.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace strandline::tools {

namespace asio = boost::asio;

/// Handles deliveries by running a command for each: the body is its standard input, and the rest stands in
/// variables of its environment.
struct exec
{
    std::string command;
    std::string group;
    /// Before the next attempt with a delivery for which the command has asked for it.
    std::chrono::milliseconds retry_after;

    /// Returns when it succeeded; throws `reject`, `strandline::retry_after` or std::runtime_error.
    /// Cancellation ends the command.
    asio::awaitable<void> handle(asio::any_io_executor executor, delivery const& what) const;
};

} // namespace strandline::tools
