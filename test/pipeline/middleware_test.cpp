// What runs around handlers.

#include "pipeline/stage.hpp"

#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

BOOST_AUTO_TEST_SUITE(middleware)

BOOST_AUTO_TEST_CASE(runs_around_handlers_the_earlier_around_the_later)
{
    check([](stage& on) -> asio::awaitable<void> {
        auto const consumer = on.make_consumer(in_group("g"));
        auto const seen = on.make_tally();
        std::string log;
        auto const noting = [&](char before, char after) {
            return [&log, before,
                    after](delivery const& what, consumer::next_handler next) -> asio::awaitable<void> {
                log += before;
                log += *what.body();
                co_await next();
                log += after;
            };
        };
        consumer->on("not wrapped", [&](delivery const&) -> asio::awaitable<void> {
            log += '-';
            seen->add();
            co_return;
        });
        consumer->wrap(noting('(', ')'));
        consumer->wrap(noting('[', ']'));
        consumer->on<std::string>("s", [&](std::string const&) -> asio::awaitable<void> {
            log += '!';
            seen->add();
            co_return;
        });
        co_await on.publish("s", "x");
        auto const run = on.start(consumer);
        co_await seen->reach(1);
        co_await on.until_pending("s", "g", 0);
        BOOST_TEST(log == "(x[x!])");
        co_await on.publish("not wrapped", "x");
        co_await seen->reach(2);
        BOOST_TEST(log == "(x[x!])-");
        consumer->stop();
        BOOST_TEST((co_await on.good_end(run)).handled == 2);
    });
}

BOOST_AUTO_TEST_CASE(decides_with_what_it_throws_or_lets_through)
{
    check([](stage& on) -> asio::awaitable<void> {
        auto options = in_group("g");
        options.max_attempts = 2;
        auto const consumer = on.make_consumer(options);
        auto const attempts = on.make_tally();
        consumer->wrap([&](delivery const& what, consumer::next_handler next) -> asio::awaitable<void> {
            attempts->add();
            if (*what.body() == "skip")
                co_return;
            if (*what.body() == "refuse")
                throw reject("not this one");
            try {
                co_await next();
            }
            catch (std::runtime_error const&) {
                if (*what.body() != "forgive")
                    throw;
            }
        });
        consumer->on<std::string>("s", [&](std::string const& body) -> asio::awaitable<void> {
            BOOST_TEST((body == "forgive" || body == "fail"));
            throw std::runtime_error("no");
            co_return;
        });
        for (auto const* const body : {"skip", "refuse", "forgive", "fail"})
            co_await on.publish("s", body);
        auto const run = on.start(consumer);
        co_await attempts->reach(5);
        co_await on.until_pending("s", "g", 0);
        consumer->stop();
        auto const report = co_await on.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 2);
    });
}

BOOST_AUTO_TEST_SUITE_END()
