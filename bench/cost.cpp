#include "bare.hpp"
#include "consume.hpp"
#include "fill.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"
#include "usage.hpp"

#include <strandline/memory.hpp>

#include <boost/asio/co_spawn.hpp>

namespace bench {

namespace asio = boost::asio;

namespace {

using strandline::broker_ptr;

constexpr std::size_t costing_events = 256'000;

std::vector<figure>
cost_figures(std::optional<double> most_commands = {}, std::optional<double> most_allocations = {})
{
    auto const at_most = [](std::optional<double> bound) {
        return bound ? std::optional(demand{demand::of::value_at_most, *bound}) : std::nullopt;
    };
    return {
        {"server commands", "commands/event", at_most(most_commands)},
        {"server cpu", "us/event"},
        {"client cpu", "us/event"},
        {"allocations", "allocations/event", at_most(most_allocations)},
        {"context switches", "switches/1000 events"}
    };
}

/// What the thread used between two of its events: connecting, and the first growth of what is kept, are
/// not in it.
struct steady_part
{
    void at(std::size_t number)
    {
        if (number == first)
            begin = thread_usage::now();
        if (number == last)
            used = thread_usage::now() - begin;
    }

    std::size_t first;
    std::size_t last;
    thread_usage begin = {};
    thread_usage used = {};
};

sample per_event(server_usage const& server, thread_usage const& client, double events, double steady_events)
{
    return {
        server.commands / events, server.cpu * 1e6 / events, client.cpu * 1e6 / steady_events,
        client.allocations / steady_events, client.context_switches * 1e3 / steady_events
    };
}

/// Measures while `work` runs, which tells the number of each event.
sample costs(run& with, std::function<void(std::size_t, std::function<void(std::size_t)>)> const& work)
{
    auto const events = with.events(costing_events);
    steady_part part{events / 4, events};
    auto const before = server_usage::of(with.server());
    work(events, [&](std::size_t number) { part.at(number); });
    auto const server = server_usage::of(with.server()) - before;
    return per_event(
        server, part.used, static_cast<double>(events), static_cast<double>(part.last - part.first)
    );
}

sample cost_of_bare(run& with)
{
    fresh_groups(with.server(), {"s"}, {"g"});
    return costs(with, [&](std::size_t events, std::function<void(std::size_t)> const& seen) {
        timed(events, [&](asio::io_context& context) {
            // In whole reads, of which the count of events may lie in the midst.
            std::size_t count = 0;
            consume_bare(
                context, with.server().port(),
                {.events = events,
                 .seen =
                     [=](std::size_t some) mutable {
                         for (std::size_t i = 0; i != some; ++i)
                             seen(++count);
                     }}
            );
        });
    });
}

using consuming = decltype(&consume);

scenario cost_of_consuming(
    std::string name, consuming work, strandline::consumer_options options, double most_allocations
)
{
    scenario one;
    one.name = std::move(name);
    one.figures = cost_figures(0.02, most_allocations);
    one.prepare = [](run& with) { fill_orders(with.server().port(), {"s"}, with.events(costing_events)); };
    one.ours = [=](run& with) {
        fresh_groups(with.server(), {"s"}, {"g"});
        return costs(with, [&](std::size_t events, std::function<void(std::size_t)> const& seen) {
            on_broker(with.server().port(), events, [&](broker_ptr broker) {
                return work(std::move(broker), options, {"s"}, events, seen);
            });
        });
    };
    one.reference = "bare loop, 2 x XREADGROUP COUNT 500, XACK";
    one.reference_run = cost_of_bare;
    return one;
}

scenario cost_of_publishing()
{
    scenario one;
    one.name = "cost/publish-256-in-flight";
    one.figures = cost_figures();
    auto const measure = [](run& with, auto start) {
        with.server().command({"FLUSHALL"});
        auto const events = with.events(costing_events);
        auto const server_before = server_usage::of(with.server());
        auto const before = thread_usage::now();
        start(with.server().port(), events);
        auto const client = thread_usage::now() - before;
        auto const server = server_usage::of(with.server()) - server_before;
        auto const count = static_cast<double>(events);
        return per_event(server, client, count, count);
    };
    one.ours = [=](run& with) {
        return measure(with, [](std::uint16_t port, std::size_t events) {
            on_broker(port, events, [&](broker_ptr broker) {
                return publish(std::move(broker), {"s"}, body, events);
            });
        });
    };
    one.reference = "bare loop, 8 x 64 XADD";
    one.reference_run = [=](run& with) {
        return measure(with, [](std::uint16_t port, std::size_t events) {
            timed(events, [&](asio::io_context& context) { publish_bare(context, port, "s", body, events); });
        });
    };
    return one;
}

/// What was published before is consumed; nothing else goes on in the process.
scenario cost_in_memory(std::string name, consuming work, double most_allocations)
{
    scenario one;
    one.name = std::move(name);
    one.figures = {
        {"client cpu", "us/event"},
        {"allocations", "allocations/event", demand{demand::of::value_at_most, most_allocations}}
    };
    one.ours = [=](run& with) -> sample {
        auto const events = with.events(costing_events);
        steady_part part{events / 4, events};
        timed(events, [&](asio::io_context& context) {
            auto broker = strandline::make_memory_broker(context.get_executor());
            auto const strand = broker->get_executor();
            asio::co_spawn(strand, publish(broker, {"s"}, some_order, events), rethrow);
            context.run();
            context.restart();
            auto options = everyday_options();
            asio::co_spawn(
                strand,
                work(std::move(broker), options, {"s"}, events, [&](std::size_t number) { part.at(number); }),
                rethrow
            );
            // Here, because what the coroutine refers to ends with this function.
            context.run();
        });
        auto const count = static_cast<double>(part.last - part.first);
        return {part.used.cpu * 1e6 / count, part.used.allocations / count};
    };
    return one;
}

} // namespace

/// What an event costs, by the server's INFO and this thread's getrusage.
void add_cost(suite& to)
{
    to.add(cost_of_publishing());
    to.add(cost_of_consuming("cost/consume-raw", consume, everyday_options(), 0.3));
    to.add(cost_of_consuming("cost/consume-typed", consume_orders, everyday_options(), 2));
    to.add(cost_in_memory("cost/memory-raw", consume, 0.3));
    to.add(cost_in_memory("cost/memory-typed", consume_orders, 2));
}

} // namespace bench
