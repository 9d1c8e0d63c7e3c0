#include "latency.hpp"
#include "publish.hpp"
#include "scenarios.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/codec.hpp>
#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

namespace bench {

namespace {

/// What the server takes in with that body, in pipelines of that depth.
rate reference(
    strandline::testing::redis_server const& server, std::string const& depth, std::string const& content,
    std::size_t events
)
{
    server.command({"FLUSHALL"});
    return redis_benchmark(
        server, {"-P", depth, "-c", "1", "-n", std::to_string(events), "XADD", "s", "*", "body", content}
    );
}

template <class Publish>
rate ours(strandline::testing::redis_server const& server, std::size_t events, Publish publish_all)
{
    server.command({"FLUSHALL"});
    return timed(events, [&](boost::asio::io_context& context) {
        auto broker = strandline::open(context.get_executor(), url_of(server));
        auto const strand = broker->get_executor();
        boost::asio::co_spawn(strand, publish_all(std::move(broker)), rethrow);
    });
}

} // namespace

void publishing(amounts const& amount)
{
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    auto const events = amount.events;
    std::string json;
    if (auto why = strandline::encode(some_order, json))
        throw strandline::error(std::move(why));
    // As many bytes, without the quotes and commas that redis-benchmark's report would stumble over.
    json.assign(json.size(), 'x');

    compare(
        "publish, 256 coroutines, 100 bytes", "redis-benchmark -P 256 -c 1 XADD",
        [&] {
            return ours(server, events, [&](auto broker) {
                return publish(std::move(broker), "s", body, events);
            });
        },
        [&] { return reference(server, "256", body, events); }, amount.pairs
    );
    compare(
        "the same with structs of five members", "redis-benchmark -P 256 -c 1 XADD of as many bytes",
        [&] {
            return ours(server, events, [&](auto broker) {
                return publish(std::move(broker), "s", some_order, events);
            });
        },
        [&] { return reference(server, "256", json, events); }, amount.pairs
    );
    compare(
        "publish, batches of 1000, two under way", "redis-benchmark -P 1000 -c 1 XADD",
        [&] {
            return ours(server, events, [&](auto broker) {
                return publish_batches(std::move(broker), "s", body, events, 1'000);
            });
        },
        [&] { return reference(server, "1000", body, events); }, amount.pairs
    );
    compare(
        "the same with structs of five members", "redis-benchmark -P 1000 -c 1 XADD of as many bytes",
        [&] {
            return ours(server, events, [&](auto broker) {
                return publish_batches(std::move(broker), "s", some_order, events, 1'000);
            });
        },
        [&] { return reference(server, "1000", json, events); }, amount.pairs
    );
    compare_latency(server, amount.pairs);
}

} // namespace bench
