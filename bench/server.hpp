#pragma once

#include "support/redis_server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

using strandline::testing::redis_server;

/// Runs redis-benchmark against that port of this machine and returns the requests per second that it
/// measured. Throws what it said when it failed.
double redis_benchmark(std::uint16_t port, std::vector<std::string> const& arguments);

/// The same with one client that keeps so many requests under way, so many in all.
double redis_benchmark(
    std::uint16_t port, std::size_t pipeline, std::size_t requests, std::vector<std::string> const& command
);

/// Makes the groups anew, each from the beginning of its stream.
void fresh_groups(
    redis_server const& server, std::vector<std::string> const& streams,
    std::vector<std::string> const& groups
);

inline std::string url_of(std::uint16_t port)
{
    return fmt::format("redis://127.0.0.1:{}", port);
}

/// Runs a coroutine that is given a broker on that port, on a context of its own, to the end; events per
/// second.
template <class Work>
rate on_broker(std::uint16_t port, std::size_t events, Work work)
{
    return timed(events, [&](boost::asio::io_context& context) {
        auto broker = strandline::open(context.get_executor(), url_of(port));
        auto const strand = broker->get_executor();
        boost::asio::co_spawn(strand, work(std::move(broker)), rethrow);
    });
}

} // namespace bench
