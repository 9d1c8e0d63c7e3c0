// Runs of a consumer: their starts, what they find, and ends that nobody asked for.

#include "pipeline/spied_broker.hpp"
#include "pipeline/stage.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Reads without handling, as a process that ended did.
asio::awaitable<void> read_and_end(stage& of, std::string_view consumer, std::size_t count)
{
    BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", start_position::beginning())));
    auto const reader = of.broker->make_reader("billing", consumer);
    std::string_view const names[] = {"orders"};
    std::vector<received> entries;
    auto const why = co_await reader->read(names, count, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_REQUIRE(entries.size() == count);
}

consumer_options named(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    options.max_concurrency = 1;
    return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(running)

BOOST_AUTO_TEST_CASE(needs_a_handler)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const billing = of.make_consumer(in_group("billing"));
        auto const end = co_await of.start(billing).get();
        BOOST_TEST((end.why == errc::invalid_option));
        BOOST_TEST(!end.why.words().empty());
    });
}

BOOST_AUTO_TEST_CASE(takes_up_each_of_a_long_backlog_of_its_own_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        constexpr std::size_t count = 3'300;
        co_await of.publish_numbers("orders", count);
        co_await read_and_end(of, "clerk", count);
        auto options = named("clerk");
        options.max_concurrency = 64;
        auto const clerk = of.make_consumer(options);
        std::vector<std::string> seen;
        auto const handled = of.make_tally();
        clerk->on("orders", [&, handled](delivery const& what) -> asio::awaitable<void> {
            seen.emplace_back(what.body().value());
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(count);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == count);
        std::ranges::sort(seen);
        BOOST_TEST((std::ranges::adjacent_find(seen) == seen.end()));
    });
}

BOOST_AUTO_TEST_CASE(ends_with_its_broker_also_when_that_is_closed_between_two_reads)
{
    auto const spied = std::make_shared<spy>();
    auto const make = [&](asio::any_io_executor executor) {
        return make_spied_broker(std::move(executor), spied);
    };
    check_with(make, [&](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 10);
        auto options = in_group("billing");
        options.read_count = 2;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
        spied->after_read = [&] { of.broker->close(); };
        auto const end = co_await of.start(billing).get();
        spied->after_read = nullptr;
        BOOST_TEST((end.why == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(twice_at_the_same_time_is_refused_and_harms_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        auto again = of.start(billing);
        BOOST_TEST(((co_await again.get()).why == errc::already_running));
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        BOOST_TEST(((co_await of.start(billing).get()).why == errc::already_running));
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_when_its_group_is_removed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const told = of.make_tally();
        auto options = named("clerk");
        options.on_error = [told](failure const& why) {
            if (why == errc::no_group)
                told->add();
        };
        auto const billing = of.make_consumer(options);
        billing->on("orders", [handled](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await of.publish("orders", "first");
        co_await handled->reach(1);
        BOOST_TEST((co_await of.broker->remove_group("orders", "billing")).value());
        co_await told->reach(1);
        // Made anew it begins at the beginning.
        co_await handled->reach(2);
        co_await of.publish("orders", "second");
        co_await handled->reach(3);
        billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
    });
}

BOOST_AUTO_TEST_CASE(again_after_the_end_begins_a_new_report)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        for (std::size_t round = 1; round != 4; ++round) {
            co_await of.publish("orders", "x");
            auto run = of.start(billing);
            co_await handled->reach(round);
            billing->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 1);
        }
    });
}

