// O1, O2, H1, H2: what waits for what, and what it costs.

#include "pipeline/spied_broker.hpp"
#include "pipeline/stage.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using numbers = std::vector<int>;

consumer_options in_order(ordering order)
{
    auto options = in_group("billing");
    options.order = order;
    options.name = "clerk";
    return options;
}

/// So many events, each with a number as its body and the next of the keys; an empty one is none.
asio::awaitable<void>
publish_keyed(stage& of, std::string_view stream, int first, int count, std::vector<std::string> keys)
{
    std::vector<std::string> bodies;
    std::vector<std::array<header_view, 1>> with;
    for (auto i = 0; i != count; ++i) {
        bodies.push_back(std::to_string(first + i));
        with.push_back({header_view{"key", keys[static_cast<std::size_t>(first + i) % keys.size()]}});
    }
    std::vector<appending> items;
    for (std::size_t i = 0; i != bodies.size(); ++i) {
        auto& item = items.emplace_back(appending{stream, {bodies[i], {}}, {}});
        if (!with[i][0].value.empty())
            item.entry.headers = with[i];
    }
    co_await of.broker->append(items);
    for (auto const& item : items)
        BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
}

std::vector<std::string> some_keys(int count)
{
    std::vector<std::string> keys;
    for (int i = 0; i != count; ++i)
        keys.push_back("k" + std::to_string(i));
    return keys;
}

int number_of(delivery const& what)
{
    return std::stoi(std::string(*what.body()));
}

std::string key_of(delivery const& what)
{
    return std::string(what.key().value_or(""));
}

numbers up_to(int count)
{
    numbers all;
    for (int i = 0; i != count; ++i)
        all.push_back(i);
    return all;
}

/// Gives the engine and the consumer every opportunity to do more than they may.
asio::awaitable<void> let_it_work(stage& of)
{
    for (int i = 0; i != 20; ++i) {
        (void)co_await of.broker->inspect_stream("round-trip");
        co_await asio::post(of.strand());
    }
}

/// Which handlers run, and which have succeeded.
struct ledger
{
    std::map<std::string, numbers> handled;
    std::set<std::string> running;
    std::size_t most_running = 0;
    /// Handlers that started beside another one of their key.
    int beside = 0;

    void start(delivery const& what)
    {
        beside += !running.insert(key_of(what)).second;
        most_running = std::max(most_running, running.size());
    }

    void end(delivery const& what) { running.erase(key_of(what)); }

    void succeed(delivery const& what)
    {
        end(what);
        handled[key_of(what)].push_back(number_of(what));
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(order)

// O2
BOOST_AUTO_TEST_CASE(of_each_key_is_kept_among_many_that_fail_at_random)
{
    check([](stage& of) -> asio::awaitable<void> {
        constexpr int count = 10'000;
        auto options = in_order(ordering::by_key);
        options.max_concurrency = 64;
        options.max_attempts = 10'000;
        options.retry = {1ms, 1.5, 3ms};
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        ledger book;
        std::mt19937 random(7);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            book.start(what);
            for (auto turns = random() % 4; turns != 0; --turns)
                co_await asio::post(of.strand());
            if (random() % 20 == 0) {
                book.end(what);
                throw std::runtime_error("by chance");
            }
            book.succeed(what);
            handled->add();
        });
        for (int i = 0; i != count; i += 1'000)
            co_await publish_keyed(of, "orders", i, 1'000, some_keys(100));
        auto run = of.start(clerk);
        co_await handled->reach(count);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == static_cast<std::uint64_t>(count));
        BOOST_TEST(report.retried > 100);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST(book.beside == 0);
        BOOST_TEST(book.most_running > 10);
        BOOST_TEST(book.handled.size() == 100);
        for (auto const& [key, all] : book.handled)
            BOOST_TEST((all.size() == 100 && std::ranges::is_sorted(all)), key);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

// O2
BOOST_AUTO_TEST_CASE(strict_is_one_at_a_time_over_all_streams)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::strict);
        options.max_attempts = 10'000;
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        std::map<std::string, numbers> seen;
        auto running = 0;
        std::optional<std::string> failed;
        std::mt19937 random(7);
        for (auto const stream : {"orders", "returns"})
            clerk->on(stream, [&](delivery const& what) -> asio::awaitable<void> {
                BOOST_TEST(++running == 1);
                // A retry holds back everything.
                auto const name = std::string(what.stream()) + what.id().to_string();
                BOOST_TEST((!failed || *failed == name));
                co_await asio::post(of.strand());
                --running;
                failed.reset();
                if (random() % 20 == 0) {
                    failed = name;
                    throw std::runtime_error("by chance");
                }
                seen[std::string(what.stream())].push_back(number_of(what));
                handled->add();
            });
        co_await of.publish_numbers("orders", 300);
        co_await of.publish_numbers("returns", 300);
        auto run = of.start(clerk);
        co_await handled->reach(600);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried > 5);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST(seen["orders"] == up_to(300), per_element());
        BOOST_TEST(seen["returns"] == up_to(300), per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_retry_that_waits_holds_back_its_key_only)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::by_key);
        options.retry = {1h, 1, 1h};
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        ledger book;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (key_of(what) == "bad")
                throw std::runtime_error("later");
            book.succeed(what);
            handled->add();
            co_return;
        });
        co_await publish_keyed(of, "orders", 0, 30, {"good", "bad", "better"});
        auto run = of.start(clerk);
        co_await handled->reach(20);
        // What comes later, too.
        co_await publish_keyed(of, "orders", 30, 30, {"good", "bad", "better"});
        co_await handled->reach(40);
        co_await of.until_pending("orders", "billing", 20);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.released == 20);
        for (auto const& key : {"good", "better"})
            BOOST_TEST((book.handled[key].size() == 20 && std::ranges::is_sorted(book.handled[key])));
        // A5: only the first of them has started.
        auto const pending = co_await of.pending("orders", "billing");
        BOOST_TEST(pending.size() == 20);
        for (std::size_t i = 0; i != pending.size(); ++i)
            BOOST_TEST(pending[i].attempts == (i == 0 ? 1U : 0U));
    });
}

