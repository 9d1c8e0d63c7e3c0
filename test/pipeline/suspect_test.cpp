// A3, A4, A5: deliveries found pending, of which a handler may have ended its process.

#include "pipeline/spied_broker.hpp"
#include "pipeline/stage.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

consumer_options clerk_options()
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.claim_interval = 10ms;
    return options;
}

/// For tests in which it takes over what others have left; that begins a lease after the start.
consumer_options claiming_options()
{
    auto options = clerk_options();
    options.lease = 100ms;
    return options;
}

/// A consumer whose handler waits at the door.
std::shared_ptr<consumer> make_patient(stage& of, std::shared_ptr<gate> doors)
{
    auto options = clerk_options();
    options.name = "patient";
    auto const made = of.make_consumer(options);
    made->on("returns", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
    return made;
}

asio::awaitable<std::uint32_t> attempts_of(stage& of, entry_id id)
{
    for (auto const& one : co_await of.pending("orders", "billing"))
        if (one.id == id)
            co_return one.attempts;
    BOOST_FAIL("not pending");
    co_return 0;
}

/// Gives the engine and the consumers every opportunity to do more than they may.
asio::awaitable<void> let_it_work(stage& of)
{
    for (int i = 0; i != 20; ++i) {
        (void)co_await of.broker->inspect_stream("round-trip");
        co_await asio::post(of.strand());
    }
}

bool was_left(delivery const& what)
{
    return what.body()->starts_with("left");
}

/// Which handlers run, those of suspects and others.
struct witness
{
    std::multiset<std::string> running;
    int suspects = 0;
    /// Handlers that ran beside a suspect, or a suspect beside them.
    int beside = 0;
    std::vector<std::string> order;

    void start(delivery const& what, bool is_suspect)
    {
        beside += suspects != 0 || (is_suspect && !running.empty());
        suspects += is_suspect;
        running.insert(std::string(*what.body()));
        order.push_back(std::string(*what.body()));
    }

    void end(delivery const& what, bool is_suspect)
    {
        suspects -= is_suspect;
        running.erase(running.find(std::string(*what.body())));
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(suspects)

// A4
BOOST_AUTO_TEST_CASE(run_alone_and_are_counted_as_they_start)
{
    for (auto const& owner : {"clerk", "another"})
        check([owner](stage& of) -> asio::awaitable<void> {
            auto const ids = co_await of.leave_behind("orders", "billing", owner, {2, 3, 2, 4});
            co_await of.publish_numbers("orders", 100);
            auto options = claiming_options();
            options.max_concurrency = 10;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            witness saw;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                auto const is_suspect = was_left(what);
                saw.start(what, is_suspect);
                if (is_suspect) {
                    BOOST_TEST(what.attempt() >= 3U);
                    BOOST_TEST((co_await attempts_of(of, what.id())) == what.attempt());
                    co_await let_it_work(of);
                }
                else
                    for (int i = 0; i != 3; ++i)
                        co_await asio::post(of.strand());
                saw.end(what, is_suspect);
                handled->add();
            });
            auto run = of.start(clerk);
            co_await handled->reach(104);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 104);
            BOOST_TEST(saw.beside == 0);
        });
}

// A4
BOOST_AUTO_TEST_CASE(let_others_run_in_between)
{
    auto const spied = std::make_shared<spy>();
    auto const make = [&](asio::any_io_executor executor) {
        return make_spied_broker(std::move(executor), spied);
    };
    check_with(make, [&](stage& of) -> asio::awaitable<void> {
        constexpr std::size_t suspects = 8;
        co_await of.leave_behind("orders", "billing", "clerk", std::vector<std::uint32_t>(suspects, 2));
        co_await of.publish_numbers("orders", 100);
        spied->read = 0;
        auto options = clerk_options();
        options.max_concurrency = 4;
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        witness saw;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            auto const is_suspect = was_left(what);
            saw.start(what, is_suspect);
            // Then the others are there, and wait.
            if (is_suspect)
                co_await of.until([&]() -> asio::awaitable<bool> { co_return spied->read == 100; });
            co_await asio::post(of.strand());
            saw.end(what, is_suspect);
            handled->add();
        });
        auto run = of.start(clerk);
        co_await handled->reach(suspects + 100);
        clerk->stop();
        co_await of.good_end(run);
        BOOST_TEST(saw.beside == 0);
        auto const adjacent = std::ranges::adjacent_find(saw.order, [](auto const& left, auto const& right) {
            return left.starts_with("left") && right.starts_with("left");
        });
        BOOST_TEST((adjacent == saw.order.end()));
    });
}

