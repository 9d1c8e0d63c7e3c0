// Runs of other kinds: draining, at most once, exclusive, and what removes what it has handled.

#include "pipeline/stage.hpp"

#include <strandline/names.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <thread>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using words = std::vector<std::string>;

consumer_options named(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    return options;
}

auto counting(std::shared_ptr<tally> handled)
{
    return [handled](delivery const&) -> asio::awaitable<void> {
        handled->add();
        co_return;
    };
}

/// Drains beside the test.
started<ending> start_drain(stage& of, std::shared_ptr<consumer> what)
{
    return {of.strand(), [](auto drained) -> asio::awaitable<ending> {
                auto const end = co_await drained->async_drain(asio::as_tuple);
                co_return ending{std::get<0>(end), std::get<1>(end)};
            }(std::move(what))};
}

asio::awaitable<consume_report> drain(stage& of, std::shared_ptr<consumer> what)
{
    return of.good_end(start_drain(of, std::move(what)));
}

words numbers(int from, int to)
{
    words all;
    for (; from != to; ++from)
        all.push_back(std::to_string(from));
    return all;
}

asio::awaitable<std::uint64_t> length_of(stage& of, std::string stream)
{
    auto const info = co_await of.broker->inspect_stream(stream);
    BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
    co_return info->length;
}

} // namespace

BOOST_AUTO_TEST_SUITE(M1_draining)

BOOST_AUTO_TEST_CASE(completes_at_once_when_there_is_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(named("clerk"));
        auto const handled = of.make_tally();
        clerk->on("orders", counting(handled));
        clerk->on("mails", counting(handled));
        clerk->on("bills", counting(handled));
        for (int i = 0; i != 2; ++i)
            BOOST_TEST((co_await drain(of, clerk)).handled == 0);
        co_await of.publish("mails", "x");
        BOOST_TEST((co_await drain(of, clerk)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(handles_what_is_left_what_fails_and_what_comes_meanwhile)
{
    check([](stage& of) -> asio::awaitable<void> {
        // Of the consumer itself, of one that is gone, of one that lives, and of nobody.
        for (int i = 0; i != 10; ++i)
            co_await of.publish("orders", "own");
        co_await of.abandon("orders", "billing", "clerk");
        for (int i = 0; i != 350; ++i)
            co_await of.publish("orders", "left");
        co_await of.abandon("orders", "billing", "dead", 1, 1h);
        co_await of.publish("orders", "another's");
        co_await of.abandon("orders", "billing", "alive");
        for (int i = 0; i != 20; ++i)
            co_await of.publish("orders", i % 2 == 0 ? "new" : "fails");

        auto options = named("clerk");
        options.retry = {20ms, 1, 20ms};
        options.claim_interval = 24h;
        auto const clerk = of.make_consumer(options);
        producer to(of.broker);
        std::map<std::string, int> handled;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            std::string const body(*what.body());
            if (body == "fails") {
                if (what.attempt() < 3)
                    throw std::runtime_error("not yet");
                co_await to.async_publish("mails", "first");
            }
            ++handled[body];
        });
        clerk->on("mails", [&](delivery const& what) -> asio::awaitable<void> {
            std::string const body(*what.body());
            ++handled[body];
            if (body == "first")
                co_await to.async_publish("orders", "last");
        });
        auto const report = co_await drain(of, clerk);
        BOOST_TEST(handled["own"] == 10);
        BOOST_TEST(handled["left"] == 350);
        BOOST_TEST(handled["new"] == 10);
        BOOST_TEST(handled["fails"] == 10);
        BOOST_TEST(handled["first"] == 10);
        BOOST_TEST(handled["last"] == 10);
        BOOST_TEST(handled.size() == 6);
        BOOST_TEST(report.handled == 400);
        BOOST_TEST(report.retried == 20);
        BOOST_TEST(report.released == 0);
        auto const rest = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(rest.size() == 1);
        BOOST_TEST(rest[0].consumer == "alive");
        BOOST_TEST((co_await of.pending("mails", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(L2_begins_where_a_process_of_the_same_name_died)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", {})));
        auto const lease = consumer_options().lease;
        BOOST_TEST(!(co_await of.broker->join({"orders", "billing", "clerk", "dead"}, lease, true)));
        co_await of.abandon("orders", "billing", "clerk");
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", counting(of.make_tally()));
        BOOST_TEST((co_await drain(of, clerk)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(takes_over_more_than_it_may_hold)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 450);
        co_await of.abandon("orders", "billing", "dead", 1, 1h);
        auto options = named("clerk");
        options.max_concurrency = options.max_in_flight = 10;
        options.claim_interval = 24h;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            co_await asio::post(of.strand());
            handled->add();
        });
        BOOST_TEST((co_await drain(of, clerk)).handled == 450);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(goes_through_more_streams_than_it_may_hold_deliveries)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_concurrency = 1;
        options.max_in_flight = 2;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        producer to(of.broker);
        for (int i = 0; i != 5; ++i) {
            auto const stream = "orders" + std::to_string(i);
            clerk->on(stream, [&, i](delivery const& what) -> asio::awaitable<void> {
                handled->add();
                // From the last stream back to the first.
                if (what.body() == "9" && i != 0)
                    co_await to.async_publish("orders" + std::to_string(i - 1), "9");
            });
            if (i != 2)
                co_await of.publish_numbers(stream, 10);
        }
        auto const report = co_await drain(of, clerk);
        // Of the four tens the nines of the fourth, the third and the first stream go on down to none.
        BOOST_TEST(report.handled == 40U + 4 + 3 + 1);
        BOOST_TEST(report.handled == handled->count());
    });
}

BOOST_AUTO_TEST_CASE(waits_for_handlers_and_for_the_dead_letters)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_attempts = 2;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 2)
                co_await doors->pass();
            throw std::runtime_error("no");
        });
        co_await of.publish("orders", "x");
        auto run = start_drain(of, clerk);
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 1);
        BOOST_TEST(!run.has_ended());
        doors->open();
        BOOST_TEST((co_await of.good_end(run)).dead == 1);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(keeps_the_order_and_runs_suspects_alone)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (auto const order : {ordering::strict, ordering::by_key}) {
            auto const stream = order == ordering::strict ? "orders" : "mails";
            for (int i = 0; i != 6; ++i)
                co_await of.publish(stream, std::to_string(i), {{"key", "k"}});
            co_await of.abandon(stream, "billing", "clerk", 2);
            for (int i = 6; i != 12; ++i)
                co_await of.publish(stream, std::to_string(i), {{"key", "k"}});
            auto options = named("clerk");
            options.order = order;
            auto const clerk = of.make_consumer(options);
            words bodies;
            clerk->on(stream, [&](delivery const& what) -> asio::awaitable<void> {
                BOOST_TEST(what.attempt() == (std::stoi(std::string(*what.body())) < 6 ? 3 : 1));
                bodies.emplace_back(*what.body());
                co_await asio::post(of.strand());
            });
            BOOST_TEST((co_await drain(of, clerk)).handled == 12);
            BOOST_TEST(bodies == numbers(0, 12), per_element());
        }
    });
}

