// How much a consumer holds and does at the same time.

#include "pipeline/stage.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Gives the engine and the consumer every opportunity to do more than they may.
asio::awaitable<void> let_it_work(stage& of)
{
    for (int i = 0; i != 20; ++i) {
        (void)co_await of.broker->inspect_stream("round-trip");
        co_await asio::post(of.strand());
    }
}

consumer_options bounded(std::size_t concurrency, std::size_t in_flight)
{
    auto options = in_group("billing");
    options.max_concurrency = concurrency;
    options.max_in_flight = in_flight;
    return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(bounds)

BOOST_AUTO_TEST_CASE(no_more_handlers_run_than_may)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(bounded(3, 100));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 20);
        auto run = of.start(billing);
        co_await doors->arrived.reach(3);
        co_await let_it_work(of);
        BOOST_TEST(doors->arrived.count() == 3);
        doors->open();
        co_await doors->arrived.reach(20);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 20);
    });
}

BOOST_AUTO_TEST_CASE(as_many_handlers_run_as_may)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::size_t now = 0;
        std::size_t most = 0;
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(bounded(7, 50));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            most = std::max(most, ++now);
            // Of different length, some without a suspension.
            for (auto turns = what.id().seq % 5; turns != 0; --turns)
                co_await asio::post(co_await asio::this_coro::executor);
            --now;
            handled->add();
        });
        auto run = of.start(billing);
        for (int i = 0; i != 10; ++i)
            co_await of.publish_numbers("orders", 100);
        co_await handled->reach(1'000);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1'000);
        BOOST_TEST(most == 7);
    });
}

// H1
BOOST_AUTO_TEST_CASE(no_more_deliveries_are_held_than_may)
{
    for (auto const in_flight : {1U, 2U, 10U, 33U})
        check([in_flight](stage& of) -> asio::awaitable<void> {
            auto const doors = of.make_gate();
            auto const billing = of.make_consumer(bounded(1, in_flight));
            billing->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
            co_await of.publish_numbers("orders", 100);
            auto run = of.start(billing);
            co_await of.until_pending("orders", "billing", in_flight);
            co_await let_it_work(of);
            BOOST_TEST((co_await of.pending("orders", "billing")).size() == in_flight);
            // It goes on when there is room.
            doors->open();
            co_await doors->arrived.reach(100);
            billing->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 100);
        });
}

BOOST_AUTO_TEST_CASE(several_streams_share_the_places)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(bounded(2, 10));
        std::vector<std::string> const streams{"a", "b", "c"};
        for (auto const& stream : streams) {
            billing->on(stream, [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
            co_await of.publish_numbers(stream, 50);
        }
        auto const held = [&]() -> asio::awaitable<std::size_t> {
            std::size_t sum = 0;
            for (auto const& stream : streams) {
                auto const entries = co_await of.broker->inspect_pending(stream, "billing", {}, 1'000);
                sum += entries ? entries->size() : 0;
            }
            co_return sum;
        };
        auto run = of.start(billing);
        co_await doors->arrived.reach(2);
        // Of each stream as much, and no read for the odd place.
        co_await of.until([&]() -> asio::awaitable<bool> { co_return co_await held() >= 9; });
        co_await let_it_work(of);
        BOOST_TEST((co_await held()) <= 10);
        doors->open();
        co_await doors->arrived.reach(150);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 150);
    });
}

// H1
BOOST_AUTO_TEST_CASE(more_streams_than_places_all_get_their_turn)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::multiset<std::string> seen;
        auto const billing = of.make_consumer(bounded(2, 2));
        for (int i = 0; i != 7; ++i) {
            auto const stream = "s" + std::to_string(i);
            billing->on(stream, [&](delivery const& what) -> asio::awaitable<void> {
                seen.insert(std::string(what.stream()));
                handled->add();
                co_return;
            });
            co_await of.publish_numbers(stream, 5);
        }
        auto run = of.start(billing);
        co_await handled->reach(35);
        billing->stop();
        co_await of.good_end(run);
        for (int i = 0; i != 7; ++i)
            BOOST_TEST(seen.count("s" + std::to_string(i)) == 5);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_without_events_does_not_hold_up_another_that_has_few_places)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(bounded(3, 3));
        billing->on("slow", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        billing->on("fast", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        co_await of.publish_numbers("slow", 2);
        auto run = of.start(billing);
        co_await doors->arrived.reach(2);
        // One place is left for two streams. Waiting at every turn would exceed the guard.
        co_await of.publish_numbers("fast", 1'000);
        co_await handled->reach(1'000);
        doors->open();
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1'002);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_that_can_be_read_later_than_another_need_not_wait_for_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish("eventful", "x");
        // Each waiting for as long as a read may wait would exceed the guard.
        for (int i = 0; i != 10; ++i) {
            auto const handled = of.make_tally();
            auto const one = of.make_consumer(in_group(std::to_string(i)));
            for (auto const stream : {"a quiet one", "eventful", "another quiet one"})
                one->on(stream, [&](delivery const&) -> asio::awaitable<void> {
                    handled->add();
                    co_return;
                });
            auto run = of.start(one);
            co_await handled->reach(1);
            one->stop();
            co_await of.good_end(run);
        }
    });
}

BOOST_AUTO_TEST_CASE(very_many_handlers_start_in_the_order_of_the_stream)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        std::vector<entry_id> ids;
        auto const billing = of.make_consumer(bounded(20'000, 20'000));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ids.push_back(what.id());
            // The others are queued by then.
            if (ids.size() != 1)
                co_await doors->pass();
        });
        for (int i = 0; i != 20; ++i)
            co_await of.publish_numbers("orders", 1'000);
        auto run = of.start(billing);
        co_await doors->arrived.reach(19'999);
        doors->open();
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 20'000);
        BOOST_TEST(std::ranges::is_sorted(ids));
    });
}

BOOST_AUTO_TEST_CASE(reading_little_by_little_does_not_pile_up)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = bounded(1, 10'000);
        options.read_count = 1;
        auto const handled = of.make_tally();
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            co_await doors->pass();
            handled->add();
        });
        for (int i = 0; i != 5; ++i)
            co_await of.publish_numbers("orders", 1'000);
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        doors->open();
        co_await handled->reach(5'000);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 5'000);
    });
}

BOOST_AUTO_TEST_SUITE_END()