// A4
BOOST_AUTO_TEST_CASE(run_alone_among_all_consumers_of_the_process)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.leave_behind("orders", "billing", "clerk", {2, 2, 2});
        co_await of.leave_behind("returns", "billing", "second", {2, 2, 2});
        co_await of.publish_numbers("orders", 100);
        co_await of.publish_numbers("returns", 100);
        auto const handled = of.make_tally();
        witness saw;
        std::vector<std::shared_ptr<consumer>> clerks;
        std::vector<started<ending>> runs;
        for (auto const& [name, stream] :
             {std::pair("clerk", "orders"), std::pair("second", "returns"), std::pair("third", "returns")})
        {
            auto options = clerk_options();
            options.name = name;
            options.max_concurrency = 5;
            clerks.push_back(of.make_consumer(options));
            clerks.back()->on(stream, [&](delivery const& what) -> asio::awaitable<void> {
                auto const is_suspect = was_left(what);
                saw.start(what, is_suspect);
                if (is_suspect)
                    co_await let_it_work(of);
                else
                    co_await asio::post(of.strand());
                saw.end(what, is_suspect);
                handled->add();
            });
            runs.push_back(of.start(clerks.back()));
        }
        co_await handled->reach(206);
        for (std::size_t i = 0; i != clerks.size(); ++i) {
            clerks[i]->stop();
            co_await of.good_end(runs[i]);
        }
        BOOST_TEST(saw.beside == 0);
    });
}

// A4
BOOST_AUTO_TEST_CASE(wait_for_a_handler_that_runs_very_long_and_stop_nobody_for_ever)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const patient = make_patient(of, doors);
        co_await of.publish("returns", "long");
        auto its_run = of.start(patient);
        co_await doors->arrived.reach(1);

        co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto const clerk = of.make_consumer(clerk_options());
        auto suspect_ran = false;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            if (was_left(what)) {
                suspect_ran = true;
                BOOST_TEST(doors->is_open());
            }
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        // Everything is held by then, or was.
        co_await let_it_work(of);
        co_await of.publish_numbers("orders", 100);
        co_await handled->reach(100);
        BOOST_TEST(!suspect_ran);
        doors->open();
        co_await handled->reach(101);
        BOOST_TEST(suspect_ran);
        for (auto const& one : {clerk, patient})
            one->stop();
        co_await of.good_end(run);
        co_await of.good_end(its_run);
    });
}

// A4, T1
BOOST_AUTO_TEST_CASE(that_do_not_return_hold_nobody_for_ever)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const told = of.make_tally();
        auto const handled = of.make_tally();
        co_await of.leave_behind("orders", "billing", "clerk", {2, 2});
        co_await of.publish_numbers("orders", 20);
        auto options = clerk_options();
        options.max_concurrency = 2;
        options.handler_timeout = 20ms;
        options.on_error = [told](failure const& why) {
            if (why == errc::stuck)
                told->add();
        };
        auto const clerk = of.make_consumer(options);
        std::multiset<std::string> seen;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "left 0" && what.attempt() == 3) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await doors->pass();
            }
            seen.insert(std::string(*what.body()));
            handled->add();
        });
        auto run = of.start(clerk);
        co_await told->reach(1);
        // All others, and also the other suspect beside the one that is stuck.
        co_await handled->reach(21);
        BOOST_TEST(seen.count("left 0") == 0);
        BOOST_TEST(seen.count("left 1") == 1);
        doors->open();
        // Its time was over; it is tried again.
        co_await handled->reach(23);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 22);
        BOOST_TEST(report.retried == 1);
    });
}

// A4, T1
BOOST_AUTO_TEST_CASE(that_time_out_are_tried_again_like_others)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        co_await of.leave_behind("orders", "billing", "clerk", {2, 2});
        co_await of.publish_numbers("orders", 10);
        auto options = clerk_options();
        options.handler_timeout = 20ms;
        auto const clerk = of.make_consumer(options);
        std::vector<std::uint32_t> attempts;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (was_left(what)) {
                attempts.push_back(what.attempt());
                if (what.attempt() == 3) {
                    asio::steady_timer never(of.strand(), asio::steady_timer::time_point::max());
                    co_await never.async_wait();
                }
            }
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(12);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 12);
        BOOST_TEST(report.retried == 2);
        std::ranges::sort(attempts);
        BOOST_TEST(attempts == (std::vector<std::uint32_t>{3, 3, 4, 4}), per_element());
    });
}