BOOST_AUTO_TEST_CASE(waits_for_what_was_received_to_be_decided)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->pull("orders");
        co_await of.publish_numbers("orders", 3);
        auto run = start_drain(of, clerk);
        for (int i = 0; i != 3; ++i) {
            auto [why, one] = co_await clerk->async_receive(asio::as_tuple);
            BOOST_REQUIRE(!why);
            BOOST_TEST(!run.has_ended());
            one.ack();
        }
        auto const last = co_await clerk->async_receive(asio::as_tuple);
        BOOST_TEST(std::get<0>(last) == errc::not_running);
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(can_be_stopped)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_concurrency = 1;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 10);
        auto run = start_drain(of, clerk);
        co_await doors->arrived.reach(1);
        auto const second = co_await clerk->async_drain(asio::as_tuple);
        BOOST_TEST(std::get<0>(second) == errc::already_running);
        co_await of.until_pending("orders", "billing", 10);
        clerk->stop();
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const left = co_await of.pending("orders", "billing");
            co_return std::ranges::count(left, 0U, &pending_info::attempts) == 9;
        });
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released == 9);
        BOOST_TEST((co_await drain(of, clerk)).handled == 9);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(at_most_once)

namespace {

consumer_options once()
{
    auto options = named("clerk");
    options.at_most_once = true;
    return options;
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_is_pending_while_a_handler_runs)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(once());
        auto const doors = of.make_gate();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 1);
            co_await doors->pass();
        });
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(5);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
        doors->open();
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 5);
        BOOST_TEST(report.dropped == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_and_that_is_all)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = once();
        options.max_concurrency = 1;
        options.handler_timeout = 20ms;
        auto const told = of.make_tally();
        words said;
        options.on_error = [&](failure const& why) {
            BOOST_TEST(why == errc::handler_failed);
            said.emplace_back(why.words());
            told->add();
        };
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        auto const doors = of.make_gate();
        clerk->on<int>("orders", [&](int const& number) -> asio::awaitable<void> {
            runs->add();
            switch (number) {
            case 0:
                throw std::runtime_error("no such customer");
            case 1:
                throw reject("unknown article");
            case 2:
                throw retry_after(0ms, "the shop is closed");
            case 3:
                throw 5;
            case 4:
                co_await doors->pass();
                break;
            default:
                break;
            }
        });
        std::vector<entry_id> ids;
        for (auto const* const body : {"0", "1", "2", "3", "4", "no number", "6"})
            ids.push_back(co_await of.publish("orders", body));
        auto run = of.start(clerk);
        co_await runs->reach(6);
        co_await told->reach(6);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.dropped == 6);
        BOOST_TEST(report.retried + report.dead + report.cancelled == 0);
        BOOST_TEST(runs->count() == 6);
        BOOST_REQUIRE(said.size() == 6);
        auto const has = [&](std::size_t which, std::string const& what) {
            BOOST_TEST(said[which].find(what) != std::string::npos, said[which] << " has no " << what);
        };
        for (std::size_t i = 0; i != 6; ++i) {
            has(i, "orders");
            has(i, ids[i].to_string());
        }
        has(0, "no such customer");
        has(1, "unknown article");
        has(2, "the shop is closed");
        has(4, "20 ms");
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(M1_a_stop_runs_what_it_holds_within_the_grace)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        check([=](stage& of) -> asio::awaitable<void> {
            auto options = once();
            options.max_concurrency = 2;
            options.order = order;
            auto const clerk = of.make_consumer(options);
            auto const doors = of.make_gate();
            words bodies;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                co_await doors->pass();
                bodies.emplace_back(*what.body());
            });
            for (int i = 0; i != 10; ++i)
                co_await of.publish("orders", std::to_string(i), {{"key", "k"}});
            auto run = of.start(clerk);
            co_await doors->arrived.reach(1);
            clerk->stop(1h);
            doors->open();
            auto const report = co_await of.good_end(run);
            BOOST_TEST(report.handled == 10);
            BOOST_TEST(report.dropped == 0);
            if (order == ordering::unordered)
                std::ranges::sort(bodies);
            BOOST_TEST(bodies == numbers(0, 10), per_element());
        });
}

