// What others do on the server while producers and consumers work: keys of other types, removed streams and
// groups, foreign entries, killed connections.

#include "redis/trouble.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// A consumer of those streams that counts what it handled.
class counting
{
public:
    counting(stage const& of, std::vector<std::string> const& streams)
        : told(std::make_shared<troubles>(of.strand()))
        , handled(of.make_tally())
        , billing(of.make_consumer(telling("billing", told)))
    {
        for (auto const& stream : streams)
            billing->on(stream, [this](delivery const& what) -> asio::awaitable<void> {
                bodies.insert(std::string(what.body().value_or("(none)")));
                handled->add();
                co_return;
            });
    }

    std::shared_ptr<troubles> told;
    std::shared_ptr<tally> handled;
    std::multiset<std::string> bodies;
    std::shared_ptr<consumer> billing;
};

/// Handles an event, lets something happen, and handles another one; what happens is told with that code.
void check_that_it_goes_on(std::function<void(redis_server const&)> const& happen, errc code)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        counting all(of, {"orders", "users"});
        auto run = of.start(all.billing);
        for (std::size_t round = 0; round != 3; ++round) {
            co_await of.publish("orders", "x");
            co_await of.publish("users", "y");
            co_await all.handled->reach(2 * round + 2);
            // Now it waits for more.
            co_await of.until_pending("orders", "billing", 0);
            co_await of.until_pending("users", "billing", 0);
            auto const before = all.told->all().size();
            happen(server);
            co_await all.told->reach(before + 1);
        }
        co_await of.publish("orders", "last");
        co_await of.publish("users", "last");
        co_await of.until([&]() -> asio::awaitable<bool> { co_return all.bodies.count("last") == 2; });
        all.billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(all.told->has(code));
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(damage)

BOOST_AUTO_TEST_CASE(publishing_to_a_key_of_another_type_fails_alone)
{
    redis_server const server;
    server.command({"SET", "text", "x"});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        for (int i = 0; i != 100; ++i) {
            auto const bad = i % 2 == 0;
            to.async_publish(bad ? "text" : "orders", "x", [done, bad](failure const& why, entry_id) {
                BOOST_TEST((bad ? why == errc::wrong_type : !why), why);
                BOOST_TEST((!bad || why.words().find("WRONGTYPE") != std::string_view::npos));
                done->add();
            });
        }
        co_await done->reach(100);
        BOOST_TEST(server.command({"XLEN", "orders"}) == "50");
        BOOST_TEST(server.command({"GET", "text"}) == "x");
    });
}

// H3
BOOST_AUTO_TEST_CASE(a_stream_of_another_type_does_not_stop_the_others)
{
    redis_server const server;
    server.command({"SET", "users", "not a stream"});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        counting all(of, {"users", "orders", "more orders"});
        auto run = of.start(all.billing);
        co_await all.told->until(errc::wrong_type);
        BOOST_TEST((all.told->all().front().words().find("users") != std::string_view::npos));
        co_await of.publish("orders", "1");
        co_await of.publish("more orders", "2");
        co_await all.handled->reach(2);
        // Cured by its owner.
        server.command({"DEL", "users"});
        co_await of.publish("users", "3");
        co_await all.handled->reach(3);
        all.billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_that_becomes_another_type_does_not_stop_the_others)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        counting all(of, {"users", "orders"});
        auto run = of.start(all.billing);
        co_await of.publish("users", "1");
        co_await all.handled->reach(1);
        co_await of.until_pending("users", "billing", 0);
        server.command({"DEL", "users"});
        server.command({"SET", "users", "x"});
        co_await of.publish("orders", "2");
        co_await all.handled->reach(2);
        co_await all.told->until(errc::wrong_type);
        co_await of.publish("orders", "3");
        co_await all.handled->reach(3);
        server.command({"DEL", "users"});
        server.command({"XADD", "users", "*", "body", "4"});
        co_await all.handled->reach(4);
        all.billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
    });
}

