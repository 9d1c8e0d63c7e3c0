#include "consume.hpp"

#include "bare.hpp"
#include "fill.hpp"
#include "order.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"

#include <strandline/consumer.hpp>

#include <boost/asio/steady_timer.hpp>

#include <stdexcept>
#include <utility>

namespace bench {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> finish(strandline::consumer& consumer, std::size_t events)
{
    auto const report = co_await consumer.async_run();
    if (report.handled != events)
        throw std::runtime_error("not every event was acknowledged");
}

} // namespace

strandline::consumer_options base_options(std::string group)
{
    strandline::consumer_options options;
    options.group = std::move(group);
    options.max_in_flight = 4'000;
    return options;
}

strandline::consumer_options everyday_options(std::string group)
{
    auto options = base_options(std::move(group));
    options.handler_timeout = std::chrono::seconds(3);
    return options;
}

asio::awaitable<void> consume(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::function<void(std::size_t)> seen
)
{
    strandline::consumer consumer{std::move(broker), std::move(options)};
    std::size_t count = 0;
    for (auto const& stream : streams)
        consumer.on(stream, [&](strandline::delivery const&) -> asio::awaitable<void> {
            ++count;
            if (seen)
                seen(count);
            if (count == events)
                consumer.stop();
            co_return;
        });
    co_await finish(consumer, events);
}

asio::awaitable<void> consume_orders(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::function<void(std::size_t)> seen
)
{
    strandline::consumer consumer{std::move(broker), std::move(options)};
    std::size_t count = 0;
    for (auto const& stream : streams)
        consumer.on<order>(stream, [&](order const& decoded) -> asio::awaitable<void> {
            if (decoded.quantity != some_order.quantity)
                throw std::runtime_error("decoded to something else");
            ++count;
            if (seen)
                seen(count);
            if (count == events)
                consumer.stop();
            co_return;
        });
    co_await finish(consumer, events);
}

asio::awaitable<void> consume_slowly(
    strandline::broker_ptr broker, strandline::consumer_options options, std::vector<std::string> streams,
    std::size_t events, std::chrono::milliseconds sleep
)
{
    strandline::consumer consumer{std::move(broker), std::move(options)};
    std::size_t count = 0;
    for (auto const& stream : streams)
        consumer.on(stream, [&](strandline::delivery const&) -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, sleep);
            co_await timer.async_wait();
            if (++count == events)
                consumer.stop();
        });
    co_await finish(consumer, events);
}

