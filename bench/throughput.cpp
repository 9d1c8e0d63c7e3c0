// How many events a second, each figure beside its reference, measured in turn in the same run:
//
// - publishing to Redis: coroutines that each await their own publish, beside `redis-benchmark` with as many
// XADDs
//   pipelined;
// - consuming from Redis, acknowledged: a consumer, beside a bare loop on Boost.Redis that does nothing but
// read and
//   acknowledge;
// - in memory, published, handled and acknowledged on one thread, beside Asio's channel, which neither keeps
// nor
//   acknowledges.

#include "consume.hpp"
#include "publish.hpp"
#include "server.hpp"

#include <strandline/memory.hpp>
#include <strandline/open.hpp>
#include <strandline/producer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>
#include <string_view>

namespace asio = boost::asio;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start)
{
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

auto const rethrow = [](std::exception_ptr thrown) {
    if (thrown)
        std::rethrow_exception(thrown);
};

struct amounts
{
    std::size_t events = 512'000;
    int pairs = 5;
};

/// Runs what `start` spawns on a context of its own, to the end.
template <class Start>
bench::rate timed(std::size_t events, Start start)
{
    asio::io_context context(1);
    start(context);
    auto const begin = clock_type::now();
    context.run();
    return static_cast<double>(events) / seconds_since(begin);
}

bench::rate publish_to_redis(strandline::testing::redis_server& server, std::size_t events)
{
    server.command({"FLUSHALL"});
    return timed(events, [&](asio::io_context& context) {
        auto broker = strandline::open(context.get_executor(), bench::url_of(server));
        auto const strand = broker->get_executor();
        asio::co_spawn(strand, bench::publish(std::move(broker), "s", events), rethrow);
    });
}

void publishing(amounts const& amount)
{
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    bench::compare(
        "publish, 256 coroutines, 100 bytes", "redis-benchmark -P 256 -c 1 XADD",
        [&] { return publish_to_redis(server, amount.events); },
        [&] {
            server.command({"FLUSHALL"});
            return bench::redis_benchmark(
                server, {"-P", "256", "-c", "1", "-n", std::to_string(amount.events), "XADD", "s", "*",
                         "body", bench::body}
            );
        },
        amount.pairs
    );
}

void consuming(amounts const& amount)
{
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    publish_to_redis(server, amount.events);
    auto const fresh_group = [&] {
        server.command({"XGROUP", "DESTROY", "s", "g"});
        server.command({"XGROUP", "CREATE", "s", "g", "0"});
    };
    bench::compare(
        "consume and acknowledge", "bare Boost.Redis loop, 2 XREADGROUP COUNT 500",
        [&] {
            fresh_group();
            return timed(amount.events, [&](asio::io_context& context) {
                auto broker = strandline::open(context.get_executor(), bench::url_of(server));
                auto const strand = broker->get_executor();
                asio::co_spawn(strand, bench::consume(std::move(broker), "s", "g", amount.events), rethrow);
            });
        },
        [&] {
            fresh_group();
            return timed(amount.events, [&](asio::io_context& context) {
                bench::consume_bare(context, server.port(), "s", "g", amount.events);
            });
        },
        amount.pairs
    );
    fresh_group();
    auto const requests = amount.events / 500;
    fmt::print(
        "{:<52} {:>9.0f}/s\n\n", "redis-benchmark -P 1 -c 1 XREADGROUP COUNT 500",
        500 * bench::redis_benchmark(
                  server, {"-P", "1", "-c", "1", "-n", std::to_string(requests), "XREADGROUP", "GROUP", "g",
                           "c", "COUNT", "500", "STREAMS", "s", ">"}
              )
    );
}

using channel = asio::experimental::channel<void(boost::system::error_code, std::string)>;

asio::awaitable<void> send_some(channel& to, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await to.async_send({}, bench::body);
}

asio::awaitable<void> receive_all(channel& from, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await from.async_receive();
}

void in_memory(amounts const& amount)
{
    auto const events = amount.events * 4;
    bench::compare(
        "memory: publish, handle, acknowledge", "asio::experimental::channel, capacity 1024, 256 senders",
        [&] {
            return timed(events, [&](asio::io_context& context) {
                auto broker = strandline::make_memory_broker(context.get_executor());
                auto const strand = broker->get_executor();
                asio::co_spawn(strand, bench::consume(broker, "s", "g", events), rethrow);
                asio::co_spawn(strand, bench::publish(std::move(broker), "s", events), rethrow);
            });
        },
        [&] {
            std::unique_ptr<channel> through;
            return timed(events, [&](asio::io_context& context) {
                through = std::make_unique<channel>(context, 1024);
                for (std::size_t i = 0; i != bench::publishers; ++i)
                    asio::co_spawn(context, send_some(*through, events / bench::publishers), rethrow);
                asio::co_spawn(context, receive_all(*through, events), rethrow);
            });
        },
        amount.pairs
    );
}

} // namespace

int main(int argc, char** argv)
{
    try {
        amounts amount;
        std::string_view only;
        for (int i = 1; i < argc; ++i) {
            std::string_view const word = argv[i];
            if (word == "--events" && i + 1 < argc)
                amount.events = (std::strtoul(argv[++i], nullptr, 10) / 2560 + 1) * 2560;
            else if (word == "--pairs" && i + 1 < argc)
                amount.pairs = std::max(1, std::atoi(argv[++i]));
            else if (word == "publish" || word == "consume" || word == "memory")
                only = word;
            else {
                std::cerr << "usage: throughput [--events N] [--pairs N] [publish|consume|memory]\n";
                return 2;
            }
        }
        if (only.empty() || only == "publish")
            publishing(amount);
        if (only.empty() || only == "consume")
            consuming(amount);
        if (only.empty() || only == "memory")
            in_memory(amount);
    }
    catch (std::exception const& thrown) {
        std::cerr << thrown.what() << '\n';
        return 1;
    }
}