BOOST_AUTO_TEST_CASE(a_dead_letter_holds_back_its_key_no_more)
{
    for (auto const order : {ordering::by_key, ordering::strict})
        check([order](stage& of) -> asio::awaitable<void> {
            auto options = in_order(order);
            options.max_attempts = 3;
            auto const ended = of.make_tally();
            auto const clerk = of.make_consumer(options);
            std::vector<std::string> runs;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                runs.push_back(std::string(*what.body()) + "." + std::to_string(what.attempt()));
                if (what.body() == "0") {
                    if (what.attempt() == 3)
                        ended->add();
                    throw std::runtime_error("never");
                }
                ended->add();
                if (what.body() == "2")
                    throw reject("not at all");
                co_return;
            });
            co_await publish_keyed(of, "orders", 0, 5, {"k"});
            auto run = of.start(clerk);
            co_await ended->reach(5);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).dead == 2);
            BOOST_TEST(
                runs == (std::vector<std::string>{"0.1", "0.2", "0.3", "1.1", "2.1", "3.1", "4.1"}),
                per_element()
            );
        });
}

// T1
BOOST_AUTO_TEST_CASE(a_stuck_handler_holds_back_its_key_only)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::by_key);
        options.max_concurrency = 2;
        options.max_in_flight = 4;
        options.handler_timeout = 20ms;
        auto const doors = of.make_gate();
        auto const told = of.make_tally();
        auto const handled = of.make_tally();
        options.on_error = [told](failure const& why) {
            if (why == errc::stuck)
                told->add();
        };
        auto const clerk = of.make_consumer(options);
        ledger book;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            book.start(what);
            if (what.body() == "1" && what.attempt() == 1) {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await doors->pass();
                book.end(what);
                co_return;
            }
            book.succeed(what);
            handled->add();
        });
        co_await publish_keyed(of, "orders", 0, 40, {"good", "bad"});
        auto run = of.start(clerk);
        co_await told->reach(1);
        co_await handled->reach(20);
        BOOST_TEST(book.handled["bad"].empty());
        doors->open();
        co_await handled->reach(40);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).retried == 1);
        BOOST_TEST(book.beside == 0);
        BOOST_TEST((book.handled["bad"].size() == 20 && std::ranges::is_sorted(book.handled["bad"])));
    });
}

