// A server that is there, but of no use, is asked seldom, and found again when it is of use.

#include "redis/trouble.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Of both connections of a consumer, for all its streams.
constexpr std::size_t most_commands_in_a_second = 50;

/// What happens to the server, and how it ends.
struct trouble
{
    std::function<void(redis_server&)> begin;
    std::function<void(redis_server&)> end;
    errc told = errc::unavailable;
    /// The entries that there were are gone, or come again.
    bool disturbs_entries = false;
    redis_server::options server = {};
    std::string user = {};
    std::chrono::milliseconds health_check_interval = redis_options().health_check_interval;
};

/// A consumer of two streams is in the middle of its work when the trouble begins: handlers run, and then
/// want to be acknowledged, buried or repeated, others wait for their next attempt.
void check_that_it_is_asked_seldom(trouble const& what)
{
    redis_server server(what.server);
    redis_proxy proxy(server.socket());
    server.command({"ACL", "SETUSER", "clerk", "on", ">secret", "~*", "&*", "+@all"});
    auto options = impatient(proxy);
    // As a program has them that did not think of it.
    options.min_reconnect_delay = redis_options().min_reconnect_delay;
    options.max_reconnect_delay = redis_options().max_reconnect_delay;
    options.connect_timeout = redis_options().connect_timeout;
    options.health_check_interval = what.health_check_interval;
    options.user = what.user;
    options.password = what.user.empty() ? "" : "secret";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const doors = of.make_gate();
        auto const failed = of.make_tally();
        auto const handled = of.make_tally();
        auto const last = of.make_tally();
        auto busy = leased("clerk", told, 2s);
        busy.claim_interval = 1s;
        busy.retry = {100ms, 1, 100ms};
        busy.max_attempts = 1'000;
        auto const billing = of.make_consumer(busy);
        for (auto const stream : {"orders", "users"})
            billing->on(stream, [=](delivery const& what) -> asio::awaitable<void> {
                if (what.body() == "last") {
                    last->add();
                    co_return;
                }
                if (what.body() == "waits" && what.attempt() == 1) {
                    failed->add();
                    throw std::runtime_error("again");
                }
                co_await doors->pass();
                if (what.body() == "bad")
                    throw reject("it is bad");
                if (what.body() == "fails" && what.attempt() == 1)
                    throw std::runtime_error("again");
                handled->add();
            });
        auto run = of.start(billing);
        for (auto const* stream : {"orders", "users"})
            for (auto const* body : {"good", "bad", "fails", "waits"})
                co_await of.publish(stream, body);
        co_await doors->arrived.reach(6);
        co_await failed->reach(2);

        auto const begin = std::chrono::steady_clock::now();
        what.begin(server);
        doors->open();
        co_await pass(1'100ms);
        auto const most = proxy.busiest_second(begin);
        BOOST_TEST(most <= most_commands_in_a_second, most << " commands: " << proxy.commands(begin));
        BOOST_TEST_MESSAGE(most << " commands in a second: " << proxy.commands(begin));
        BOOST_TEST(told->has(what.told));

        what.end(server);
        for (auto const* stream : {"orders", "users"})
            co_await of.until([&]() -> asio::awaitable<bool> {
                co_return !server.command({"XADD", stream, "*", "body", "last"}).starts_with('-');
            });
        co_await last->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        co_await of.until_pending("users", "billing", 0);
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 0);
        if (!what.disturbs_entries) {
            BOOST_TEST(handled->count() == 6);
            BOOST_TEST(end.report.dead == 2);
            BOOST_TEST(end.report.lost == 0);
        }
    });
}

/// The same for a setting of the server.
void check_setting(std::string name, std::string value, std::string usual, errc told)
{
    check_that_it_is_asked_seldom({
        .begin = [=](redis_server& server) { server.command({"CONFIG", "SET", name, value}); },
        .end = [=](redis_server& server) { server.command({"CONFIG", "SET", name, usual}); },
        .told = told,
    });
}