// A4, T1
BOOST_AUTO_TEST_CASE(do_not_wait_for_handlers_that_are_stuck)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const told = of.make_tally();
        auto const handled = of.make_tally();
        co_await of.publish("returns", "stuck");
        auto options = clerk_options();
        options.max_attempts = 1;
        options.handler_timeout = 20ms;
        options.on_error = [told](failure const& why) {
            if (why == errc::stuck)
                told->add();
        };
        auto const another = of.make_consumer(options);
        another->on("returns", [doors](delivery const&) -> asio::awaitable<void> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await doors->pass();
        });
        auto its_run = of.start(another);
        co_await told->reach(1);

        co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        co_await of.good_end(run);
        doors->open();
        another->stop();
        co_await of.good_end(its_run);
    });
}

// A4, A5
BOOST_AUTO_TEST_CASE(do_not_wait_for_what_a_stopped_consumer_has_left_running)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto options = clerk_options();
        options.name = "another";
        options.claim_interval = 24h;
        auto const another = of.make_consumer(options);
        another->on("returns", [doors](delivery const&) -> asio::awaitable<void> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await doors->pass();
        });
        co_await of.publish("returns", "stuck");
        auto its_run = of.start(another);
        co_await doors->arrived.reach(1);
        another->stop(0ms);
        BOOST_TEST((co_await of.good_end(its_run)).stuck == 1);

        co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        co_await of.good_end(run);
        doors->open();
    });
}

// A5
BOOST_AUTO_TEST_CASE(that_wait_at_the_stop_go_back_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const patient = make_patient(of, doors);
        co_await of.publish("returns", "long");
        auto its_run = of.start(patient);
        co_await doors->arrived.reach(1);

        auto const ids = co_await of.leave_behind("orders", "billing", "clerk", {2, 3}, {}, 0ms);
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [](delivery const&) -> asio::awaitable<void> {
            BOOST_ERROR("a suspect has started beside another handler");
            co_return;
        });
        auto run = of.start(clerk);
        co_await let_it_work(of);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.released == 2);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 2U);
        BOOST_TEST((co_await attempts_of(of, ids[1])) == 3U);
        // Others can have them at once.
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST((one.idle >= clerk_options().lease));
        doors->open();
        patient->stop();
        co_await of.good_end(its_run);
    });
}

// A5
BOOST_AUTO_TEST_CASE(that_run_at_the_stop_get_the_grace)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        auto const ids = co_await of.leave_behind("orders", "billing", "clerk", {2, 3});
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        clerk->stop();
        co_await let_it_work(of);
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released == 1);
        BOOST_TEST(doors->arrived.count() == 1);
        BOOST_TEST((co_await attempts_of(of, ids[1])) == 3U);
    });
}

// A5
BOOST_AUTO_TEST_CASE(that_are_cut_off_go_back_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        auto const ids = co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 3U);
        clerk->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.cancelled == 1);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 2U);
    });
}

// A5
BOOST_AUTO_TEST_CASE(whose_bodies_are_on_their_way_at_the_stop_go_back_uncounted)
{
    auto const spied = std::make_shared<spy>();
    auto const make = [&](asio::any_io_executor executor) {
        return make_spied_broker(std::move(executor), spied);
    };
    check_with(make, [&](stage& of) -> asio::awaitable<void> {
        auto const ids = co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on("orders", [](delivery const&) -> asio::awaitable<void> {
            BOOST_ERROR("started after the stop");
            co_return;
        });
        auto const doors = of.make_gate();
        spied->before_take = [doors] { return doors->pass(); };
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        clerk->stop();
        co_await let_it_work(of);
        doors->open();
        auto const report = co_await of.good_end(run);
        spied->before_take = nullptr;
        BOOST_TEST(report.released == 1);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 2U);
        BOOST_TEST(spied->bodies == 0);
    });
}

// A4
BOOST_AUTO_TEST_CASE(are_alone_also_while_their_consumer_stops)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        co_await of.leave_behind("orders", "billing", "clerk", {2});
        auto options = clerk_options();
        options.claim_interval = 24h;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        options.name = "another";
        auto const another = of.make_consumer(options);
        another->on("returns", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        auto its_run = of.start(another);
        clerk->stop();
        co_await of.publish_numbers("returns", 10);
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const pending = co_await of.broker->inspect_pending("returns", "billing", {}, 100);
            co_return pending && pending->size() + handled->count() >= 10;
        });
        co_await let_it_work(of);
        BOOST_TEST(handled->count() == 0);
        doors->open();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
        co_await handled->reach(10);
        another->stop();
        co_await of.good_end(its_run);
    });
}

