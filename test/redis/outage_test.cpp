// Servers that go and come back, stand still, or are full.

#include "redis/trouble.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Publishes numbers until told to stop, each again and again until it is known to be stored; or once, when
/// the number may be there already.
class publisher
{
public:
    publisher(stage const& of, int& next, std::set<std::string>& stored)
        : to_(of.broker)
        , next_(next)
        , stored_(stored)
    {}

    asio::awaitable<bool> run(std::shared_ptr<bool> goes_on)
    {
        while (*goes_on) {
            auto const body = std::to_string(next_++);
            auto const end = co_await to_.async_publish("orders", body, asio::as_tuple);
            failure const& why = std::get<0>(end);
            if (!why)
                stored_.insert(body);
            else
                BOOST_TEST(is_retryable(why.code()), why);
        }
        co_return true;
    }

private:
    producer to_;
    int& next_;
    std::set<std::string>& stored_;
};

/// Publishes and consumes while the server goes and comes back: everything stored is handled.
void check_that_nothing_is_lost(std::function<void(redis_server&)> const& end_it)
{
    redis_server server({.tcp = false, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        std::map<std::string, int> times;
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ++times[std::string(*what.body())];
            handled->add();
            // Some fail at first, some take their time.
            if (what.attempt() == 1 && what.id().ms % 7 == 0)
                throw std::runtime_error("again");
            if (what.id().ms % 5 == 0)
                co_await pass(5ms);
        });
        auto run = of.start(billing);

        int next = 0;
        std::set<std::string> stored;
        auto const goes_on = std::make_shared<bool>(true);
        std::vector<std::unique_ptr<publisher>> publishers;
        std::vector<started<bool>> publishing;
        for (int i = 0; i != 8; ++i) {
            auto& one = publishers.emplace_back(std::make_unique<publisher>(of, next, stored));
            publishing.emplace_back(of.strand(), one->run(goes_on));
        }
        for (int outage = 0; outage != 2; ++outage) {
            co_await handled->reach(handled->count() + 200);
            auto const before = told->all().size();
            end_it(server);
            co_await told->reach(before + 1);
            server.start();
        }
        co_await handled->reach(handled->count() + 200);
        *goes_on = false;
        for (auto& one : publishing)
            co_await one.get();

        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return std::ranges::all_of(stored, [&](auto const& body) { return times.contains(body); });
        });
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 0);
        BOOST_TEST(end.report.dead == 0);
        BOOST_TEST(stored.size() >= 400);
        BOOST_TEST(told->has(errc::connection_lost));
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(outages)

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_the_server_is_restarted)
{
    check_that_nothing_is_lost([](redis_server& server) { server.stop(); });
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_when_the_server_crashes)
{
    check_that_nothing_is_lost([](redis_server& server) { server.kill(); });
}

// L6
BOOST_AUTO_TEST_CASE(a_handler_that_runs_through_a_restart_is_acknowledged_and_not_run_again)
{
    redis_server server({.tcp = false, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto options = telling("billing", told);
        options.max_concurrency = 1;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 1);
            co_await doors->pass();
        });
        // One runs, one is queued.
        co_await of.publish_numbers("orders", 2);
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 2);
        server.stop();
        co_await told->reach(1);
        server.start();
        co_await of.publish("orders", "x");
        co_await of.until_pending("orders", "billing", 3);
        doors->open();
        co_await doors->arrived.reach(3);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
        BOOST_TEST(doors->arrived.count() == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_handler_that_ends_while_there_is_no_server_is_acknowledged_later)
{
    redis_server server({.tcp = false, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 1);
            co_await doors->pass();
            handled->add();
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(billing);
        co_await doors->arrived.reach(10);
        server.stop();
        doors->open();
        co_await handled->reach(10);
        co_await told->until(errc::unreachable);
        server.start();
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 10);
        BOOST_TEST(doors->arrived.count() == 10);
    });
}

BOOST_AUTO_TEST_CASE(a_consumer_stops_while_there_is_no_server)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(billing);
        co_await doors->arrived.reach(3);
        server.stop();
        co_await told->reach(1);
        doors->open();
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 3);
        BOOST_TEST(end.report.handled == 0);
    });
}

// S2
BOOST_AUTO_TEST_CASE(full_memory_refuses_publishes_and_not_acknowledgements)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1)
                co_await doors->pass();
            if (what.body() == "0")
                throw reject("no");
            if (what.body() == "1" && what.attempt() == 1)
                throw std::runtime_error("again");
            handled->add();
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(billing);
        co_await doors->arrived.reach(10);
        server.command({"CONFIG", "SET", "maxmemory", "1"});

        producer to(of.broker);
        auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
        failure const& why = std::get<0>(end);
        BOOST_TEST((why == errc::out_of_memory), why);
        BOOST_TEST(is_retryable(why.code()));
        BOOST_TEST((why.words().find("OOM") != std::string_view::npos));

        doors->open();
        co_await handled->reach(9);
        co_await told->until(errc::out_of_memory);
        // All but the one that cannot be buried.
        co_await of.until_pending("orders", "billing", 1);
        BOOST_TEST((server.command({"EXISTS", "{orders}:dead"}) == "0"));
        server.command({"CONFIG", "SET", "maxmemory", "0"});
        co_await of.until_pending("orders", "billing", 0);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_TEST(letters.size() == 1);
        co_await of.publish("orders", "x");
        co_await handled->reach(10);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 10);
        BOOST_TEST(report.dead == 1);
    });
}

