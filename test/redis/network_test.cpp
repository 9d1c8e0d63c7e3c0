// Networks between a consumer and its server: replies cut off, connections that go silent, and what arrives
// late.

#include "redis/trouble.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

BOOST_AUTO_TEST_SUITE(networks)

BOOST_AUTO_TEST_CASE(that_cut_replies_off_lose_nothing_and_repeat_nothing)
{
    std::random_device random;
    std::mt19937 from(random());
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const begun = of.make_tally();
        std::map<entry_id, int> tries;
        std::map<entry_id, int> times;
        auto options = telling("billing", told);
        options.read_count = 10;
        options.max_concurrency = 10;
        options.max_in_flight = 40;
        // An answer that gets lost can be that of an attempt that was counted.
        options.max_attempts = 1'000;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            begun->add();
            auto const id = what.id();
            if (id.seq % 5 == 0)
                co_await pass(1ms);
            if (id.seq % 7 == 0 && ++tries[id] == 1)
                throw std::runtime_error("again");
            ++times[id];
        });
        auto run = of.start(billing);
        std::size_t published = 0;
        for (int cut = 0; cut != 50; ++cut) {
            publish_to(server, 40);
            published += 40;
            // Now and then in the handshake of the next connections.
            proxy.cut_after(std::uniform_int_distribution<std::size_t>(1, cut % 2 == 0 ? 200 : 3'000)(from));
            co_await of.until([&]() -> asio::awaitable<bool> {
                if (begun->count() >= published)
                    server.command({"XADD", "orders", "*", "body", "more"}), ++published;
                co_return !proxy.is_to_cut();
            });
        }
        co_await of.until([&]() -> asio::awaitable<bool> { co_return times.size() == published; });
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == published);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST(std::ranges::all_of(times, [](auto const& one) { return one.second == 1; }));
        BOOST_TEST(std::ranges::all_of(tries, [](auto const& one) { return one.second <= 2; }));
        BOOST_TEST(told->has(errc::connection_lost));
    });
}

BOOST_AUTO_TEST_CASE(that_go_silent_lose_neither_what_was_read_nor_what_was_handled)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, 1min));
        auto run = of.start(clerk.clerk);
        std::size_t published = 0;
        std::size_t swallowed = 0;
        for (int round = 0; round != 3; ++round) {
            publish_to(server, 3);
            published += 3;
            co_await clerk.doors->arrived.reach(published);
            co_await until_readers_wait(of, server);
            proxy.hold_present();
            // The server gives it to a read whose answer never arrives; while that waits.
            publish_to(server, 1);
            ++published;
            swallowed += count_pending(server, "clerk") == published ? 1 : 0;
            auto const before = told->all().size();
            co_await told->reach(before + 1);
            co_await clerk.doors->arrived.reach(published);
        }
        proxy.hold_present();
        // Acknowledged into the void.
        clerk.doors->open();
        co_await of.until_pending("orders", "billing", 0);
        clerk.clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == published);
        BOOST_TEST(clerk.begun() == published);
        BOOST_TEST(swallowed != 0);
    });
}

BOOST_AUTO_TEST_CASE(that_deliver_a_read_after_its_connection_ended_lose_nothing)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto options = leased("clerk", told, 300ms);
        options.max_in_flight = options.max_concurrency = 1;
        waiting_consumer clerk(of, options);
        auto run = of.start(clerk.clerk);
        co_await until_readers_wait(of, server);
        proxy.hold_requests();
        // This read ends, the next one is held back, and the connection is given up.
        co_await told->reach(1);
        co_await until_readers_wait(of, server);
        publish_to(server, 1);
        co_await clerk.doors->arrived.reach(1);
        publish_to(server, 1);
        BOOST_TEST(count_pending(server, "clerk") == 1);
        // It takes the second one, for nobody.
        proxy.let_go();
        co_await of.until_pending("orders", "billing", 2);
        clerk.doors->open();
        co_await clerk.doors->arrived.reach(2);
        co_await of.until_pending("orders", "billing", 0);
        clerk.clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
        BOOST_TEST(clerk.begun() == 2);
    });
}