// H2
BOOST_AUTO_TEST_CASE(a_hot_key_keeps_no_other_from_running)
{
    for (auto const in_flight : {2U, 3U, 8U})
        check([in_flight](stage& of) -> asio::awaitable<void> {
            auto options = in_order(ordering::by_key);
            options.max_concurrency = 2;
            options.max_in_flight = in_flight;
            auto const doors = of.make_gate();
            auto const others = of.make_tally();
            auto const clerk = of.make_consumer(options);
            ledger book;
            clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
                book.start(what);
                if (key_of(what) == "hot")
                    co_await doors->pass();
                else
                    others->add();
                book.succeed(what);
            });
            co_await publish_keyed(of, "orders", 0, 100, {"hot"});
            co_await publish_keyed(of, "orders", 100, 50, some_keys(7));
            auto run = of.start(clerk);
            co_await others->reach(50);
            BOOST_TEST(doors->arrived.count() == 1);
            // Its turn comes all the same, and new ones are read.
            doors->open();
            co_await publish_keyed(of, "orders", 150, 50, {"hot", "k0"});
            co_await doors->arrived.reach(125);
            co_await others->reach(75);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 200);
            BOOST_TEST(book.beside == 0);
            for (auto const& [key, all] : book.handled)
                BOOST_TEST(std::ranges::is_sorted(all), key);
        });
}

BOOST_AUTO_TEST_CASE(reading_stops_while_too_many_wait_for_their_turn_and_goes_on)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::by_key);
        options.max_concurrency = 4;
        options.max_in_flight = 10;
        options.max_waiting = 50;
        auto const doors = of.make_gate();
        auto const told = of.make_tally();
        options.on_error = [told](failure const& why) {
            BOOST_TEST((why == errc::too_many_waiting));
            told->add();
        };
        auto const clerk = of.make_consumer(options);
        numbers seen;
        clerk->on("orders", [&, doors](delivery const& what) -> asio::awaitable<void> {
            co_await doors->pass();
            seen.push_back(number_of(what));
        });
        co_await publish_keyed(of, "orders", 0, 1'000, {"hot"});
        auto run = of.start(clerk);
        co_await told->reach(1);
        co_await let_it_work(of);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() <= 60);
        BOOST_TEST(told->count() == 1);
        doors->open();
        co_await doors->arrived.reach(1'000);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1'000);
        BOOST_TEST(seen == up_to(1'000), per_element());
    });
}

// H2
BOOST_AUTO_TEST_CASE(reading_stops_while_too_many_wait_for_another_attempt_and_goes_on)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::unordered);
        options.max_concurrency = options.max_in_flight = 5;
        options.max_waiting = 20;
        auto const told = of.make_tally();
        auto const runs = of.make_tally();
        options.on_error = [told](failure const& why) {
            BOOST_TEST((why == errc::too_many_waiting));
            told->add();
        };
        auto const clerk = of.make_consumer(options);
        std::size_t running_out = 0;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            runs->add();
            if (what.attempt() == 1)
                // Not before the test has seen what waits.
                throw retry_after(running_out++ < 25 ? 300ms : 1ms);
            co_return;
        });
        co_await of.publish_numbers("orders", 500);
        auto run = of.start(clerk);
        co_await told->reach(1);
        BOOST_TEST(runs->count() <= 25);
        co_await runs->reach(1'000);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 500);
        BOOST_TEST(report.retried == 500);
    });
}

BOOST_AUTO_TEST_CASE(a_thousand_that_wait_long_keep_no_other_from_running)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::unordered);
        options.max_concurrency = 5;
        options.max_in_flight = 10;
        options.retry = {1min, 1, 1min};
        auto const handled = of.make_tally();
        auto const failed = of.make_tally();
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (number_of(what) % 2 == 0) {
                failed->add();
                throw std::runtime_error("later");
            }
            handled->add();
            co_return;
        });
        co_await of.publish_numbers("orders", 2'000);
        auto run = of.start(clerk);
        co_await handled->reach(1'000);
        co_await failed->reach(1'000);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1'000);
        BOOST_TEST(report.retried == 1'000);
        BOOST_TEST(report.released == 1'000);
        auto const pending = co_await of.pending("orders", "billing");
        BOOST_TEST(pending.size() == 1'000);
        BOOST_TEST(std::ranges::all_of(pending, [](auto const& one) { return one.attempts == 1; }));
    });
}

BOOST_AUTO_TEST_CASE(what_was_left_behind_comes_before_what_is_new)
{
    for (auto const order : {ordering::by_key, ordering::strict})
        check([order](stage& of) -> asio::awaitable<void> {
            constexpr int left = 700;
            constexpr int all = 1'000;
            auto const keys = some_keys(order == ordering::strict ? 1 : 7);
            // As a process leaves it that has ended meanwhile.
            co_await publish_keyed(of, "orders", 0, left, keys);
            BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", start_position::beginning())));
            auto const dead_reader = of.broker->make_reader("billing", "clerk");
            std::string_view const names[] = {"orders"};
            std::vector<received> entries;
            BOOST_TEST(!(co_await dead_reader->read(names, left, 0ms, entries)));
            BOOST_TEST(entries.size() == static_cast<std::size_t>(left));
            entries.clear();
            co_await publish_keyed(of, "orders", left, all - left, keys);

            auto options = in_order(order);
            options.max_in_flight = 100;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            ledger book;
            std::set<int> failed;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                book.start(what);
                co_await asio::post(of.strand());
                if (number_of(what) % 50 == 0 && failed.insert(number_of(what)).second) {
                    book.end(what);
                    throw std::runtime_error("once");
                }
                book.succeed(what);
                handled->add();
            });
            auto run = of.start(clerk);
            co_await handled->reach(all);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == static_cast<std::uint64_t>(all));
            BOOST_TEST(book.beside == 0);
            BOOST_TEST(book.handled.size() == keys.size());
            for (auto const& [key, numbers] : book.handled)
                BOOST_TEST(std::ranges::is_sorted(numbers), key);
        });
}

