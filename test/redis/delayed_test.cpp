// D1, W1: delayed events on a server that something happens to.

#include "redis/trouble.hpp"

#include <algorithm>
#include <map>

using namespace strandline;
using namespace strandline::testing;

namespace {

asio::awaitable<entry_id>
delay(stage& of, std::string_view stream, std::string_view body, std::chrono::milliseconds by)
{
    appending item;
    item.stream = stream;
    item.entry.body = body;
    item.delay = by;
    co_await of.broker->append({&item, 1});
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    co_return *item.outcome;
}

/// A consumer of streams that counts what it handles.
struct clerk
{
    clerk(stage const& of, consumer_options options, std::initializer_list<std::string> streams)
        : handled(of.make_tally())
        , what(of.make_consumer(std::move(options)))
    {
        for (auto const& stream : streams)
            what->on(stream, [to = handled, bodies = bodies](delivery const& one) -> asio::awaitable<void> {
                ++(*bodies)[std::string(one.body().value_or(""))];
                to->add();
                co_return;
            });
    }

    bool has_each_once() const
    {
        return std::ranges::all_of(*bodies, [](auto const& each) { return each.second == 1; });
    }

    std::shared_ptr<tally> handled;
    std::shared_ptr<consumer> what;
    std::shared_ptr<std::map<std::string, int>> bodies = std::make_shared<std::map<std::string, int>>();
};

} // namespace

BOOST_AUTO_TEST_SUITE(D1_delayed_events_in_trouble)

BOOST_AUTO_TEST_CASE(of_another_process_are_moved_though_they_are_nearer)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"orders"});
        neighbour other(of, impatient(server));
        auto run = of.start(billing.what);
        co_await delay(other, "orders", "far", 1h);
        for (std::size_t i = 1; i <= 8; ++i) {
            co_await delay(other, "orders", std::to_string(i), 1ms);
            co_await billing.handled->reach(i);
        }
        billing.what->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST(told->all().empty());
    });
}

BOOST_AUTO_TEST_CASE(go_on_behind_broken_connections)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"orders"});
        neighbour other(of, impatient(server));
        auto run = of.start(billing.what);
        co_await delay(other, "orders", "far", 1h);
        for (std::size_t i = 1; i <= 8; ++i) {
            // Those of the consumer; what is told meanwhile is lost.
            for (auto const* const type : {"normal", "pubsub"})
                server.command({"CLIENT", "KILL", "TYPE", type});
            while (co_await other.broker->ready() || !(co_await other.broker->count_delayed("orders")))
                continue;
            co_await delay(other, "orders", std::to_string(i), 1ms);
            co_await billing.handled->reach(i);
        }
        billing.what->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST(billing.has_each_once());
    });
}

BOOST_AUTO_TEST_CASE(survive_a_crash_of_the_server)
{
    redis_server server({.tcp = false, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"orders"});
        auto run = of.start(billing.what);
        for (int i = 0; i != 300; ++i)
            co_await delay(of, "orders", std::to_string(i), std::chrono::milliseconds(100 + i));
        co_await billing.handled->reach(50);
        server.kill();
        server.start();
        co_await billing.handled->reach(300);
        billing.what->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 300U);
    });
}

BOOST_AUTO_TEST_CASE(wait_while_memory_is_full)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"orders"});
        auto run = of.start(billing.what);
        co_await of.publish("orders", "first");
        co_await billing.handled->reach(1);
        for (int i = 0; i != 20; ++i)
            co_await delay(of, "orders", std::to_string(i), 200ms);
        server.command({"CONFIG", "SET", "maxmemory", "1"});
        co_await told->until(errc::out_of_memory);
        BOOST_TEST(billing.handled->count() == 1U);
        server.command({"CONFIG", "SET", "maxmemory", "0"});
        co_await billing.handled->reach(21);
        billing.what->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST(billing.has_each_once());
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 21U);
    });
}

BOOST_AUTO_TEST_CASE(of_one_stream_do_not_stop_those_of_others)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        server.command({"SET", "{mails}:delayed", "x"});
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"mails", "orders"});
        auto run = of.start(billing.what);
        co_await told->until(errc::wrong_type);
        for (std::size_t i = 1; i <= 8; ++i) {
            co_await delay(of, "orders", std::to_string(i), 1ms);
            co_await billing.handled->reach(i);
        }
        co_await of.publish("mails", "9");
        co_await billing.handled->reach(9);
        billing.what->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_CASE(that_are_damaged_are_set_aside_and_stop_nobody)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        for (int i = 0; i != 700; ++i)
            server.command({"ZADD", "{orders}:delayed", "0", "0000000000001-" + std::to_string(i)});
        clerk billing(of, telling("billing", told), {"orders"});
        auto run = of.start(billing.what);
        co_await delay(of, "orders", "1", 1ms);
        co_await billing.handled->reach(1);
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return server.command({"XLEN", "{orders}:dead"}) == "700";
        });
        billing.what->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 0U);
        BOOST_TEST(told->all().empty());
    });
}

BOOST_AUTO_TEST_CASE(without_rights_are_told_and_do_not_stop_the_rest)
{
    redis_server server;
    for (auto const* const rule : {"on", ">pw", "allchannels", "+@all", "~orders", "~{orders}:group:*"})
        BOOST_REQUIRE(server.command({"ACL", "SETUSER", "clerk", rule}) == "OK");
    auto options = impatient(server);
    options.user = "clerk";
    options.password = "pw";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        clerk billing(of, telling("billing", told), {"orders"});
        auto run = of.start(billing.what);
        co_await told->until(errc::not_permitted);
        for (std::size_t i = 1; i <= 100; ++i)
            co_await of.publish("orders", std::to_string(i));
        co_await billing.handled->reach(100);
        billing.what->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_SUITE_END()
