#include "latency.hpp"

#include "pairs.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/redis/connection.hpp>

#include <chrono>
#include <memory>

namespace bench {

namespace asio = boost::asio;
namespace redis = boost::redis;

namespace {

constexpr std::size_t publishes = 5'000;

using clock = std::chrono::steady_clock;
using microseconds = std::chrono::duration<double, std::micro>;

/// The median time of what is done once and again.
template <class Once>
asio::awaitable<double> median_time(Once once)
{
    co_await once(); // connects
    std::vector<double> times;
    for (std::size_t i = 0; i != publishes; ++i) {
        auto const begin = clock::now();
        co_await once();
        times.push_back(microseconds(clock::now() - begin).count());
    }
    co_return median(std::move(times));
}

double through_producer(strandline::testing::redis_server const& server)
{
    asio::io_context context(1);
    double time = 0;
    auto const broker = strandline::open(context.get_executor(), url_of(server));
    strandline::producer producer{broker};
    asio::co_spawn(
        broker->get_executor(),
        [&]() -> asio::awaitable<void> {
            time =
                co_await median_time([&] { return producer.async_publish("s", body, asio::use_awaitable); });
            broker->close();
        },
        rethrow
    );
    context.run();
    return time;
}

double through_bare_connection(strandline::testing::redis_server const& server)
{
    asio::io_context context(1);
    double time = 0;
    redis::connection on(context, redis::logger(redis::logger::level::disabled));
    redis::config config;
    config.addr = {"127.0.0.1", std::to_string(server.port())};
    on.async_run(config, [](boost::system::error_code) {});
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            time = co_await median_time([&]() -> asio::awaitable<void> {
                redis::request add;
                add.push("XADD", "s", "*", "body", body);
                redis::response<std::string> id;
                co_await on.async_exec(add, id);
            });
            on.cancel();
        },
        rethrow
    );
    context.run();
    return time;
}

} // namespace

void compare_latency(strandline::testing::redis_server const& server, int pairs)
{
    std::vector<double> ours;
    std::vector<double> references;
    std::vector<double> ratios;
    for (int i = 0; i != pairs; ++i) {
        server.command({"FLUSHALL"});
        ours.push_back(through_producer(server));
        references.push_back(through_bare_connection(server));
        ratios.push_back(ours.back() / references.back());
    }
    auto const [least, most] = std::ranges::minmax(ratios);
    fmt::print("{:<52} {:>9.1f} us\n", "publish, one at a time, median latency", median(ours));
    fmt::print("{:<52} {:>9.1f} us\n", "bare Boost.Redis exec of the same XADD", median(references));
    fmt::print(
        "{:<52} {:>9.2f}   ({:.2f} to {:.2f}, {} pairs)\n\n", "  ratio, less is better", median(ratios),
        least, most, pairs
    );
    std::fflush(stdout);
}

} // namespace bench