BOOST_AUTO_TEST_CASE(M1_what_the_stop_s_deadline_leaves_without_a_handler_is_dropped_and_counted)
{
    for (auto const order : {ordering::unordered, ordering::by_key})
        check([=](stage& of) -> asio::awaitable<void> {
            auto options = once();
            options.max_concurrency = 1;
            options.order = order;
            auto const clerk = of.make_consumer(options);
            auto const doors = of.make_gate();
            clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
            for (int i = 0; i != 10; ++i)
                co_await of.publish("orders", "x", {{"key", i % 2 == 0 ? "a" : "b"}});
            auto run = of.start(clerk);
            co_await doors->arrived.reach(1);
            clerk->stop(0ms);
            auto const report = co_await of.good_end(run);
            BOOST_TEST(report.dropped == 10);
            BOOST_TEST(report.handled == 0);
            BOOST_TEST(doors->arrived.count() == 1);
            // Nobody gets them again.
            auto const other = of.make_consumer(named("other"));
            other->on("orders", counting(of.make_tally()));
            BOOST_TEST((co_await drain(of, other)).handled == 0);
        });
}

BOOST_AUTO_TEST_CASE(followers_of_a_key_keep_what_cannot_be_had_again)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = once();
        options.order = ordering::by_key;
        options.max_concurrency = 2;
        options.max_in_flight = 4;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        words bodies;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await doors->pass();
            bodies.emplace_back(*what.body());
            handled->add();
        });
        for (int i = 0; i != 20; ++i)
            co_await of.publish("orders", std::to_string(i), {{"key", "k"}});
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        // It holds as many as it may, and waits.
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const groups = co_await of.broker->inspect_groups("orders");
            co_return groups && groups->front().lag == 16U;
        });
        doors->open();
        co_await handled->reach(20);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 20);
        BOOST_TEST(bodies == numbers(0, 20), per_element());
    });
}