BOOST_AUTO_TEST_CASE(goes_on_where_a_stopped_consumer_ended)
{
    for (auto const order : {ordering::by_key, ordering::strict})
        check([order](stage& of) -> asio::awaitable<void> {
            auto const handled = of.make_tally();
            ledger book;
            co_await publish_keyed(of, "orders", 0, 200, {"a", "b"});
            for (int round = 0; round != 5; ++round) {
                auto const clerk = of.make_consumer(in_order(order));
                auto const more = handled->count() + 20;
                clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                    co_await asio::post(of.strand());
                    book.succeed(what);
                    handled->add();
                    // In the middle of some.
                    if (handled->count() == more && round != 4)
                        clerk->stop();
                });
                auto run = of.start(clerk);
                if (round == 4) {
                    co_await handled->reach(200);
                    clerk->stop();
                }
                co_await of.good_end(run);
            }
            for (auto const& [key, all] : book.handled)
                BOOST_TEST((all.size() == 100 && std::ranges::is_sorted(all)), key);
        });
}

BOOST_AUTO_TEST_CASE(without_a_key_there_is_none)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::by_key);
        options.max_concurrency = 5;
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&, doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await publish_keyed(of, "orders", 0, 6, {"a", ""});
        auto run = of.start(clerk);
        // Three without, and one of the key.
        co_await doors->arrived.reach(4);
        co_await let_it_work(of);
        BOOST_TEST(doors->arrived.count() == 4);
        doors->open();
        co_await doors->arrived.reach(6);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 6);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(hold_for_handlers_in_every_order)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        check([order](stage& of) -> asio::awaitable<void> {
            auto options = in_order(order);
            options.max_concurrency = 10;
            auto const doors = of.make_gate();
            auto const clerk = of.make_consumer(options);
            clerk->on("orders", [&, doors](delivery const&) -> asio::awaitable<void> {
                co_await doors->pass();
            });
            co_await publish_keyed(of, "orders", 0, 40, some_keys(20));
            auto run = of.start(clerk);
            auto const most = order == ordering::strict ? 1U : 10U;
            co_await doors->arrived.reach(most);
            co_await of.until_pending("orders", "billing", 40);
            co_await let_it_work(of);
            BOOST_TEST(doors->arrived.count() == most);
            doors->open();
            co_await doors->arrived.reach(40);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 40);
        });
}

