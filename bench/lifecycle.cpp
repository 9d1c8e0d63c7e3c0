#include "consume.hpp"
#include "fill.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"
#include "usage.hpp"

#include <strandline/consumer.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <exception>
#include <stdexcept>

namespace bench {

namespace asio = boost::asio;

namespace {

using strandline::broker_ptr;

constexpr std::size_t held = 20'000;

double milliseconds_since(clock::time_point begin)
{
    return seconds_since(begin) * 1e3;
}

/// Runs a consumer whose handlers wait for ever. When so many of them run, hands everything back at once, and
/// calls `stopping` before.
asio::awaitable<void> hold_and_stop(
    broker_ptr broker, strandline::consumer_options options, std::size_t running,
    std::function<void()> stopping, std::function<asio::awaitable<void>()> when_running = {}
)
{
    strandline::consumer consumer{std::move(broker), std::move(options)};
    std::size_t count = 0;
    consumer.on("s", [&](strandline::delivery const&) -> asio::awaitable<void> {
        if (++count == running) {
            if (when_running)
                co_await when_running();
            stopping();
            consumer.stop(std::chrono::milliseconds(0));
        }
        asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await timer.async_wait();
    });
    auto const report = co_await consumer.async_run();
    if (report.cancelled != running)
        throw std::runtime_error("a handler was not cancelled");
}

asio::awaitable<void> wait_for_ever(std::string event, std::size_t& count)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    count += event.size();
    co_await timer.async_wait();
}

/// Cancels so many coroutines that wait for a timer; the time until all have ended.
sample cancel_coroutines(std::size_t running)
{
    asio::io_context context(1);
    std::size_t bytes = 0;
    std::deque<asio::cancellation_signal> signals(running);
    std::size_t ended = 0;
    for (auto& each : signals)
        asio::co_spawn(
            context, wait_for_ever(body, bytes),
            asio::bind_cancellation_slot(each.slot(), [&](std::exception_ptr) { ++ended; })
        );
    context.poll();
    auto const begin = clock::now();
    for (auto& each : signals)
        each.emit(asio::cancellation_type::terminal);
    context.run();
    if (ended != running)
        throw std::runtime_error("a coroutine was not cancelled");
    return {milliseconds_since(begin)};
}

/// What a coroutine needs that waits with its event.
sample memory_of_coroutine(run&)
{
    auto const before = heap_bytes();
    asio::io_context context(1);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i != held; ++i)
        asio::co_spawn(context, wait_for_ever(body, bytes), rethrow);
    context.poll();
    return {static_cast<double>(heap_bytes() - before) / held};
}

strandline::consumer_options holding(std::size_t running)
{
    auto options = base_options();
    options.max_concurrency = running;
    options.max_in_flight = running;
    return options;
}

/// From `stop` with so many handlers that have to be cancelled and handed back, to the end of the run.
scenario shutting_down(std::size_t running)
{
    scenario one;
    one.name = fmt::format("lifecycle/stop-running/{}", running);
    one.figures = {{"", "ms"}};
    one.prepare = [=](run& with) { fill_bodies(with.server().port(), {"s"}, running, body); };
    one.ours = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        clock::time_point begin;
        on_broker(with.server().port(), running, [&](broker_ptr broker) {
            return hold_and_stop(std::move(broker), holding(running), running, [&] { begin = clock::now(); });
        });
        return {milliseconds_since(begin)};
    };
    one.reference = "as many coroutines that wait for a timer, cancelled";
    one.reference_run = [=](run&) { return cancel_coroutines(running); };
    return one;
}

/// From one consumer's `stop` until another one, which waits already, has handled everything that the first
/// had.
scenario taking_over_after_stop(std::size_t running)
{
    scenario one;
    one.name = fmt::format("lifecycle/take-over-after-stop/{}", running);
    one.figures = {{"", "ms"}};
    one.prepare = [=](run& with) { fill_bodies(with.server().port(), {"s"}, running, body); };
    one.ours = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        auto const url = url_of(with.server().port());
        clock::time_point begin;
        timed(running, [&](asio::io_context& context) {
            auto first = strandline::open(context.get_executor(), url);
            auto second = strandline::open(context.get_executor(), url);
            auto const strand = first->get_executor();
            auto options = holding(running);
            // A consumer claims nothing in its first lease.
            options.lease = std::chrono::seconds(1);
            auto const other = [&]() -> asio::awaitable<void> {
                auto following = base_options();
                following.lease = options.lease;
                asio::co_spawn(
                    second->get_executor(), consume(std::move(second), following, {"s"}, running), rethrow
                );
                asio::steady_timer timer(context, options.lease * 3 / 2);
                co_await timer.async_wait();
            };
            asio::co_spawn(
                strand,
                hold_and_stop(
                    std::move(first), options, running, [&] { begin = clock::now(); }, other
                ),
                rethrow
            );
            // Here, because what the coroutines refer to ends with this function.
            context.run();
        });
        return {milliseconds_since(begin)};
    };
    return one;
}