BOOST_AUTO_TEST_CASE(what_was_handled_of_a_stream_that_is_none_any_more_stays_unsettled)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await doors->pass();
            if (what.body() == "1")
                throw reject("no");
        });
        co_await of.publish_numbers("orders", 2);
        auto run = of.start(billing);
        co_await doors->arrived.reach(2);
        server.command({"EVAL", "redis.call('DEL', 'orders') redis.call('SET', 'orders', 'x')", "0"});
        doors->open();
        co_await told->until(errc::wrong_type);
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_group_made_again_while_handlers_run_ends_with_nothing_pending)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        std::multiset<std::string> handled;
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await doors->pass();
            handled.insert(std::string(*what.body()));
        });
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(billing);
        co_await doors->arrived.reach(5);
        server.command({"XGROUP", "DESTROY", "orders", "billing"});
        // It reads them again: the new group knows nothing of the old one.
        co_await doors->arrived.reach(10);
        doors->open();
        co_await of.publish("orders", "new");
        co_await doors->arrived.reach(11);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 0);
        BOOST_TEST(end.report.dead == 0);
        for (auto const body : {"0", "1", "2", "3", "4"})
            BOOST_TEST(handled.count(body) == 2);
        BOOST_TEST(handled.count("new") == 1);
    });
}

BOOST_AUTO_TEST_CASE(unknown_streams_and_groups_are_said_to_be_unknown)
{
    redis_server const server;
    server.command({"XADD", "orders", "*", "body", "x"});
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        for (std::string const stream : {"orders", "nothing"}) {
            membership const who{stream, "unknown", "c"};
            BOOST_TEST(((co_await broker.inspect_consumers(stream, "unknown")).error() == errc::no_group));
            BOOST_TEST(
                ((co_await broker.inspect_pending(stream, "unknown", {}, 10)).error() == errc::no_group)
            );
            settlement done;
            done.id = {1, 1};
            BOOST_TEST(((co_await broker.settle(who, {&done, 1})) == errc::no_group));
            BOOST_TEST(((co_await broker.backlog(who, {}, 10)).error() == errc::no_group));
        }
        BOOST_TEST(((co_await broker.inspect_stream("nothing")).error() == errc::no_group));
        BOOST_TEST(((co_await broker.inspect_groups("nothing")).error() == errc::no_group));
    });
}

BOOST_AUTO_TEST_CASE(entries_of_other_programs_are_events)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::vector<std::string> seen;
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on<boost::json::value>(
            "orders",
            [&](boost::json::value const& value, delivery const& what) -> asio::awaitable<void> {
                seen.push_back(serialize(value) + std::string(what.type().value_or("")));
                handled->add();
                co_return;
            }
        );
        auto run = of.start(billing);
        server.command({"XADD", "orders", "*", "body", R"({"a": 1})"});
        server.command({"XADD", "orders", "*", "type", "t", "body", "[]", "x", "y"});
        server.command({"XADD", "orders", "*", "name", "no body"});
        server.command({"XADD", "orders", "*", "body", "{"});
        server.command({"XADD", "orders", "18446744073709551615-18446744073709551615", "body", "0"});
        co_await handled->reach(3);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 3);
        BOOST_TEST(report.dead == 2);
        std::ranges::sort(seen);
        BOOST_TEST(
            seen == (std::vector<std::string>{"0", "[]t", R"({"a":1})"}), boost::test_tools::per_element()
        );
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 2);
        BOOST_TEST(letters[0].header_of("name") == "no body");
        BOOST_TEST((letters[1].body == "{"));
    });
}

// S2
BOOST_AUTO_TEST_CASE(an_entry_with_very_many_fields_is_handled_and_buried)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto options = in_group("billing");
        options.max_attempts = 2;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.headers().size() == 5'000);
            handled->add();
            throw std::runtime_error("no");
            co_return;
        });
        event many{"x", {}};
        for (int i = 0; i != 5'000; ++i)
            many.headers.push_back({std::to_string(i), "value"});
        producer to(of.broker);
        auto const id = co_await to.async_publish("orders", many);
        auto run = of.start(billing);
        co_await handled->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-id") == id.to_string());
    });
}

BOOST_AUTO_TEST_CASE(a_removed_stream_is_made_again)
{
    check_that_it_goes_on(
        [](redis_server const& server) { server.command({"DEL", "orders"}); }, errc::no_group
    );
}