// H1, H2
BOOST_AUTO_TEST_CASE(hold_for_bodies_through_failures_timeouts_and_lines)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        for (auto const in_flight : {4U, 7U, 20U}) {
            auto const spied = std::make_shared<spy>();
            auto const make = [&](asio::any_io_executor executor) {
                return make_spied_broker(std::move(executor), spied);
            };
            check_with(make, [&](stage& of) -> asio::awaitable<void> {
                auto options = in_order(order);
                options.max_concurrency = 4;
                options.max_in_flight = in_flight;
                options.max_attempts = 10'000;
                options.handler_timeout = 5ms;
                // Some are there from before.
                co_await publish_keyed(of, "orders", 0, 300, some_keys(5));
                BOOST_TEST(
                    !(co_await of.broker->ensure_group("orders", "billing", start_position::beginning()))
                );
                {
                    auto const dead_reader = of.broker->make_reader("billing", "clerk");
                    std::string_view const names[] = {"orders"};
                    std::vector<received> entries;
                    BOOST_TEST(!(co_await dead_reader->read(names, 50, 0ms, entries)));
                }
                BOOST_TEST(spied->bodies == 0);
                spied->most_bodies = 0;

                std::set<int> failed;
                std::size_t runs = 0;
                auto const handled = of.make_tally();
                auto const clerk = of.make_consumer(options);
                clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                    auto const number = number_of(what);
                    ++runs;
                    co_await asio::post(of.strand());
                    if (number % 7 == 0 && failed.insert(number).second)
                        throw std::runtime_error("once");
                    if (number % 60 == 1 && failed.insert(number).second) {
                        asio::steady_timer never(of.strand(), asio::steady_timer::time_point::max());
                        co_await never.async_wait();
                    }
                    handled->add();
                });
                auto run = of.start(clerk);
                co_await handled->reach(300);
                // On a busy machine others are late, too, and run once more.
                co_await of.until_pending("orders", "billing", 0);
                clerk->stop();
                auto const report = co_await of.good_end(run);
                BOOST_TEST(report.handled == 300);
                BOOST_TEST(report.retried == runs - 300);
                BOOST_TEST(report.retried >= failed.size());
                BOOST_TEST(spied->most_bodies <= in_flight);
                BOOST_TEST(spied->most_bodies > 1);
                BOOST_TEST(spied->bodies == 0);
            });
        }
}

BOOST_AUTO_TEST_CASE(may_rise_and_fall_while_it_runs)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::unordered);
        options.max_concurrency = 2;
        options.max_in_flight = 4;
        tally started(of.strand());
        condition changed(of.strand());
        std::size_t may_end = 0;
        std::size_t running = 0;
        std::size_t most = 0;
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            most = std::max(most, ++running);
            started.add();
            while (may_end == 0)
                co_await changed.wait();
            --may_end;
            --running;
        });
        co_await of.publish_numbers("orders", 100);
        auto run = of.start(clerk);
        co_await started.reach(2);
        co_await of.until_pending("orders", "billing", 4);

        clerk->set_limits(6, 12);
        co_await started.reach(6);
        co_await of.until_pending("orders", "billing", 12);
        co_await let_it_work(of);
        BOOST_TEST(started.count() == 6);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 12);

        // Nothing is cancelled; one starts for one that ends only below the new limit.
        clerk->set_limits(3, 5);
        may_end = 3;
        changed.notify();
        co_await of.until([&]() -> asio::awaitable<bool> { co_return running == 3; });
        co_await let_it_work(of);
        BOOST_TEST(started.count() == 6);
        may_end = 1;
        changed.notify();
        co_await started.reach(7);
        co_await let_it_work(of);
        BOOST_TEST(started.count() == 7);
        BOOST_TEST(running == 3);
        // What is held drains to the new limit, and stays there.
        most = 0;
        for (std::size_t i = 8; i != 30; ++i) {
            may_end = 1;
            changed.notify();
            co_await started.reach(i);
        }
        BOOST_TEST(most == 3);
        co_await let_it_work(of);
        co_await of.until_pending("orders", "billing", 5);
        BOOST_TEST(running == 3);

        may_end = 100;
        changed.notify();
        co_await started.reach(100);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 100);
        BOOST_TEST(report.cancelled == 0);
        BOOST_TEST(report.released == 0);
    });
}

BOOST_AUTO_TEST_CASE(that_make_no_sense_are_refused_and_change_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_order(ordering::unordered);
        options.max_concurrency = options.max_in_flight = 3;
        auto const doors = of.make_gate();
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [&, doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        auto const is_refused = [&](std::size_t concurrency, std::size_t in_flight) {
            try {
                clerk->set_limits(concurrency, in_flight);
            }
            catch (error const& thrown) {
                return thrown.code() == errc::invalid_option;
            }
            return false;
        };
        BOOST_TEST(is_refused(0, 3));
        BOOST_TEST(is_refused(3, 0));
        BOOST_TEST(is_refused(10, 9));
        BOOST_TEST(is_refused(100'001, 100'001));
        BOOST_TEST(is_refused(1, 100'001));
        co_await doors->arrived.reach(3);
        co_await let_it_work(of);
        BOOST_TEST(doors->arrived.count() == 3);
        doors->open();
        co_await doors->arrived.reach(10);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 10);
    });
}

BOOST_AUTO_TEST_SUITE_END()