BOOST_AUTO_TEST_CASE(followers_of_a_stuck_handler_run_when_it_has_returned)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = once();
        options.order = ordering::by_key;
        options.handler_timeout = 10ms;
        auto const stuck = of.make_tally();
        options.on_error = [&](failure const& why) {
            if (why == errc::stuck)
                stuck->add();
        };
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "0") {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await doors->pass();
            }
            else
                handled->add();
        });
        for (int i = 0; i != 5; ++i)
            co_await of.publish("orders", std::to_string(i), {{"key", "k"}});
        auto run = of.start(clerk);
        co_await stuck->reach(1);
        BOOST_TEST(handled->count() == 0);
        doors->open();
        co_await handled->reach(4);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 4);
        BOOST_TEST(report.dropped == 1);
    });
}

BOOST_AUTO_TEST_CASE(M1_drains_too)
{
    check([](stage& of) -> asio::awaitable<void> {
        // What others have pending is not its own to take.
        co_await of.publish("orders", "another's");
        co_await of.abandon("orders", "billing", "dead", 1, 1h);
        co_await of.publish_numbers("orders", 100);
        auto options = once();
        options.max_concurrency = options.max_in_flight = 7;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await asio::post(of.strand());
            if (what.body() == "5")
                throw std::runtime_error("no");
        });
        auto const report = co_await drain(of, clerk);
        BOOST_TEST(report.handled == 99);
        BOOST_TEST(report.dropped == 1);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(an_exclusive_consumer_may_be_one)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = once();
        options.exclusive = true;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        options.name = "other";
        auto const other = of.make_consumer(options);
        other->on("orders", counting(handled));
        BOOST_TEST((co_await of.start(other).get()).why == errc::locked);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(exclusive)

namespace {

consumer_options alone(std::string name)
{
    auto options = named(std::move(name));
    options.exclusive = true;
    options.order = ordering::strict;
    return options;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_second_consumer_is_refused_while_the_first_one_runs)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(alone("clerk"));
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        auto const other = of.make_consumer(alone("other"));
        other->on("orders", counting(handled));
        for (int i = 0; i != 3; ++i) {
            auto const end = co_await of.start(other).get();
            BOOST_TEST(end.why == errc::locked);
            BOOST_TEST(end.why.words().find("billing") != std::string_view::npos, end.why);
            BOOST_TEST(end.report.handled == 0);
        }
        // Another group is another matter.
        auto options = alone("auditor");
        options.group = "audit";
        auto const auditor = of.make_consumer(options);
        auto const audited = of.make_tally();
        auditor->on("orders", counting(audited));
        auto second = of.start(auditor);
        co_await audited->reach(1);
        auditor->stop();
        co_await of.good_end(second);

        co_await of.publish("orders", "x");
        co_await handled->reach(2);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
        // The lock went with it.
        auto third = of.start(other);
        co_await of.publish("orders", "x");
        co_await handled->reach(3);
        other->stop();
        co_await of.good_end(third);
    });
}

BOOST_AUTO_TEST_CASE(O1_the_next_one_begins_with_what_the_one_before_has_left)
{
    check([](stage& of) -> asio::awaitable<void> {
        words bodies;
        auto const failed = of.make_tally();
        auto options = alone("clerk");
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "3") {
                failed->add();
                throw std::runtime_error("not today");
            }
            bodies.emplace_back(*what.body());
            co_return;
        });
        for (int i = 0; i != 8; ++i)
            co_await of.publish("orders", std::to_string(i));
        auto run = of.start(clerk);
        co_await failed->reach(1);
        co_await of.until_pending("orders", "billing", 5);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
        // And one that died, whose lease has not run out.
        co_await of.publish("orders", "8");
        co_await of.publish("orders", "9");
        co_await of.abandon("orders", "billing", "dead");
        for (int i = 10; i != 20; ++i)
            co_await of.publish("orders", std::to_string(i));

        auto const handled = of.make_tally();
        auto const other = of.make_consumer(alone("other"));
        other->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            bodies.emplace_back(*what.body());
            co_await asio::post(of.strand());
            handled->add();
        });
        auto second = of.start(other);
        co_await handled->reach(17);
        other->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 17);
        BOOST_TEST(bodies == numbers(0, 20), per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_not_to_be_had_on_one_stream_leaves_the_others_free)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const fence = co_await of.broker->lock(group_lock("mails", "billing"), "thief", 1h);
        BOOST_REQUIRE(fence.has_value());
        auto const clerk = of.make_consumer(alone("clerk"));
        clerk->on("orders", counting(of.make_tally()));
        clerk->on("mails", counting(of.make_tally()));
        BOOST_TEST((co_await of.start(clerk).get()).why == errc::locked);
        BOOST_TEST((co_await of.broker->lock(group_lock("orders", "billing"), "thief", 1h)).has_value());
    });
}