/// From the last sign of life of a consumer until another one has handled everything that it had.
scenario taking_over_after_crash(std::size_t pending)
{
    constexpr std::chrono::milliseconds lease{200};
    scenario one;
    one.name = fmt::format("lifecycle/take-over-after-crash/{}", pending);
    one.figures = {{"", "ms"}};
    one.prepare = [=](run& with) { fill_bodies(with.server().port(), {"s"}, pending, body); };
    one.ours = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        with.server().command(
            {"EVAL", "redis.call('XREADGROUP', 'GROUP', 'g', 'gone', 'COUNT', ARGV[1], 'STREAMS', 's', '>')",
             "0", std::to_string(pending)}
        );
        auto const begin = clock::now();
        auto options = base_options();
        options.lease = lease;
        options.claim_interval = std::chrono::milliseconds(20);
        on_broker(with.server().port(), pending, [&](broker_ptr broker) {
            return consume(std::move(broker), options, {"s"}, pending);
        });
        return {milliseconds_since(begin)};
    };
    one.reference = "the lease";
    one.reference_run = [=](run&) -> sample { return {static_cast<double>(lease.count())}; };
    return one;
}

scenario memory_in_flight()
{
    scenario one;
    one.name = "memory-used/running-handler";
    one.figures = {{"", "bytes"}};
    one.prepare = [](run& with) { fill_bodies(with.server().port(), {"s"}, held, body); };
    one.ours = [](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        auto const before = heap_bytes();
        std::int64_t after = 0;
        on_broker(with.server().port(), held, [&](broker_ptr broker) {
            return hold_and_stop(std::move(broker), holding(held), held, [&] { after = heap_bytes(); });
        });
        return {static_cast<double>(after - before) / held};
    };
    one.reference = "a coroutine with its event that waits for a timer";
    one.reference_run = memory_of_coroutine;
    return one;
}

asio::awaitable<void> fail_and_stop(broker_ptr broker, std::function<void()> stopping)
{
    auto options = base_options();
    options.retry = {.first = std::chrono::hours(1), .factor = 1, .longest = std::chrono::hours(1)};
    strandline::consumer consumer{std::move(broker), options};
    std::size_t count = 0;
    consumer.on("s", [&](strandline::delivery const&) -> asio::awaitable<void> {
        if (++count == held) {
            stopping();
            consumer.stop(std::chrono::milliseconds(0));
        }
        throw std::runtime_error("the other side does not answer");
        co_return;
    });
    auto const report = co_await consumer.async_run();
    if (report.retried != held)
        throw std::runtime_error("not every event waits for another attempt");
}

scenario memory_of_retries()
{
    scenario one;
    one.name = "memory-used/waiting-retry";
    one.figures = {{"", "bytes"}};
    one.prepare = [](run& with) { fill_bodies(with.server().port(), {"s"}, held, body); };
    one.ours = [](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        auto const before = heap_bytes();
        std::int64_t after = 0;
        on_broker(with.server().port(), held, [&](broker_ptr broker) {
            return fail_and_stop(std::move(broker), [&] { after = heap_bytes(); });
        });
        return {static_cast<double>(after - before) / held};
    };
    one.reference = "a coroutine with its event that waits for a timer";
    one.reference_run = memory_of_coroutine;
    return one;
}

} // namespace

/// Ends, and what goes on after them.
void add_lifecycle(suite& to)
{
    for (auto const running : counts{1, 1'000, 10'000})
        to.add(shutting_down(running));
    for (auto const running : counts{1, 100, 1'000, 10'000})
        to.add(taking_over_after_stop(running));
    for (auto const pending : counts{1, 1'000, 10'000})
        to.add(taking_over_after_crash(pending));
    to.add(memory_in_flight());
    to.add(memory_of_retries());
}

} // namespace bench