BOOST_AUTO_TEST_CASE(that_separate_a_consumer_for_longer_than_its_lease_let_others_take_over)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, 300ms));
        neighbour near(of, impatient(server));
        waiting_consumer other(near, leased("other", std::make_shared<troubles>(near.strand()), 300ms));
        auto run = of.start(clerk.clerk);
        publish_to(server, 3);
        co_await clerk.doors->arrived.reach(3);
        auto beside = near.start(other.clerk);
        proxy.hold_all();
        co_await other.doors->arrived.reach(3);
        BOOST_TEST(clerk.cancelled->count() == 0);
        // Its renewals arrive, too late.
        proxy.let_go();
        co_await clerk.cancelled->reach(3);
        BOOST_TEST(count_pending(server, "other") == 3);
        clerk.clerk->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 3);
        BOOST_TEST(end.report.handled + end.report.unsettled + end.report.released == 0);
        BOOST_TEST(other.cancelled->count() == 0);
        other.doors->open();
        co_await of.until_pending("orders", "billing", 0);
        other.clerk->stop();
        BOOST_TEST((co_await stage::good_end(beside)).handled == 3);
        BOOST_TEST(other.begun() == 3);
    });
}

// L5
BOOST_AUTO_TEST_CASE(that_deliver_an_acknowledgement_after_the_lease_let_its_handler_be_the_one_that_counts)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    auto options = impatient(proxy);
    // The connection is not given up: as far as anyone can tell it is slow.
    options.health_check_interval = 20s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, 500ms));
        neighbour near(of, impatient(server));
        waiting_consumer other(near, leased("other", std::make_shared<troubles>(near.strand()), 500ms));
        auto run = of.start(clerk.clerk);
        publish_to(server, 3);
        co_await clerk.doors->arrived.reach(3);
        auto beside = near.start(other.clerk);
        proxy.hold_all();
        clerk.doors->open();
        co_await other.doors->arrived.reach(3);
        BOOST_TEST(count_pending(server, "other") == 3);
        proxy.let_go();
        co_await of.until_pending("orders", "billing", 0);
        co_await other.cancelled->reach(3);
        clerk.clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
        other.clerk->stop();
        auto const end = co_await beside.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 3);
        BOOST_TEST(end.report.handled + end.report.retried + end.report.dead == 0);
    });
}

// L4
BOOST_AUTO_TEST_CASE(that_come_back_later_for_one_than_for_another_do_not_make_it_lose_its_leases)
{
    redis_server server({.tcp = false, .arguments = {"--appendonly", "yes"}});
    redis_proxy proxy(server.socket());
    constexpr auto lease = 1s;
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        waiting_consumer clerk(of, leased("clerk", told, lease));
        auto patient = impatient(server);
        patient.connect_timeout = 10s;
        neighbour near(of, patient);
        waiting_consumer other(near, leased("other", std::make_shared<troubles>(near.strand()), lease));
        auto run = of.start(clerk.clerk);
        publish_to(server, 3);
        co_await clerk.doors->arrived.reach(3);
        auto beside = near.start(other.clerk);
        co_await until_readers_wait(of, server, 2);
        server.stop();
        proxy.hold_all();
        // All of them are idle for longer than their lease.
        co_await pass(2 * lease);
        server.start();
        co_await until_readers_wait(of, server);
        // The other one is back; within its lease from here this one is, too.
        proxy.let_go();
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return server.command({"XPENDING", "orders", "billing", "IDLE", "1000", "-", "+", "10"})
                .empty();
        });
        co_await pass(2 * lease);
        BOOST_TEST(other.begun() == 0);
        BOOST_REQUIRE(clerk.cancelled->count() == 0);
        BOOST_TEST(count_pending(server, "clerk") == 3);
        other.clerk->stop();
        BOOST_TEST(!(co_await beside.get()).why);
        clerk.doors->open();
        co_await of.until_pending("orders", "billing", 0);
        clerk.clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_SUITE_END()
