// T1: handlers whose time is over.

#include "pipeline/stage.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <string>

using namespace strandline;
using namespace strandline::testing;

namespace {

consumer_options with_timeout()
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.max_concurrency = 1;
    options.max_attempts = 2;
    options.handler_timeout = 20ms;
    return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(timeouts)

BOOST_AUTO_TEST_CASE(cancel_the_handler_and_count_as_a_failed_attempt)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(with_timeout());
        std::vector<error_code> seen;
        clerk->on("orders", [&, doors](delivery const&) -> asio::awaitable<void> {
            doors->arrived.add();
            asio::steady_timer never(of.strand(), asio::steady_timer::time_point::max());
            auto const ended = co_await never.async_wait(asio::as_tuple);
            seen.push_back(std::get<0>(ended));
            // That it returns now, without an exception, makes it no success.
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await doors->arrived.reach(2);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST(seen.size() == 2);
        for (auto const& code : seen)
            BOOST_TEST((code == asio::error::operation_aborted));
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
        BOOST_TEST(letters[0].header_of("dead-attempts") == "2");
        BOOST_TEST(letters[0].header_of("dead-error") == "the handler was cancelled after 20 ms");
    });
}

BOOST_AUTO_TEST_CASE(cancel_each_of_many_that_start_among_others_that_return_at_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = with_timeout();
        options.max_concurrency = 4;
        options.max_attempts = 1;
        auto const begun = of.make_tally();
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&, begun](delivery const& what) -> asio::awaitable<void> {
            begun->add();
            if (what.body() == "quick")
                co_return;
            asio::steady_timer never(of.strand(), asio::steady_timer::time_point::max());
            co_await never.async_wait();
        });
        for (int i = 0; i != 16; ++i) {
            co_await of.publish("orders", "quick");
            co_await of.publish("orders", "slow");
        }
        auto run = of.start(clerk);
        co_await begun->reach(32);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 16);
        BOOST_TEST(report.dead == 16);
    });
}

BOOST_AUTO_TEST_CASE(leave_the_deliveries_that_come_after_alone)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(with_timeout());
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1 && what.body() == "3")
                co_await doors->pass();
            co_await asio::post(of.strand());
            handled->add();
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        co_await handled->reach(10);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 10);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 0);
    });
}

BOOST_AUTO_TEST_CASE(tell_of_a_handler_that_ignores_them_and_wait_for_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const told = of.make_tally();
        auto const handled = of.make_tally();
        auto options = with_timeout();
        std::string words;
        options.on_error = [&, told](failure const& why) {
            if (why == errc::stuck) {
                words = why.words();
                told->add();
            }
        };
        auto const clerk = of.make_consumer(options);
        auto running = 0;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(++running == 1);
            if (what.attempt() == 1) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await doors->pass();
            }
            --running;
            if (what.attempt() == 2)
                handled->add();
        });
        auto const id = co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await told->reach(1);
        BOOST_TEST(words.find(id.to_string()) != std::string::npos);
        // Its place is still taken, and its delivery pending with one attempt.
        auto const pending = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].attempts == 1);
        doors->open();
        co_await handled->reach(1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.retried == 1);
    });
}

BOOST_AUTO_TEST_CASE(do_not_touch_a_handler_that_returns_in_time)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto options = with_timeout();
        options.handler_timeout = 24h;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            co_await asio::post(of.strand());
            handled->add();
        });
        co_await of.publish_numbers("orders", 100);
        auto run = of.start(clerk);
        co_await handled->reach(100);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 100);
        BOOST_TEST(report.retried == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()
