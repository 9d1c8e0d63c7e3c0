#include "pipeline/stage.hpp"

#include <strandline/health.hpp>
#include <strandline/memory.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <future>
#include <memory>

using namespace strandline;
using namespace strandline::testing;

namespace {

bool has(health_report const& report, health_problem what)
{
    return std::ranges::find(report.findings, what, &finding::what) != report.findings.end();
}

/// A consumer of "orders", whose handlers return at once.
std::shared_ptr<consumer> make_clerk(stage& of)
{
    auto clerk = of.make_consumer(in_group("billing"));
    clerk->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
    return clerk;
}

asio::awaitable<void> until_read(stage& of, std::shared_ptr<consumer> clerk)
{
    co_await of.until([=]() -> asio::awaitable<bool> {
        co_return (co_await clerk->async_status()).streams.front().is_read;
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_health_check)

BOOST_AUTO_TEST_CASE(tells_of_a_server_that_is_well)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await of.abandon("orders", "billing", "gone");
        health_check const looking(of.broker, {"orders", "users"});
        auto const report = co_await looking.async_check();
        BOOST_TEST(report.findings.empty());
        BOOST_TEST((report.verdict == health::healthy));
        BOOST_REQUIRE(report.servers.size() == 1U);
        auto const& server = report.servers[0];
        BOOST_TEST(!server.why, server.why);
        BOOST_TEST((server.round_trip >= 0us));
        BOOST_TEST(!server.info.value().version.empty());
        BOOST_REQUIRE(server.streams.size() == 2U);
        BOOST_TEST(server.streams[0].name == "orders");
        BOOST_TEST(server.streams[0].statistics.groups.at(0).pending == 3U);
        BOOST_TEST(server.streams[1].statistics.why == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(asks_the_consumers_that_it_watches)
{
    check([](stage& of) -> asio::awaitable<void> {
        health_check looking(of.broker, {});
        auto clerk = make_clerk(of);
        looking.watch("clerk", *clerk);
        auto report = co_await looking.async_check();
        BOOST_TEST(has(report, health_problem::consumer_stopped));
        BOOST_TEST((report.verdict == health::failing));

        auto run = of.start(clerk);
        co_await until_read(of, clerk);
        report = co_await looking.async_check();
        BOOST_TEST(report.findings.empty());
        BOOST_REQUIRE(report.consumers.size() == 1U);
        BOOST_TEST(report.consumers[0].name == "clerk");
        BOOST_TEST(report.consumers[0].status.running);

        clerk->stop();
        co_await of.good_end(std::move(run));
        clerk.reset();
        report = co_await looking.async_check();
        BOOST_TEST(has(report, health_problem::consumer_stopped));
        // What it has left to do may keep it for a moment.
        co_await of.until([&]() -> asio::awaitable<bool> {
            report = co_await looking.async_check();
            co_return report.consumers.at(0).why == errc::not_running;
        });
        BOOST_TEST(has(report, health_problem::consumer_stopped));
        looking.unwatch("clerk");
        BOOST_TEST((co_await looking.async_check()).consumers.empty());
    });
}

BOOST_AUTO_TEST_CASE(keeps_no_consumer_alive)
{
    check([](stage& of) -> asio::awaitable<void> {
        health_check looking(of.broker, {});
        auto clerk = make_clerk(of);
        looking.watch("clerk", *clerk);
        auto const ended = of.make_tally();
        clerk->async_run([ended](failure const&, consume_report const&) { ended->add(); });
        co_await until_read(of, clerk);
        BOOST_TEST((co_await looking.async_check()).findings.empty());
        // Stops it.
        clerk.reset();
        co_await ended->reach(1);
        BOOST_TEST(has(co_await looking.async_check(), health_problem::consumer_stopped));
    });
}

BOOST_AUTO_TEST_CASE(sees_a_backlog_grow)
{
    check([](stage& of) -> asio::awaitable<void> {
        health_options options;
        options.growing_interval = 0ms;
        options.least_backlog = 4;
        health_check const looking(of.broker, {"orders"}, options);
        co_await of.publish("orders", "x");
        co_await of.abandon("orders", "billing", "gone");
        for (int i = 0; i != 4; ++i) {
            co_await of.publish("orders", "x");
            BOOST_TEST((co_await looking.async_check()).findings.empty() == (i != 3));
        }
        co_await of.publish("orders", "x");
        auto const report = co_await looking.async_check();
        BOOST_REQUIRE(report.findings.size() == 1U);
        BOOST_TEST((report.findings[0].what == health_problem::backlog_growing));
        BOOST_TEST((report.verdict == health::degraded));
        BOOST_TEST((co_await looking.async_check()).findings.empty());
    });
}

BOOST_AUTO_TEST_CASE(is_shared_by_who_asks_meanwhile)
{
    check([](stage& of) -> asio::awaitable<void> {
        health_options options;
        options.growing_interval = 0ms;
        options.least_backlog = 1;
        options.growing_checks = 1;
        health_check const looking(of.broker, {"orders"}, options);
        co_await of.publish("orders", "x");
        co_await of.abandon("orders", "billing", "gone");
        (void)co_await looking.async_check();
        co_await of.publish("orders", "x");
        auto const ask = [looking]() -> asio::awaitable<health_report> {
            co_return co_await looking.async_check();
        };
        std::vector<started<health_report>> asked;
        for (int i = 0; i != 3; ++i)
            asked.emplace_back(of.strand(), ask());
        // In a check of its own each but the first would find that the backlog has grown no more.
        for (auto& one : asked)
            BOOST_TEST(has(co_await one.get(), health_problem::backlog_growing));
    });
}

BOOST_AUTO_TEST_CASE(tells_of_a_broker_that_was_closed)
{
    check([](stage& of) -> asio::awaitable<void> {
        health_check const looking(of.broker, {"orders"});
        of.broker->close();
        auto const report = co_await looking.async_check();
        BOOST_TEST(has(report, health_problem::unreachable));
        BOOST_TEST(report.servers.at(0).why == errc::closed);
    });
}

BOOST_AUTO_TEST_CASE(looks_after_a_whole_registry)
{
    check([](stage& of) -> asio::awaitable<void> {
        registry const known(
            of.strand(), {{{.name = "main", .url = "memory:", .streams = {{"orders"}, {"users"}}},
                           {.name = "other", .url = "memory:", .streams = {{"letters"}}}}}
        );
        auto const report = co_await health_check(known).async_check();
        BOOST_TEST(report.findings.empty());
        BOOST_REQUIRE(report.servers.size() == 2U);
        BOOST_TEST(report.servers[0].name == "main");
        BOOST_TEST(report.servers[0].streams.size() == 2U);
        BOOST_TEST(report.servers[1].name == "other");
        BOOST_TEST(report.servers[1].streams.at(0).name == "letters");
        known.close();
    });
}

BOOST_AUTO_TEST_CASE(tells_of_a_consumer_that_does_not_answer)
{
    check([](stage& of) -> asio::awaitable<void> {
        // Its thread is busy with something else, for ever.
        auto busy = std::make_unique<asio::io_context>(1);
        auto elsewhere = make_memory_broker(busy->get_executor());
        auto clerk = std::make_unique<consumer>(elsewhere, in_group("billing"));
        health_options options;
        options.timeout = 20ms;
        health_check looking(of.broker, {}, options);
        looking.watch("clerk", *clerk);
        // Asked once.
        for (int i = 0; i != 2; ++i) {
            auto const report = co_await looking.async_check();
            BOOST_REQUIRE(report.findings.size() == 1U);
            BOOST_TEST((report.findings[0].what == health_problem::consumer_silent));
            BOOST_TEST(report.findings[0].where == "consumer clerk");
        }
        elsewhere.reset();
        clerk.reset();
        busy.reset();
    });
}

BOOST_AUTO_TEST_CASE(is_not_held_up_by_a_handler_that_blocks)
{
    asio::thread_pool pool(2);
    auto const broker = make_memory_broker(pool.get_executor());
    producer(broker).async_publish("orders", std::string("x"), asio::use_future).get();
    consumer clerk(broker, in_group("billing"));
    std::promise<void> begun;
    std::promise<void> let_go;
    clerk.on("orders", [&](delivery const&) -> asio::awaitable<void> {
        begun.set_value();
        let_go.get_future().wait();
        co_return;
    });
    health_options options;
    options.timeout = 20ms;
    health_check looking(broker, {}, options);
    looking.watch("clerk", clerk);
    auto run = clerk.async_run(asio::use_future);
    begun.get_future().wait();
    auto const report = looking.async_check(asio::use_future).get();
    BOOST_TEST(has(report, health_problem::consumer_silent));
    BOOST_TEST((report.verdict == health::failing));
    let_go.set_value();
    clerk.stop();
    BOOST_TEST(run.get().handled == 1U);
    broker->close();
    pool.join();
}

BOOST_AUTO_TEST_CASE(refuses_options_that_make_no_sense)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const refused = [&](auto health_options::* member, auto value, std::string_view name) {
            health_options options;
            options.*member = value;
            auto const why = validate(options);
            BOOST_TEST(why == errc::invalid_option);
            BOOST_TEST((why.words().find(name) != std::string_view::npos), why);
            BOOST_CHECK_THROW(health_check(of.broker, {}, options), error);
        };
        refused(&health_options::timeout, 0ms, "timeout");
        refused(&health_options::timeout, std::chrono::milliseconds(25h), "timeout");
        refused(&health_options::read_timeout, 0ms, "read_timeout");
        refused(&health_options::growing_checks, std::size_t{0}, "growing_checks");
        refused(&health_options::growing_interval, -1ms, "growing_interval");
        refused(&health_options::memory_share, 0.0, "memory_share");
        refused(&health_options::memory_share, 1.1, "memory_share");
        BOOST_TEST(!validate(health_options()));
        co_return;
    });
}

BOOST_AUTO_TEST_SUITE_END()