// A3
BOOST_AUTO_TEST_CASE(whose_attempts_are_used_up_die_without_running)
{
    for (auto const& owner : {"clerk", "another"})
        for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
            check([owner, order](stage& of) -> asio::awaitable<void> {
                auto const ids =
                    co_await of.leave_behind("orders", "billing", owner, {3, 7, 2}, {{"key", "k"}});
                auto options = claiming_options();
                options.max_attempts = 3;
                options.order = order;
                auto const handled = of.make_tally();
                auto const clerk = of.make_consumer(options);
                clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                    BOOST_TEST((what.body() == "left 2"));
                    BOOST_TEST(what.attempt() == 3U);
                    handled->add();
                    co_return;
                });
                auto run = of.start(clerk);
                co_await handled->reach(1);
                co_await of.until_pending("orders", "billing", 0);
                clerk->stop();
                auto const report = co_await of.good_end(run);
                BOOST_TEST(report.dead == 2);
                BOOST_TEST(report.handled == 1);
                auto const letters = co_await of.dead_letters("orders");
                BOOST_REQUIRE(letters.size() == 2);
                for (auto const& one : letters) {
                    auto const is_first = one.body == "left 0";
                    BOOST_TEST(one.header_of("dead-reason") == "exhausted");
                    BOOST_TEST(one.header_of("dead-attempts") == (is_first ? "3" : "7"));
                    BOOST_TEST(one.header_of("dead-id") == ids[is_first ? 0 : 1].to_string());
                }
            });
}

// A3
BOOST_AUTO_TEST_CASE(are_not_those_that_may_never_have_started)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.leave_behind("orders", "billing", "clerk", {1, 1, 0, 2});
        auto options = clerk_options();
        options.max_attempts = 1;
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(options);
        std::multimap<std::string, std::uint32_t> runs;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            runs.emplace(*what.body(), what.attempt());
            // They run side by side.
            co_await doors->pass();
            if (what.body() == "left 1")
                throw std::runtime_error("again");
        });
        auto run = of.start(clerk);
        co_await doors->arrived.reach(3);
        doors->open();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(report.retried == 0);
        BOOST_TEST(
            (runs == std::multimap<std::string, std::uint32_t>{{"left 0", 2}, {"left 1", 2}, {"left 2", 1}})
        );
        std::map<std::string, std::string> letters;
        for (auto const& one : co_await of.dead_letters("orders"))
            letters[*one.body] = one.header_of("dead-attempts");
        BOOST_TEST((letters == std::map<std::string, std::string>{{"left 1", "2"}, {"left 3", "2"}}));
    });
}

// A4, O2
BOOST_AUTO_TEST_CASE(keep_their_place_in_order)
{
    for (auto const order : {ordering::by_key, ordering::strict})
        check([order](stage& of) -> asio::awaitable<void> {
            co_await of.leave_behind("orders", "billing", "clerk", {1, 3, 0, 2, 1}, {{"key", "k"}});
            for (int i = 0; i != 5; ++i)
                co_await of.publish("orders", std::to_string(i), {{"key", "k"}});
            for (int i = 0; i != 20; ++i)
                co_await of.publish("orders", "other", {{"key", "l"}});
            auto options = clerk_options();
            options.order = order;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            witness saw;
            std::vector<std::string> of_key;
            auto failed = false;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                // Once it has failed here, it is known that it does not end the process.
                auto const is_suspect = (what.body() == "left 1" && !failed) || what.body() == "left 3";
                saw.start(what, is_suspect);
                co_await (is_suspect ? let_it_work(of) : asio::post(of.strand(), asio::use_awaitable));
                saw.end(what, is_suspect);
                if (is_suspect && !std::exchange(failed, true))
                    throw std::runtime_error("once");
                if (what.key() == "k")
                    of_key.push_back(std::string(*what.body()));
                handled->add();
            });
            auto run = of.start(clerk);
            co_await handled->reach(30);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 30);
            BOOST_TEST(saw.beside == 0);
            BOOST_TEST(
                of_key == (std::vector<std::string>{
                              "left 0", "left 1", "left 2", "left 3", "left 4", "0", "1", "2", "3", "4"
                          }),
                per_element()
            );
        });
}

BOOST_AUTO_TEST_SUITE_END()
