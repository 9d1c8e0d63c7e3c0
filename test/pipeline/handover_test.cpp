// What a consumer hands back is told to the others: W1. Without a hint they would look the next day.

#include "pipeline/stage.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

using namespace strandline;
using namespace strandline::testing;

namespace {

using clock_type = std::chrono::steady_clock;

consumer_options patient(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    options.lease = 100ms;
    options.claim_interval = 24h;
    options.max_concurrency = 1;
    return options;
}

std::string told(std::string_view what, clock_type::time_point since)
{
    auto const passed = std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - since);
    return std::string(what) + ": " + std::to_string(passed.count() / 1000) + " ms";
}

} // namespace

BOOST_AUTO_TEST_SUITE(handover)

BOOST_AUTO_TEST_CASE(of_what_was_not_started_when_a_consumer_stops_needs_no_look_by_chance)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const door = of.make_gate();
        auto const taken = of.make_tally();
        auto const leaving = of.make_consumer(patient("leaving"));
        auto const staying = of.make_consumer(patient("staying"));
        leaving->on("orders", [=](delivery const&) { return door->pass(); });
        staying->on("orders", [=](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 1);
            taken->add();
            co_return;
        });
        co_await of.publish_numbers("orders", 20);
        auto first = of.start(leaving);
        co_await door->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 20);
        auto second = of.start(staying);
        // Before it claims anything it lets the time of a lease pass.
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const names = co_await of.broker->inspect_consumers("orders", "billing");
            co_return names && names->size() == 2;
        });
        co_await asio::steady_timer(of.strand(), 300ms).async_wait();

        auto const stopped = clock_type::now();
        leaving->stop();
        co_await taken->reach(19);
        BOOST_TEST_MESSAGE(told("19 deliveries handed over", stopped));
        door->open();
        BOOST_TEST((co_await of.good_end(first)).released == 19);
        staying->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 19);
    });
}

BOOST_AUTO_TEST_CASE(a_stop_ends_a_read_that_waits)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const seen = of.make_tally();
        auto const idle = of.make_consumer(patient("idle"));
        idle->on("orders", [=](delivery const&) -> asio::awaitable<void> {
            seen->add();
            co_return;
        });
        co_await of.publish("orders", "x");
        auto run = of.start(idle);
        co_await seen->reach(1);
        co_await of.until_pending("orders", "billing", 0);
        auto const stopped = clock_type::now();
        idle->stop();
        co_await of.good_end(run);
        BOOST_TEST_MESSAGE(told("stopped", stopped));
    });
}

BOOST_AUTO_TEST_SUITE_END()