/// The same for a user who may not do something any more.
void check_permission(std::string taken)
{
    BOOST_TEST_CONTEXT(taken)
    check_that_it_is_asked_seldom({
        .begin = [=](redis_server& server) { server.command({"ACL", "SETUSER", "clerk", "-" + taken}); },
        .end = [](redis_server& server) { server.command({"ACL", "SETUSER", "clerk", "+@all"}); },
        .told = errc::not_permitted,
        .user = "clerk",
        // A read that waits is asked for nothing until its wait has ended.
        .health_check_interval = 400ms,
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(patience)

BOOST_AUTO_TEST_CASE(with_a_stream_that_becomes_another_type)
{
    check_that_it_is_asked_seldom({
        .begin =
            [](redis_server& server) {
                server.command({"EVAL", "redis.call('DEL', 'orders') redis.call('SET', 'orders', 'x')", "0"});
            },
        .end = [](redis_server& server) { server.command({"DEL", "orders"}); },
        .told = errc::wrong_type,
        .disturbs_entries = true,
    });
}

BOOST_AUTO_TEST_CASE(with_a_group_for_which_there_is_no_memory)
{
    check_that_it_is_asked_seldom({
        .begin =
            [](redis_server& server) {
                server.command({"CONFIG", "SET", "maxmemory", "1"});
                server.command({"XGROUP", "DESTROY", "orders", "billing"});
            },
        .end = [](redis_server& server) { server.command({"CONFIG", "SET", "maxmemory", "0"}); },
        .told = errc::out_of_memory,
        .disturbs_entries = true,
    });
}

BOOST_AUTO_TEST_CASE(with_full_memory)
{
    check_setting("maxmemory", "1", "0", errc::out_of_memory);
}

BOOST_AUTO_TEST_CASE(with_too_few_replicas)
{
    check_setting("min-replicas-to-write", "1", "0", errc::unavailable);
}

BOOST_AUTO_TEST_CASE(with_a_replica)
{
    check_that_it_is_asked_seldom({
        .begin = [](redis_server& server) { server.command({"REPLICAOF", "127.0.0.1", "1"}); },
        .end = [](redis_server& server) { server.command({"REPLICAOF", "NO", "ONE"}); },
    });
}

BOOST_AUTO_TEST_CASE(without_a_permission)
{
    for (auto const* taken : {"xreadgroup", "evalsha", "xpending", "xclaim", "xack", "@all"})
        check_permission(taken);
}

BOOST_AUTO_TEST_CASE(without_a_password)
{
    check_that_it_is_asked_seldom({
        .begin =
            [](redis_server& server) {
                server.command({"ACL", "SETUSER", "clerk", "<secret", ">other"});
                server.command({"CLIENT", "KILL", "USER", "clerk"});
            },
        .end = [](redis_server& server) { server.command({"ACL", "SETUSER", "clerk", ">secret"}); },
        .told = errc::refused,
        .user = "clerk",
    });
}

BOOST_AUTO_TEST_CASE(with_a_server_that_loads_its_data)
{
    check_that_it_is_asked_seldom({
        .begin =
            [](redis_server& server) {
                server.command(
                    {"EVAL", "for i = 1, 9000 do redis.call('SET', i, string.rep('x', 1000)) end", "0"}
                );
                server.command({"SAVE"});
                server.kill();
                server.start_loading();
            },
        .end = [](redis_server& server) { server.command({"CONFIG", "SET", "key-load-delay", "0"}); },
        .server =
            {.tcp = false,
             .arguments = {"--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"}},
    });
}

BOOST_AUTO_TEST_CASE(with_a_server_whose_script_does_not_end)
{
    asio::io_context context;
    asio::local::stream_protocol::socket other(context);
    check_that_it_is_asked_seldom({
        .begin =
            [&](redis_server& server) {
                other.connect(server.socket());
                asio::write(other, asio::buffer(std::string_view("EVAL \"while true do end\" 0\r\n")));
            },
        .end = [](redis_server& server) { server.command({"SCRIPT", "KILL"}); },
        .server = {.tcp = false, .arguments = {"--busy-reply-threshold", "50"}},
    });
}

BOOST_AUTO_TEST_CASE(with_a_server_that_stands_still)
{
    check_that_it_is_asked_seldom({
        .begin = [](redis_server& server) { server.suspend(); },
        .end = [](redis_server& server) { server.resume(); },
        .told = errc::connection_lost,
        .health_check_interval = 200ms,
    });
}

BOOST_AUTO_TEST_CASE(with_a_server_that_is_gone)
{
    check_that_it_is_asked_seldom({
        .begin = [](redis_server& server) { server.kill(); },
        .end = [](redis_server& server) { server.start(); },
        .told = errc::connection_lost,
        .server = {.tcp = false, .arguments = {"--appendonly", "yes", "--appendfsync", "always"}},
    });
}

BOOST_AUTO_TEST_CASE(a_consumer_in_every_kind_of_trouble_asks_the_server_seldom)
{
    redis_server const server;
    server.command({"SET", "text", "not a stream"});
    auto options = impatient(server);
    options.health_check_interval = 5s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const attempts = of.make_tally();
        auto trouble = telling("billing", told);
        trouble.max_concurrency = trouble.max_in_flight = 3;
        trouble.retry = {150ms, 1, 150ms};
        trouble.max_attempts = 1'000;
        auto const billing = of.make_consumer(trouble);
        for (auto const stream : {"text", "idle", "orders"})
            billing->on(stream, [&](delivery const& what) -> asio::awaitable<void> {
                attempts->add();
                if (what.body() == "reject")
                    throw reject("no");
                throw std::runtime_error("again");
                co_return;
            });
        co_await of.publish("orders", "reject");
        co_await of.publish("orders", "again");
        server.command({"CONFIG", "SET", "maxmemory", "1"});
        // The group exists only from here on, where memory is full.
        server.command({"CONFIG", "SET", "maxmemory", "0"});
        auto run = of.start(billing);
        co_await attempts->reach(2);
        server.command({"CONFIG", "SET", "maxmemory", "1"});
        co_await attempts->reach(3);
        auto const before = count_commands(server);
        co_await pass(1s);
        auto const asked = count_commands(server) - before;
        // Some four a second for the dead letter that is refused, some for each retry, for the stream that is
        // none and for the end of a read whose places a retry needs. A busy loop would ask tens of thousands.
        BOOST_TEST(asked < 150);
        server.command({"CONFIG", "SET", "maxmemory", "0"});
        billing->stop();
        BOOST_TEST(!(co_await run.get()).why);
    });
}

BOOST_AUTO_TEST_CASE(a_read_that_was_woken_for_a_retry_is_not_woken_for_ever)
{
    redis_server const server;
    auto options = impatient(server);
    // Reads wait for 150 ms, so that one begins while nothing else needs a place.
    options.health_check_interval = 200ms;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto trouble = in_group("billing");
        trouble.max_concurrency = trouble.max_in_flight = 3;
        trouble.retry = {800ms, 1, 800ms};
        auto const billing = of.make_consumer(trouble);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1)
                throw std::runtime_error("once");
            co_await doors->pass();
        });
        co_await of.publish("orders", "x");
        auto run = of.start(billing);
        // The read that had all places gave one to the retry, and now another read waits with the rest.
        co_await doors->arrived.reach(1);
        BOOST_TEST(count_commands(server, "client|unblock") > 0);
        co_await pass(200ms);
        auto const before = count_commands(server, "client|unblock");
        co_await pass(500ms);
        BOOST_TEST(count_commands(server, "client|unblock") == before);
        doors->open();
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
