#include "pipeline/stage.hpp"

#include <strandline/consumer_status.hpp>

#include <functional>
#include <memory>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Asks again and again until it is so.
asio::awaitable<consumer_status>
status_until(stage& of, std::shared_ptr<consumer> clerk, std::function<bool(consumer_status const&)> is_so)
{
    consumer_status told;
    co_await of.until([&]() -> asio::awaitable<bool> {
        told = co_await clerk->async_status();
        co_return is_so(told);
    });
    co_return told;
}

bool is_read(consumer_status const& told)
{
    return told.streams.front().since_read.has_value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_status_of_a_consumer)

BOOST_AUTO_TEST_CASE(names_its_streams_while_it_does_not_run)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(in_group("billing"));
        BOOST_TEST((co_await clerk->async_status()).streams.empty());
        for (auto const* const stream : {"orders", "users"})
            clerk->on(stream, [](delivery const&) -> asio::awaitable<void> { co_return; });
        auto const told = co_await clerk->async_status();
        BOOST_TEST(!told.running);
        BOOST_REQUIRE(told.streams.size() == 2U);
        BOOST_TEST(told.streams[0].name == "orders");
        BOOST_TEST(told.streams[1].name == "users");
        BOOST_TEST(!told.streams[0].is_read);
        BOOST_TEST(!told.streams[0].since_read.has_value());
        BOOST_TEST(told.held == 0U);
    });
}

BOOST_AUTO_TEST_CASE(tells_of_reads_although_there_is_nothing_to_read)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(in_group("billing"));
        clerk->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
        auto run = of.start(clerk);
        auto told = co_await status_until(of, clerk, [](auto const& now) { return now.streams[0].is_read; });
        BOOST_TEST(told.running);
        BOOST_TEST(!told.streams[0].is_paused);
        BOOST_TEST(!told.streams[0].why);
        BOOST_TEST(!told.streams[0].since_handled.has_value());
        // The read that waits is answered by what comes.
        co_await of.publish("orders", "x");
        told = co_await status_until(of, clerk, [](auto const& now) {
            return now.streams[0].since_handled.has_value();
        });
        BOOST_TEST(is_read(told));
        BOOST_TEST(told.held == 0U);
        clerk->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST(!(co_await clerk->async_status()).running);
    });
}

BOOST_AUTO_TEST_CASE(counts_what_it_holds)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_concurrency = 1;
        options.max_in_flight = 3;
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const first = std::make_shared<bool>(true);
        clerk->on("orders", [=](delivery const&) -> asio::awaitable<void> {
            if (std::exchange(*first, false))
                throw std::runtime_error("not now");
            co_await doors->pass();
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        auto const told =
            co_await status_until(of, clerk, [](auto const& now) { return now.streams[0].is_paused; });
        BOOST_TEST(told.running_handlers == 1U);
        BOOST_TEST(told.stuck_handlers == 0U);
        BOOST_TEST(told.queued == 2U);
        BOOST_TEST(told.waiting == 1U);
        BOOST_TEST(told.held == 4U);
        doors->open();
        co_await doors->arrived.reach(9);
        clerk->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_CASE(counts_handlers_that_are_stuck)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.handler_timeout = 1ms;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on("orders", [=](delivery const&) -> asio::awaitable<void> {
            // Deaf to cancellation.
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await doors->pass();
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto const told =
            co_await status_until(of, clerk, [](auto const& now) { return now.stuck_handlers == 1; });
        BOOST_TEST(told.running_handlers == 1U);
        doors->open();
        clerk->stop();
        (void)co_await run.get();
    });
}

BOOST_AUTO_TEST_CASE(outlives_its_consumer)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto clerk = of.make_consumer(in_group("billing"));
        auto asked = clerk->async_status();
        clerk.reset();
        BOOST_TEST(!(co_await std::move(asked)).running);
    });
}

BOOST_AUTO_TEST_SUITE_END()