namespace {

using strandline::broker_ptr;
using strandline::consumer_options;

/// What a scenario of consuming differs in.
struct consuming
{
    std::string name;
    std::size_t events = 512'000;
    std::function<void(std::uint16_t, std::size_t)> fill_server = [](std::uint16_t port, std::size_t events) {
        fill_orders(port, {"s"}, events);
    };
    std::vector<std::string> streams = {"s"};
    std::vector<std::string> groups = {"g"};
    consumer_options options = base_options();
    bool decodes = false;
    std::optional<demand> asked = {};
    bare_loop reference = {};
    std::string reference_name = {};
};

scenario consuming_beside_bare(consuming what)
{
    scenario one;
    one.name = what.name;
    one.figures = {{"", "events/s", what.asked}};
    one.prepare = [=](run& with) { what.fill_server(with.server().port(), with.events(what.events)); };
    auto const deliveries = what.events * what.groups.size();
    one.ours = [=](run& with) -> sample {
        auto const port = with.server().port();
        fresh_groups(with.server(), what.streams, what.groups);
        return {timed(with.events(deliveries), [&](asio::io_context& context) {
            for (auto const& group : what.groups) {
                auto broker = strandline::open(context.get_executor(), url_of(port));
                auto const strand = broker->get_executor();
                auto options = what.options;
                options.group = group;
                auto const start = what.decodes ? consume_orders : consume;
                asio::co_spawn(
                    strand, start(std::move(broker), options, what.streams, with.events(what.events), {}),
                    rethrow
                );
            }
        })};
    };
    one.reference = what.reference_name.empty() ? fmt::format(
                                                      "bare loop, {} x XREADGROUP COUNT {}, XACK",
                                                      what.reference.readers, what.reference.count
                                                  )
                                                : what.reference_name;
    one.reference_run = [=](run& with) -> sample {
        auto const port = with.server().port();
        fresh_groups(with.server(), what.streams, what.groups);
        return {timed(with.events(deliveries), [&](asio::io_context& context) {
            for (auto const& group : what.groups) {
                auto loop = what.reference;
                loop.streams = what.streams;
                loop.group = group;
                loop.events = with.events(what.events);
                consume_bare(context, port, loop);
            }
        })};
    };
    return one;
}

/// What the server does with both commands when nobody looks at the answers. The entries acknowledged are not
/// pending, so that it is quicker than the truth.
scenario consuming_beside_server(std::size_t batch, std::size_t events)
{
    auto one = consuming_beside_bare({
        .name = fmt::format("consume/batch-beside-server/{}", batch),
        .events = events,
        .options =
            [&] {
                auto options = base_options();
                options.read_count = batch;
                return options;
            }(),
    });
    one.reference = fmt::format("redis-benchmark XREADGROUP COUNT {}, then XACK", batch);
    one.reference_run = [=](run& with) -> sample {
        auto const port = with.server().port();
        fresh_groups(with.server(), {"s"}, {"g"});
        // Not past the end of the stream.
        auto const requests = with.events(events) / batch;
        auto const reads = redis_benchmark(
            port, 1, requests,
            {"XREADGROUP", "GROUP", "g", "c", "COUNT", std::to_string(batch), "STREAMS", "s", ">"}
        );
        std::vector<std::string> acknowledging{"XACK", "s", "g"};
        acknowledging.resize(3 + batch, "1700000000000-0");
        auto const acknowledged = redis_benchmark(port, 1, requests, acknowledging);
        return {static_cast<double>(batch) / (1 / reads + 1 / acknowledged)};
    };
    return one;
}

/// Published and consumed at the same time in one program.
scenario both_together()
{
    constexpr std::size_t events = 512'000;
    scenario one;
    one.name = "consume/while-publishing";
    one.figures = {{"", "events/s", {}}};
    one.ours = [](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        auto const count = with.events(events);
        return {timed(count, [&](asio::io_context& context) {
            auto broker = strandline::open(context.get_executor(), url_of(with.server().port()));
            auto const strand = broker->get_executor();
            asio::co_spawn(strand, consume(broker, everyday_options(), {"s"}, count), rethrow);
            asio::co_spawn(strand, publish(std::move(broker), {"s"}, body, count), rethrow);
        })};
    };
    one.reference = "bare loops: 8 x 64 XADD; XREADGROUP COUNT 500 BLOCK, XACK";
    one.reference_run = [](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        fresh_groups(with.server(), {"s"}, {"g"});
        auto const count = with.events(events);
        return {timed(count, [&](asio::io_context& context) {
            consume_bare(context, with.server().port(), {.events = count, .readers = 1, .waits = true});
            publish_bare(context, with.server().port(), "s", body, count);
        })};
    };
    return one;
}

asio::awaitable<void> sleep_in_turn(std::size_t events)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (std::size_t i = 0; i != events; ++i) {
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait();
    }
}

scenario slow_handlers(std::size_t concurrency, std::size_t events)
{
    auto one =
        consuming_beside_bare({.name = fmt::format("consume/sleeping-1ms/{}", concurrency), .events = events}
        );
    one.ours = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        auto options = everyday_options();
        options.max_concurrency = concurrency;
        return {on_broker(with.server().port(), with.events(events), [&](broker_ptr broker) {
            return consume_slowly(
                std::move(broker), options, {"s"}, with.events(events), std::chrono::milliseconds(1)
            );
        })};
    };
    one.reference = "as many coroutines that sleep, without events";
    one.reference_run = [=](run& with) -> sample {
        return {timed(with.events(events), [&](asio::io_context& context) {
            for (std::size_t i = 0; i != concurrency; ++i)
                asio::co_spawn(context, sleep_in_turn(with.events(events) / concurrency), rethrow);
        })};
    };
    return one;
}

} // namespace

