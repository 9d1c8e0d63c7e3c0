#include "consume.hpp"
#include "fill.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"
#include "usage.hpp"

#include <strandline/consumer.hpp>

#include <stdexcept>

namespace bench {

namespace asio = boost::asio;

namespace {

using strandline::broker_ptr;

constexpr std::size_t failing_events = 100'000;

constexpr std::uint32_t attempts = 3;

/// So that what is measured is work, and not waiting.
constexpr std::chrono::milliseconds soon{5};

strandline::consumer_options failing_options()
{
    auto options = everyday_options();
    options.max_attempts = attempts;
    options.retry = {.first = soon, .factor = 1, .longest = soon};
    return options;
}

/// Runs the consumer with a handler that is called so often, and returns what it reports.
asio::awaitable<strandline::consume_report>
run_until(broker_ptr broker, std::size_t calls, std::function<void(strandline::delivery const&)> handle)
{
    strandline::consumer consumer{std::move(broker), failing_options()};
    std::size_t count = 0;
    consumer.on("s", [&](strandline::delivery const& what) -> asio::awaitable<void> {
        if (++count == calls)
            consumer.stop();
        handle(what);
        co_return;
    });
    co_return co_await consumer.async_run();
}

void check(bool is_so, char const* otherwise)
{
    if (!is_so)
        throw std::runtime_error(otherwise);
}

asio::awaitable<void> fail_all(broker_ptr broker, std::size_t events)
{
    auto const report =
        co_await run_until(std::move(broker), events * attempts, [](strandline::delivery const&) {
            throw std::runtime_error("the other side does not answer");
        });
    check(
        report.dead == events && report.retried == events * (attempts - 1),
        "not every event has become a dead letter"
    );
}

asio::awaitable<void> reject_all(broker_ptr broker, std::size_t events)
{
    auto const report = co_await run_until(std::move(broker), events, [](strandline::delivery const&) {
        throw strandline::reject("not for us");
    });
    check(report.dead == events, "not every event has become a dead letter");
}

asio::awaitable<void> retry_all(broker_ptr broker, std::size_t events)
{
    auto const report =
        co_await run_until(std::move(broker), events * 2, [](strandline::delivery const& what) {
            if (what.attempt() == 1)
                throw std::runtime_error("the other side does not answer");
        });
    check(report.handled == events && report.retried == events, "not every event was handled at last");
}

/// What every way to a dead letter needs at the least, with nothing around it. The entries acknowledged are
/// not pending, so that it is quicker than the truth.
sample add_and_acknowledge(run& with)
{
    with.server().command({"FLUSHALL"});
    fresh_groups(with.server(), {"s"}, {"g"});
    auto const port = with.server().port();
    auto const events = with.events(failing_events);
    auto const added = redis_benchmark(port, 256, events, {"XADD", "s", "*", "body", body});
    auto const acknowledged = redis_benchmark(port, 256, events, {"XACK", "s", "g", "1700000000000-0"});
    return {1 / (1 / added + 1 / acknowledged)};
}

/// The second attempt asks for the entry by its id, and counts.
sample claim_and_acknowledge(run& with)
{
    with.server().command({"FLUSHALL"});
    fresh_groups(with.server(), {"s"}, {"g"});
    auto const port = with.server().port();
    auto const events = with.events(failing_events);
    auto const id = with.server().command({"XADD", "s", "*", "body", body});
    with.server().command({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"});
    auto const claimed = redis_benchmark(port, 256, events, {"XCLAIM", "s", "g", "c", "0", id});
    auto const acknowledged = redis_benchmark(port, 256, events, {"XACK", "s", "g", "1700000000000-0"});
    return {1 / (1 / claimed + 1 / acknowledged)};
}

scenario failing(
    std::string name, asio::awaitable<void> (*work)(broker_ptr, std::size_t), std::string reference,
    sample (*reference_run)(run&)
)
{
    scenario one;
    one.name = std::move(name);
    one.figures = {{"", "events/s"}, {"server commands", "commands/event"}};
    one.ours = [=](run& with) -> sample {
        auto const port = with.server().port();
        auto const events = with.events(failing_events);
        with.server().command({"FLUSHALL"});
        fill_orders(port, {"s"}, events);
        auto const before = server_usage::of(with.server());
        auto const measured =
            on_broker(port, events, [&](broker_ptr broker) { return work(std::move(broker), events); });
        auto const used = server_usage::of(with.server()) - before;
        return {measured, used.commands / static_cast<double>(events)};
    };
    one.reference = std::move(reference);
    one.reference_run = [=](run& with) -> sample {
        auto value = reference_run(with);
        value.push_back(2);
        return value;
    };
    return one;
}

/// The contract's limit.
constexpr std::size_t most_in_call = 500;

constexpr std::chrono::milliseconds long_ago{1};
constexpr std::chrono::milliseconds far_away{9'000'000'000'000};

void delay(std::uint16_t port, std::string const& stream, std::size_t events, std::chrono::milliseconds due)
{
    on_broker(port, events, [&](broker_ptr broker) {
        return fill(std::move(broker), {stream}, events, [=](strandline::appending& item, std::size_t) {
            item.entry.body = body;
            item.due.emplace(due);
        });
    });
}

asio::awaitable<void> promote(broker_ptr broker, std::string stream, std::size_t count)
{
    while (count != 0) {
        auto const done = (co_await broker->promote_due(stream, most_in_call)).value();
        check(done.moved != 0, "nothing was due");
        count -= done.moved;
    }
}

sample promoted(run& with, std::string const& stream)
{
    auto const port = with.server().port();
    auto const events = with.events(failing_events);
    with.server().command({"DEL", stream});
    delay(port, stream, events, long_ago);
    return {on_broker(port, events, [&](broker_ptr broker) {
        return promote(std::move(broker), stream, events);
    })};
}

} // namespace

/// There is no other program to compare with: the reference is the least that a server has to do.
void add_failing(suite& to)
{
    constexpr auto dying = "redis-benchmark -P 256 XADD, then XACK";
    to.add(failing("failing/three-attempts-then-dead", fail_all, dying, add_and_acknowledge));
    to.add(failing("failing/rejected", reject_all, dying, add_and_acknowledge));
    to.add(failing(
        "failing/second-attempt", retry_all, "redis-benchmark -P 256 XCLAIM, then XACK", claim_and_acknowledge
    ));

    // The reference does not have to find what is due, to read it and to remove it.
    scenario delayed;
    delayed.name = "delayed/promoted";
    delayed.figures = {{"", "events/s"}};
    delayed.ours = [](run& with) { return promoted(with, "s"); };
    delayed.reference = "redis-benchmark -P 500 XADD";
    delayed.reference_run = [](run& with) -> sample {
        return {redis_benchmark(
            with.server().port(), most_in_call, with.events(failing_events), {"XADD", "r", "*", "body", body}
        )};
    };
    to.add(delayed);

    delayed.name = "delayed/promoted-beside-a-million";
    delayed.prepare = [](run& with) {
        delay(with.server().port(), "few", 1'000, far_away);
        delay(with.server().port(), "many", 1'000'000, far_away);
    };
    delayed.ours = [](run& with) { return promoted(with, "many"); };
    delayed.reference = "beside a thousand";
    delayed.reference_run = [](run& with) { return promoted(with, "few"); };
    to.add(delayed);
}

} // namespace bench
