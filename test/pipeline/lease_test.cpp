// Leases: L3, L6, L7; attempts of what was taken over: A1 to A3.

#include "pipeline/spied_broker.hpp"
#include "pipeline/stage.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

constexpr auto lease = 100ms;

consumer_options named(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    options.lease = lease;
    options.claim_interval = 10ms;
    return options;
}

/// Time is what these handlers and tests are about: it passes.
asio::awaitable<void> pass(stage& of, std::chrono::milliseconds time)
{
    co_await asio::steady_timer(of.strand(), time).async_wait();
}

} // namespace

BOOST_AUTO_TEST_SUITE(leases)

BOOST_AUTO_TEST_CASE(a_handler_that_runs_far_longer_than_the_lease_runs_once_beside_a_second_consumer)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto runs = 0;
        auto const work = [&](delivery const&) -> asio::awaitable<void> {
            ++runs;
            co_await pass(of, 10 * lease);
            handled->add();
        };
        auto const clerk = of.make_consumer(named("clerk"));
        auto const other = of.make_consumer(named("other"));
        clerk->on("orders", work);
        other->on("orders", work);
        co_await of.publish_numbers("orders", 5);
        auto first = of.start(clerk);
        auto second = of.start(other);
        co_await handled->reach(5);
        clerk->stop();
        other->stop();
        auto const reports = std::pair(co_await of.good_end(first), co_await of.good_end(second));
        BOOST_TEST(runs == 5);
        BOOST_TEST(reports.first.handled + reports.second.handled == 5);
        BOOST_TEST(reports.first.lost + reports.second.lost == 0);
    });
}

BOOST_AUTO_TEST_CASE(what_a_dead_consumer_left_is_taken_over_and_its_attempts_go_on)
{
    check([](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", {})));
        co_await of.publish_numbers("orders", 700);
        auto const dead = of.broker->make_reader("billing", "dead");
        std::string_view const streams[]{"orders"};
        std::vector<received> left;
        BOOST_TEST(!(co_await dead->read(streams, 1'000, 0ms, left)));
        BOOST_TEST(left.size() == 700);

        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 2);
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(700);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 700);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(what_a_dead_consumer_tried_often_enough_goes_to_the_dead_letters_without_a_run)
{
    check([](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", {})));
        auto const id = co_await of.publish("orders", "poison");
        auto const dead = of.broker->make_reader("billing", "dead");
        std::string_view const streams[]{"orders"};
        std::vector<received> left;
        BOOST_TEST(!(co_await dead->read(streams, 1, 0ms, left)));
        for (auto attempt = 2; attempt <= 5; ++attempt) {
            taking again;
            again.id = id;
            BOOST_TEST(!(co_await of.broker->take({"orders", "billing", "dead"}, {&again, 1})));
        }

        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            BOOST_ERROR("it ran");
            co_return;
        });
        auto run = of.start(clerk);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-attempts") == "5");
    });
}

BOOST_AUTO_TEST_CASE(a_suspect_that_is_found_while_a_read_waits_with_all_places_gets_one)
{
    check([](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", {})));
        auto const id = co_await of.publish("orders", "x");
        auto const dead = of.broker->make_reader("billing", "dead");
        std::string_view const streams[]{"orders"};
        std::vector<received> left;
        BOOST_TEST(!(co_await dead->read(streams, 1, 0ms, left)));
        taking again;
        again.id = id;
        BOOST_TEST(!(co_await of.broker->take({"orders", "billing", "dead"}, {&again, 1})));

        auto const handled = of.make_tally();
        auto options = named("clerk");
        options.max_concurrency = options.max_in_flight = 2;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 3);
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_lost_lease_cancels_its_handler_and_settles_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const cancelled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", [&, doors](delivery const&) -> asio::awaitable<void> {
            try {
                co_await doors->pass();
            }
            catch (boost::system::system_error const& thrown) {
                BOOST_TEST((thrown.code() == asio::error::operation_aborted));
                cancelled->add();
                throw;
            }
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        auto const stolen =
            co_await of.broker->claim({"orders", "billing", "thief"}, 0ms, entry_id::min(), 10);
        BOOST_REQUIRE(stolen.has_value());
        BOOST_TEST(stolen->entries.size() == 1);
        co_await cancelled->reach(1);
        clerk->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why);
        auto const& report = end.report;
        BOOST_TEST(report.lost == 1);
        BOOST_TEST(report.handled + report.retried + report.dead + report.released + report.cancelled == 0);
        auto const pending = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].consumer == "thief");
        BOOST_TEST(pending[0].attempts == 1);
    });
}

/// A renewal behind it would make it look busy to those who were told that it can be had.
BOOST_AUTO_TEST_CASE(what_is_handed_back_is_not_renewed_any_more)
{
    auto const spied = std::make_shared<spy>();
    auto const make = [=](asio::any_io_executor executor) {
        return make_spied_broker(std::move(executor), spied);
    };
    check_with(make, [spied](stage& of) -> asio::awaitable<void> {
        auto const door = of.make_gate();
        auto const sent = of.make_gate();
        auto options = named("clerk");
        options.max_concurrency = 1;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [=](delivery const&) { return door->pass(); });
        auto const first = co_await of.publish("orders", "x");
        co_await of.publish_numbers("orders", 20);
        auto run = of.start(clerk);
        co_await door->arrived.reach(1);
        co_await of.until([&]() -> asio::awaitable<bool> { co_return spied->read == 21; });
        spied->before_settle = [=] {
            if (sent->arrived.count() == 0)
                spied->renewed.clear();
            return sent->pass();
        };
        clerk->stop();
        co_await sent->arrived.reach(1);
        co_await of.until([&]() -> asio::awaitable<bool> { co_return spied->renewed.size() >= 4; });
        for (auto const id : spied->renewed)
            BOOST_TEST((id == first));
        sent->open();
        door->open();
        BOOST_TEST((co_await of.good_end(run)).released == 20);
        spied->before_settle = nullptr;
    });
}

BOOST_AUTO_TEST_CASE(what_waits_for_another_attempt_is_renewed_and_stays_this_consumers)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const runs = of.make_tally();
        auto options = named("clerk");
        options.retry.first = 1h;
        options.retry.longest = 1h;
        auto const clerk = of.make_consumer(options);
        auto const other = of.make_consumer(named("other"));
        auto const fail = [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw std::runtime_error("not today");
            co_return;
        };
        clerk->on("orders", fail);
        co_await of.publish_numbers("orders", 20);
        auto run = of.start(clerk);
        co_await runs->reach(20);
        other->on("orders", fail);
        auto watching = of.start(other);
        co_await pass(of, 8 * lease);
        BOOST_TEST(runs->count() == 20);
        for (auto const& one : co_await of.pending("orders", "billing")) {
            BOOST_TEST(one.consumer == "clerk");
            BOOST_TEST(one.attempts == 1);
        }
        other->stop();
        clerk->stop();
        BOOST_TEST((co_await of.good_end(watching)).retried == 0);
        BOOST_TEST((co_await of.good_end(run)).released == 20);
        // A5: handed back with the attempt that failed, to be claimed by others when it would have been due.
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST(one.attempts == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