/// Beside a loop on Boost.Redis that does the least for the same effect.
void add_consuming(suite& to)
{
    auto const with = [](auto change) {
        auto options = base_options();
        change(options);
        return options;
    };
    to.add(consuming_beside_bare({.name = "consume/base"}));
    to.add(consuming_beside_bare({.name = "consume/timeout", .options = everyday_options()}));
    to.add(consuming_beside_bare({.name = "consume/json", .decodes = true}));
    to.add(consuming_beside_bare(
        {.name = "consume/everything",
         .options = everyday_options(),
         .decodes = true,
         .asked = demand{demand::of::ratio_at_least, 0.95}}
    ));
    to.add(consuming_beside_bare({
        .name = "consume/by-key",
        .fill_server = [](std::uint16_t port, std::size_t events) { fill_keyed(port, events, 1'000); },
        .options = with([](auto& options) { options.order = strandline::ordering::by_key; }),
    }));
    to.add(consuming_beside_bare({
        .name = "consume/without-leases",
        .options = with([](auto& options) { options.at_most_once = true; }),
        .reference = {.acknowledges = false},
        .reference_name = "bare loop, 2 x XREADGROUP COUNT 500 NOACK",
    }));
    for (auto const& [batch, events] :
         {std::pair<std::size_t, std::size_t>(1, 20'480), {100, 256'000}, {500, 512'000}, {1'000, 512'000}})
    {
        to.add(consuming_beside_bare({
            .name = fmt::format("consume/batch/{}", batch),
            .events = events,
            .options = with([&](auto& options) { options.read_count = batch; }),
            .reference = {.count = batch},
        }));
        to.add(consuming_beside_server(batch, events));
    }
    for (auto const concurrency : counts{1, 64, 1'000})
        to.add(consuming_beside_bare({
            .name = fmt::format("consume/concurrency/{}", concurrency),
            .options = with([&](auto& options) { options.max_concurrency = concurrency; }),
        }));
    for (auto const bytes : counts{16, 100, 1'024, 16'384})
        to.add(consuming_beside_bare({
            .name = fmt::format("consume/payload/{}", bytes),
            .events = bytes > 4'096 ? 32'768U
                      : bytes > 512 ? 256'000U
                                    : 512'000U,
            .fill_server = [=](std::uint16_t port, std::size_t events
                           ) { fill_bodies(port, {"s"}, events, std::string(bytes, 'x')); },
        }));
    for (auto const streams : counts{1, 8, 64, 512})
        to.add(consuming_beside_bare({
            .name = fmt::format("consume/streams/{}", streams),
            .fill_server = [=](std::uint16_t port,
                               std::size_t events) { fill_orders(port, stream_names(streams), events); },
            .streams = stream_names(streams),
            .reference = {.count = std::max<std::size_t>(500 / streams, 4)},
        }));
    for (auto const groups : counts{1, 4, 16}) {
        std::vector<std::string> names;
        for (std::size_t i = 0; i != groups; ++i)
            names.push_back("g" + std::to_string(i));
        to.add(consuming_beside_bare(
            {.name = fmt::format("consume/groups/{}", groups), .events = 512'000 / groups, .groups = names}
        ));
    }
    to.add(both_together());
    for (auto const& [concurrency, events] :
         {std::pair<std::size_t, std::size_t>(1, 800), {10, 8'000}, {100, 40'000}, {1'000, 320'000}})
        to.add(slow_handlers(concurrency, events));
}

} // namespace bench