BOOST_AUTO_TEST_CASE(a_lost_lock_ends_the_run_and_what_it_held_is_handed_back)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = alone("clerk");
        options.lease = 100ms;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 3);
        // A process that is paused for longer than the lock lives.
        std::this_thread::sleep_for(3 * options.lease);
        auto const name = group_lock("orders", "billing");
        auto const fence = co_await of.broker->lock(name, "thief", 1h);
        BOOST_REQUIRE_MESSAGE(fence.has_value(), fence.error());
        auto const end = co_await run.get();
        BOOST_TEST(end.why == errc::lock_lost);
        BOOST_TEST(end.report.handled == 0);
        BOOST_TEST(end.report.cancelled == 1);
        BOOST_TEST(end.report.released == 2);
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST(one.attempts == 0);
        // Whoever has it keeps it.
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "thief", 1h)));
    });
}

BOOST_AUTO_TEST_CASE(a_lock_is_kept_for_as_long_as_the_run_lasts)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = alone("clerk");
        options.lease = 200ms;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        // Time is what this is about: it passes.
        co_await asio::steady_timer(of.strand(), 3 * options.lease).async_wait();
        auto const refused = co_await of.broker->lock(group_lock("orders", "billing"), "thief", 1h);
        BOOST_TEST(refused.has_error());
        clerk->stop();
        co_await of.good_end(run);
        BOOST_TEST((co_await of.broker->lock(group_lock("orders", "billing"), "thief", 1h)).has_value());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(removal_of_what_was_handled)

BOOST_AUTO_TEST_CASE(leaves_what_was_not)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.delete_handled = true;
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            runs->add();
            if (what.body() == "3" && what.attempt() == 1)
                throw std::runtime_error("not today");
            co_return;
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        co_await runs->reach(10);
        co_await of.until_pending("orders", "billing", 1);
        BOOST_TEST((co_await length_of(of, "orders")) == 1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 9);
        auto again = of.start(clerk);
        co_await runs->reach(11);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(again)).handled == 1);
        BOOST_TEST((co_await length_of(of, "orders")) == 0);
    });
}

BOOST_AUTO_TEST_CASE(comes_with_the_last_group)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const make = [&](std::string group, std::shared_ptr<tally> handled) {
            auto options = in_group(std::move(group));
            options.delete_handled = true;
            auto made = of.make_consumer(options);
            made->on("orders", counting(handled));
            return made;
        };
        for (auto const* const group : {"billing", "audit"})
            BOOST_TEST(!(co_await of.broker->ensure_group("orders", group, {})));
        co_await of.publish_numbers("orders", 10);
        auto const handled = of.make_tally();
        auto const first = make("billing", handled);
        BOOST_TEST((co_await drain(of, first)).handled == 10);
        BOOST_TEST((co_await length_of(of, "orders")) == 10);
        auto const second = make("audit", handled);
        BOOST_TEST((co_await drain(of, second)).handled == 10);
        BOOST_TEST((co_await length_of(of, "orders")) == 0);
        BOOST_TEST(handled->count() == 20);
    });
}

BOOST_AUTO_TEST_CASE(goes_with_what_a_hook_drops_and_the_dead_letters_stay)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.delete_handled = true;
        options.on_dead = [](delivery const& what, std::string_view, std::string_view) {
            return what.body() == "0" ? dead_action::drop : dead_action::bury;
        };
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [](delivery const&) -> asio::awaitable<void> {
            throw reject("no");
            co_return;
        });
        co_await of.publish_numbers("orders", 2);
        auto const report = co_await drain(of, clerk);
        BOOST_TEST(report.dropped == 1);
        BOOST_TEST(report.dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST((letters[0].body == "1"));
    });
}

BOOST_AUTO_TEST_SUITE_END()