BOOST_AUTO_TEST_CASE(again_while_a_handler_of_the_last_run_is_stuck)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(named("clerk"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "stuck" && doors->arrived.count() == 0) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await doors->pass();
            }
            handled->add();
        });
        co_await of.publish("orders", "stuck");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop(0ms);
        BOOST_TEST((co_await of.good_end(run)).stuck == 1);

        co_await of.publish("orders", "other");
        auto again = of.start(billing);
        co_await handled->reach(2);
        doors->open();
        co_await handled->reach(3);
        billing->stop();
        BOOST_TEST((co_await of.good_end(again)).handled == 2);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(under_the_same_name_begins_with_what_was_not_finished)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await read_and_end(of, "clerk", 3);
        co_await of.publish("orders", "new");

        auto const handled = of.make_tally();
        std::vector<std::string> seen;
        auto const billing = of.make_consumer(named("clerk"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            seen.push_back(std::string(*what.body()) + " " + std::to_string(what.attempt()));
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await handled->reach(4);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 4);
        BOOST_TEST(
            seen == (std::vector<std::string>{"0 2", "1 2", "2 2", "new 1"}), boost::test_tools::per_element()
        );
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(finds_more_unfinished_deliveries_than_it_may_hold)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 1'300);
        co_await read_and_end(of, "clerk", 1'300);
        co_await of.publish("orders", "new");
        auto const handled = of.make_tally();
        std::vector<entry_id> ids;
        auto options = named("clerk");
        options.max_in_flight = 7;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ids.push_back(what.id());
            BOOST_TEST(what.attempt() == (ids.size() <= 1'300 ? 2 : 1));
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await handled->reach(1'301);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1'301);
        BOOST_TEST(std::ranges::is_sorted(ids));
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(under_another_name_leaves_it_to_its_owner)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "old");
        co_await read_and_end(of, "clerk", 1);
        co_await of.publish("orders", "new");
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(named("another"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST((what.body() == "new"));
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await handled->reach(1);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(buries_what_was_attempted_often_enough_without_running_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const id = co_await of.publish("orders", "deadly");
        co_await read_and_end(of, "clerk", 1);
        for (int crash = 0; crash != 2; ++crash) {
            taking again;
            again.id = id;
            BOOST_TEST(!(co_await of.broker->take({"orders", "billing", "clerk"}, {&again, 1})));
            BOOST_TEST(again.state == holding::held);
        }
        co_await of.publish("orders", "good");

        auto const handled = of.make_tally();
        auto options = named("clerk");
        options.max_attempts = 3;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST((what.body() == "good"));
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await handled->reach(1);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
        BOOST_TEST(letters[0].header_of("dead-attempts") == "3");
    });
}

BOOST_AUTO_TEST_CASE(ends_when_its_consumer_is_destroyed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        std::optional<ending> end;
        auto const ended = of.make_tally();
        {
            consumer billing(of.broker, in_group("billing"));
            billing.on("orders", [doors](delivery const&) -> asio::awaitable<void> {
                co_await doors->pass();
            });
            billing.async_run([&](failure const& why, consume_report const& report) {
                end = ending{why, report};
                ended->add();
            });
            co_await of.publish("orders", "x");
            co_await doors->arrived.reach(1);
        }
        co_await ended->reach(1);
        BOOST_TEST(!end->why, end->why);
        BOOST_TEST(end->report.cancelled == 1);
    });
}

BOOST_AUTO_TEST_CASE(ends_when_a_handler_destroys_its_consumer)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const ended = of.make_tally();
        auto billing = std::make_unique<consumer>(of.broker, in_group("billing"));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            billing.reset();
            co_return;
        });
        billing->async_run([&](failure const& why, consume_report const& report) {
            BOOST_TEST(!why, why);
            BOOST_TEST(report.handled == 1);
            ended->add();
        });
        co_await of.publish("orders", "x");
        co_await ended->reach(1);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_when_its_consumer_is_moved)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        consumer first(of.broker, in_group("billing"));
        first.on("orders", [handled](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto const ended = of.make_tally();
        first.async_run([ended](failure const& why, consume_report const& report) {
            BOOST_TEST(!why);
            BOOST_TEST(report.handled == 1);
            ended->add();
        });
        consumer second(std::move(first));
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        // What is assigned to a consumer takes its place: that one stops.
        second = consumer(of.broker, in_group("shipping"));
        co_await ended->reach(1);
    });
}

BOOST_AUTO_TEST_CASE(ends_when_the_broker_is_closed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        auto run = of.start(billing);
        co_await of.publish_numbers("orders", 2);
        co_await doors->arrived.reach(2);
        of.broker->close();
        auto const end = co_await run.get();
        BOOST_TEST((end.why == errc::closed));
        BOOST_TEST(end.report.handled == 0);
        BOOST_TEST(end.report.unsettled == 2);
        // And does not begin any more.
        BOOST_TEST(((co_await of.start(billing).get()).why == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(ends_when_the_broker_is_closed_and_nothing_is_read)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto options = named("clerk");
        options.max_in_flight = 1;
        options.lease = 200ms;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        auto run = of.start(billing);
        co_await of.publish("orders", "x");
        co_await doors->arrived.reach(1);
        of.broker->close();
        BOOST_TEST(((co_await run.get()).why == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(keeps_the_broker_alive)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        producer to(of.broker);
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [handled](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        of.broker.reset();
        co_await to.async_publish("orders", std::string("x"));
        co_await handled->reach(1);
        billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
    });
}

BOOST_AUTO_TEST_CASE(tells_its_handler_where_that_wants_to_be_told)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const other = asio::make_strand(of.strand());
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
        auto const ended = of.make_tally();
        billing->async_run(asio::bind_executor(other, [&](failure const&, consume_report const&) {
            BOOST_TEST(other.running_in_this_thread());
            asio::post(of.strand(), [ended] { ended->add(); });
        }));
        billing->stop();
        co_await ended->reach(1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
