// Servers that are not as they should be.

#include "redis/trouble.hpp"

#include <strandline/health.hpp>

#include <algorithm>
#include <memory>

using namespace strandline;
using namespace strandline::testing;

namespace {

bool has(health_report const& report, health_problem what)
{
    return std::ranges::find(report.findings, what, &finding::what) != report.findings.end();
}

redis_options reaching(redis_server const& server)
{
    redis_options options;
    options.unix_socket = server.socket();
    return options;
}

/// Ends soon.
health_options brief()
{
    health_options options;
    options.timeout = 300ms;
    return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_health_check_on_redis)

BOOST_AUTO_TEST_CASE(tells_why_a_server_cannot_be_reached)
{
    redis_server server;
    check_on(reaching(server), [&](stage& of) -> asio::awaitable<void> {
        health_check const looking(of.broker, {"orders"}, brief());
        BOOST_TEST((co_await looking.async_check()).findings.empty());
        server.stop();
        auto const report = co_await looking.async_check();
        BOOST_TEST((report.verdict == health::failing));
        BOOST_TEST(has(report, health_problem::unreachable));
        BOOST_TEST(!report.servers.at(0).why.words().empty());
        server.start();
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await looking.async_check()).verdict == health::healthy;
        });
    });
}

BOOST_AUTO_TEST_CASE(ends_in_time_although_the_server_hangs)
{
    redis_server server;
    check_on(reaching(server), [&](stage& of) -> asio::awaitable<void> {
        health_check looking(of.broker, {"orders"}, brief());
        auto const clerk = of.make_consumer(in_group("billing"));
        looking.watch("clerk", *clerk);
        BOOST_TEST((co_await looking.async_check()).servers.at(0).info.has_value());
        server.suspend();
        // The second finds the question of the first still unanswered.
        for (int i = 0; i != 2; ++i) {
            auto const report = co_await looking.async_check();
            BOOST_TEST(report.servers.at(0).why == errc::timed_out);
            BOOST_TEST(has(report, health_problem::unreachable));
            // Is asked all the same.
            BOOST_TEST(report.consumers.at(0).why.code() == error_code());
        }
        server.resume();
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return !has(co_await looking.async_check(), health_problem::unreachable);
        });
    });
}

BOOST_AUTO_TEST_CASE(tells_of_the_other_servers_although_one_hangs)
{
    redis_server server;
    check_on(reaching(server), [&](stage& of) -> asio::awaitable<void> {
        registry const known(
            of.strand(), {{{.name = "hanging", .url = "unix:" + server.socket(), .streams = {{"orders"}}},
                           {.name = "well", .url = "memory:", .streams = {{"users"}}}}}
        );
        health_check const looking(known, brief());
        BOOST_TEST((co_await looking.async_check()).findings.empty());
        server.suspend();
        auto const report = co_await looking.async_check();
        BOOST_REQUIRE(report.findings.size() == 1U);
        BOOST_TEST(report.findings[0].where == "server hanging");
        BOOST_REQUIRE(report.servers.size() == 2U);
        BOOST_TEST(!report.servers[1].why);
        BOOST_TEST(report.servers[1].streams.size() == 1U);
        server.resume();
        known.close();
    });
}

BOOST_AUTO_TEST_CASE(finds_what_is_dangerous_about_a_server)
{
    redis_server const server;
    check_on(reaching(server), [&](stage& of) -> asio::awaitable<void> {
        health_check const looking(of.broker, {"orders"});
        server.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
        auto report = co_await looking.async_check();
        BOOST_TEST(has(report, health_problem::evicting));
        BOOST_TEST((report.verdict == health::degraded));
        server.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
        server.command({"CONFIG", "SET", "maxmemory", "1"});
        report = co_await looking.async_check();
        BOOST_TEST(has(report, health_problem::memory_nearly_full));
        BOOST_TEST((report.verdict == health::failing));
        server.command({"CONFIG", "SET", "maxmemory", "0"});
        server.command({"SET", "orders", "x"});
        BOOST_TEST(has(co_await looking.async_check(), health_problem::stream_unusable));
        server.command({"DEL", "orders"});
        server.command({"REPLICAOF", "127.0.0.1", "1"});
        BOOST_TEST(has(co_await looking.async_check(), health_problem::replica));
    });
}

BOOST_AUTO_TEST_CASE(does_without_what_the_user_may_not_ask)
{
    redis_server const server;
    server.command({"ACL", "SETUSER", "clerk", "on", ">pw", "~*", "&*", "+@all", "-info"});
    auto options = reaching(server);
    options.user = "clerk";
    options.password = "pw";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const report = co_await health_check(of.broker, {"orders"}).async_check();
        BOOST_TEST((report.verdict == health::healthy));
        BOOST_REQUIRE(report.findings.size() == 1U);
        BOOST_TEST((report.findings[0].what == health_problem::not_told));
        BOOST_TEST(report.servers.at(0).streams.size() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(tells_of_a_consumer_whose_reads_fail)
{
    redis_server const server;
    check_on(reaching(server), [&](stage& of) -> asio::awaitable<void> {
        server.command({"SET", "orders", "x"});
        health_check looking(of.broker, {});
        auto const clerk = of.make_consumer(in_group("billing"));
        for (auto const* const stream : {"orders", "users"})
            clerk->on(stream, [](delivery const&) -> asio::awaitable<void> { co_return; });
        looking.watch("clerk", *clerk);
        auto run = of.start(clerk);
        health_report report;
        co_await of.until([&]() -> asio::awaitable<bool> {
            report = co_await looking.async_check();
            co_return has(report, health_problem::stream_not_read) &&
                report.consumers[0].status.streams[1].is_read;
        });
        BOOST_REQUIRE(report.findings.size() == 1U);
        BOOST_TEST(report.findings[0].where == "stream orders of consumer clerk");
        BOOST_TEST((report.findings[0].words.find("WRONGTYPE") != std::string::npos));
        server.command({"DEL", "orders"});
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await looking.async_check()).verdict == health::healthy;
        });
        clerk->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_SUITE_END()