BOOST_AUTO_TEST_CASE(full_memory_does_not_keep_a_consumer_from_starting_or_coming_back)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", start_position::beginning())));
        co_await of.publish_numbers("orders", 2);
        server.command({"CONFIG", "SET", "maxmemory", "1"});
        auto const handled = of.make_tally();
        auto options = in_group("billing");
        options.max_in_flight = options.max_concurrency = 1;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            server.command({"CLIENT", "KILL", "TYPE", "normal"});
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await handled->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_server_that_stands_still_is_given_up_and_taken_up_again)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 100ms;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await of.publish("orders", "1");
        co_await handled->reach(1);
        server.suspend();
        producer to(of.broker, {.timeout = 1s});
        auto const first = co_await to.async_publish("orders", "2", asio::as_tuple);
        BOOST_TEST((std::get<0>(first) == errc::connection_lost), std::get<0>(first));
        auto const second = co_await to.async_publish("orders", "3", asio::as_tuple);
        BOOST_TEST((std::get<0>(second) == errc::unreachable), std::get<0>(second));
        co_await told->reach(1);
        server.resume();
        co_await of.publish("orders", "4");
        // The second was handed to the server, and it may have carried it out.
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return std::to_string(handled->count()) == server.command({"XLEN", "orders"});
        });
        billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
    });
}

// L4
BOOST_AUTO_TEST_CASE(a_server_that_stands_still_for_longer_than_the_lease_takes_nothing_from_anyone)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 100ms;
    constexpr auto lease = 1s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        neighbour near(of, options);
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, lease));
        waiting_consumer other(near, leased("other", told, lease));
        auto run = of.start(clerk.clerk);
        publish_to(server, 3);
        co_await clerk.doors->arrived.reach(3);
        auto beside = near.start(other.clerk);
        co_await until_readers_wait(of, server, 2);
        server.suspend();
        co_await pass(3 * lease / 2);
        BOOST_TEST(told->has(errc::unreachable));
        server.resume();
        // Renewed before anyone else may take it, and then all the time.
        co_await pass(3 * lease / 2);
        BOOST_TEST(other.begun() == 0);
        BOOST_REQUIRE(clerk.cancelled->count() == 0);
        BOOST_TEST(count_pending(server, "clerk") == 3);
        clerk.doors->open();
        co_await of.until_pending("orders", "billing", 0);
        other.doors->open();
        publish_to(server, 10);
        co_await of.until([&]() -> asio::awaitable<bool> { co_return clerk.begun() + other.begun() == 13; });
        co_await of.until_pending("orders", "billing", 0);
        clerk.clerk->stop();
        other.clerk->stop();
        auto const reports = std::pair(co_await of.good_end(run), co_await of.good_end(beside));
        BOOST_TEST(reports.first.handled + reports.second.handled == 13);
    });
}

BOOST_AUTO_TEST_CASE(a_server_that_stands_still_unnoticed_for_longer_than_the_lease_loses_nothing)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 20s;
    constexpr auto lease = 200ms;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        neighbour near(of, options);
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, lease));
        waiting_consumer other(near, leased("other", told, lease));
        auto run = of.start(clerk.clerk);
        publish_to(server, 3);
        co_await clerk.doors->arrived.reach(3);
        auto beside = near.start(other.clerk);
        co_await until_readers_wait(of, server, 2);
        server.suspend();
        co_await pass(3 * lease);
        server.resume();
        // A renewal and a claim were on their way; whose was carried out first has them.
        clerk.doors->open();
        other.doors->open();
        co_await of.until_pending("orders", "billing", 0);
        for (auto const& why : told->all())
            BOOST_ERROR(why);
        clerk.clerk->stop();
        other.clerk->stop();
        auto const first = co_await run.get();
        auto const second = co_await beside.get();
        BOOST_TEST(first.report.handled + second.report.handled == 3);
        BOOST_TEST(first.report.dead + second.report.dead == 0);
        BOOST_TEST(first.report.unsettled + second.report.unsettled == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_publish_that_is_not_answered_in_time_says_so)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 20s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "1");
        server.suspend();
        producer to(of.broker, {.max_in_flight = 1, .timeout = 50ms});
        auto const done = of.make_tally();
        to.async_publish("orders", "2", [done](failure const& why, entry_id) {
            BOOST_TEST((why == errc::outcome_unknown), why);
            done->add();
        });
        to.async_publish("orders", "3", [done](failure const& why, entry_id) {
            BOOST_TEST((why == errc::timed_out), why);
            done->add();
        });
        co_await done->reach(2);
        server.resume();
        // It was stored.
        co_await of.publish("orders", "4");
        BOOST_TEST(server.command({"XLEN", "orders"}) == "3");
    });
}

BOOST_AUTO_TEST_CASE(a_short_standstill_is_waited_out)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 20s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "1");
        auto const done = of.make_tally();
        server.suspend();
        producer to(of.broker);
        for (int i = 0; i != 100; ++i)
            to.async_publish("orders", "2", [done](failure const& why, entry_id) {
                BOOST_TEST(!why, why);
                done->add();
            });
        co_await pass(50ms);
        BOOST_TEST(done->count() == 0);
        server.resume();
        co_await done->reach(100);
    });
}

BOOST_AUTO_TEST_CASE(a_consumer_stops_while_the_server_stands_still)
{
    redis_server server;
    auto options = impatient(server);
    options.health_check_interval = 100ms;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(billing);
        co_await doors->arrived.reach(3);
        server.suspend();
        billing->stop(0ms);
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.cancelled + end.report.unsettled == 3);
        server.resume();
    });
}

BOOST_AUTO_TEST_SUITE_END()