BOOST_AUTO_TEST_CASE(a_removed_group_is_made_again)
{
    check_that_it_goes_on(
        [](redis_server const& server) { server.command({"XGROUP", "DESTROY", "orders", "billing"}); },
        errc::no_group
    );
}

BOOST_AUTO_TEST_CASE(everything_removed_is_made_again)
{
    check_that_it_goes_on([](redis_server const& server) { server.command({"FLUSHALL"}); }, errc::no_group);
}

BOOST_AUTO_TEST_CASE(a_killed_reader_comes_back)
{
    check_that_it_goes_on(
        [](redis_server const& server) {
            auto const readers = connections_in(server, "xreadgroup");
            BOOST_TEST(readers.size() == 1);
            for (auto const& id : readers)
                server.command({"CLIENT", "KILL", "ID", id});
        },
        errc::connection_lost
    );
}

BOOST_AUTO_TEST_CASE(a_killed_connection_for_commands_comes_back)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        counting all(of, {"orders"});
        auto run = of.start(all.billing);
        producer to(of.broker);
        for (std::size_t round = 1; round != 20; ++round) {
            co_await of.publish("orders", "x");
            co_await all.handled->reach(2 * round - 1);
            co_await of.until_pending("orders", "billing", 0);
            auto const commands = connections_in(server, "xpending");
            BOOST_REQUIRE(commands.size() == 1);
            server.command({"CLIENT", "KILL", "ID", commands.front()});
            // Lost when it was handed to the connection before that was known to be broken, and to be
            // published once more; the server has killed it before it could read anything.
            for (;;) {
                auto const end = co_await to.async_publish("orders", "y", asio::as_tuple);
                failure const& why = std::get<0>(end);
                if (!why)
                    break;
                BOOST_TEST((why == errc::connection_lost), why);
            }
            co_await all.handled->reach(2 * round);
        }
        all.billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 38);
        for (auto const& why : all.told->all())
            BOOST_TEST((why == errc::connection_lost), why);
    });
}

BOOST_AUTO_TEST_CASE(killed_connections_come_back)
{
    check_that_it_goes_on(
        [](redis_server const& server) { server.command({"CLIENT", "KILL", "TYPE", "normal"}); },
        errc::connection_lost
    );
}

BOOST_AUTO_TEST_CASE(a_group_that_begins_at_the_end_begins_at_the_beginning_when_made_again)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "before");
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        std::vector<std::string> seen;
        auto options = telling("billing", told);
        options.start = start_position::end();
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            seen.push_back(std::string(*what.body()));
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return !connections_in(server, "xreadgroup").empty();
        });
        co_await of.publish("orders", "first");
        co_await handled->reach(1);
        co_await of.until_pending("orders", "billing", 0);
        // In one step, so that the consumer cannot be between the two.
        server.command(
            {"EVAL", "redis.call('DEL', 'orders') redis.call('XADD', 'orders', '*', 'body', 'second')", "0"}
        );
        co_await handled->reach(2);
        billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
        BOOST_TEST(seen == (std::vector<std::string>{"first", "second"}), boost::test_tools::per_element());
    });
}

// S3
BOOST_AUTO_TEST_CASE(forgotten_scripts_are_taught_again)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto options = in_group("billing");
        options.max_attempts = 3;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            server.command({"SCRIPT", "FLUSH", "SYNC"});
            if (what.body() == "0" || what.attempt() == 1)
                throw std::runtime_error("again");
            handled->add();
            co_return;
        });
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(billing);
        co_await handled->reach(4);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 4);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 1);
    });
}

// A2
BOOST_AUTO_TEST_CASE(removed_entries_are_counted_as_gone)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await doors->pass();
            if (what.body() == "bad")
                throw reject("no");
            if (what.body() == "again")
                throw std::runtime_error("again");
        });
        for (auto const body : {"good", "bad", "again"})
            co_await of.publish("orders", body);
        auto run = of.start(billing);
        co_await doors->arrived.reach(3);
        server.command({"XTRIM", "orders", "MAXLEN", "0"});
        doors->open();
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.gone == 2);
        BOOST_TEST(report.dead == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()
