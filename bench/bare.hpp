#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// The least that a program on Boost.Redis can do to consume: reads under way, the replies parsed as ours
/// are, one XACK for each.
struct bare_loop
{
    std::vector<std::string> streams = {"s"};
    std::string group = "g";
    std::size_t events = 0;
    /// Of each read and stream.
    std::size_t count = 500;
    int readers = 2;
    bool acknowledges = true;
    /// For what is not there yet, with one reader, because a read that waits holds the connection; otherwise
    /// a read without entries is the last.
    bool waits = false;
    /// Where the reads begin: `>`, or `0` for what is pending for the consumer already.
    std::string from = ">";
    /// Called with the number of entries after each read.
    std::function<void(std::size_t)> seen = {};
};

/// Starts it on the context, on a connection of its own.
void consume_bare(boost::asio::io_context& context, std::uint16_t port, bare_loop loop);

/// Eight coroutines each send requests of 64 XADDs, one after another.
void publish_bare(
    boost::asio::io_context& context, std::uint16_t port, std::string stream, std::string content,
    std::size_t events
);

} // namespace bench
