// Locks over connections that break, and of users with few rights.

#include "redis/trouble.hpp"

#include <strandline/lock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

using namespace strandline;
using namespace strandline::testing;

namespace {

asio::awaitable<std::pair<failure, held_lock>>
acquire(lock wanted, std::shared_ptr<asio::cancellation_signal> by)
{
    auto [why, held] = co_await wanted.async_acquire(
        asio::bind_cancellation_slot(by->slot(), asio::as_tuple(asio::use_awaitable))
    );
    co_return std::pair(why, held);
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_lock_on_redis)

BOOST_AUTO_TEST_CASE(is_got_once_although_the_answer_is_lost)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        lock const wanted(of.broker, "migration", {.ttl = 1h});
        co_await (co_await wanted.async_acquire()).async_release();
        proxy.cut_after(1);
        auto const held = co_await wanted.async_acquire();
        BOOST_TEST(!proxy.is_to_cut());
        BOOST_TEST(held.fence() == 2U);
        BOOST_TEST(server.command({"GET", "{migration}:fence"}) == "2");
        co_await held.async_release();
    });
}

BOOST_AUTO_TEST_CASE(is_given_back_by_who_is_cancelled_although_the_answer_is_lost)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    check_on(impatient(proxy), [&](stage& of) -> asio::awaitable<void> {
        lock const wanted(of.broker, "migration", {.ttl = 1h});
        co_await (co_await wanted.async_acquire()).async_release();
        proxy.cut_after(1);
        auto const signal = std::make_shared<asio::cancellation_signal>();
        started<std::pair<failure, held_lock>> getting(of.strand(), acquire(wanted, signal));
        // The server has given the lock away, and nobody knows.
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return server.command({"GET", "{migration}:fence"}) == "2";
        });
        signal->emit(asio::cancellation_type::total);
        auto const [why, held] = co_await getting.get();
        BOOST_TEST(!proxy.is_to_cut());
        if (why)
            BOOST_TEST((why.code() == asio::error::operation_aborted), why);
        else
            co_await held.async_release();
        BOOST_TEST(server.command({"EXISTS", "{migration}:holder"}) == "0");
    });
}

BOOST_AUTO_TEST_CASE(is_waited_for_while_the_server_is_gone)
{
    redis_server server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        lock const wanted(of.broker, "migration", {.ttl = 1h});
        auto const held = co_await wanted.async_acquire();
        started<std::pair<failure, held_lock>> waiting(
            of.strand(), acquire(wanted, std::make_shared<asio::cancellation_signal>())
        );
        server.stop();
        auto const [why, none] = co_await lock(of.broker, "migration", {.wait = 0ms})
                                     .async_acquire(asio::as_tuple(asio::deferred));
        BOOST_TEST(is_retryable(why), why);
        // It has forgotten who had it.
        server.start();
        auto const [failed, next] = co_await waiting.get();
        BOOST_TEST(!failed, failed);
        BOOST_TEST((co_await of.broker->inspect_lock("migration"))->free_in.has_value());
        auto const [lost] = co_await held.async_release(asio::as_tuple(asio::deferred));
        BOOST_TEST(lost == errc::lock_lost);
        co_await next.async_release();
    });
}

BOOST_AUTO_TEST_CASE(is_got_by_who_may_not_hear_of_it)
{
    redis_server const server;
    server.command({"ACL", "SETUSER", "clerk", "on", ">pw", "~*", "resetchannels", "+@all", "-pttl"});
    redis_options options;
    options.unix_socket = server.socket();
    options.user = "clerk";
    options.password = "pw";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        lock const wanted(of.broker, "migration", {.ttl = 1h});
        auto const held = co_await wanted.async_acquire();
        started<std::pair<failure, held_lock>> waiting(
            of.strand(), acquire(wanted, std::make_shared<asio::cancellation_signal>())
        );
        BOOST_TEST((co_await of.broker->inspect_lock("migration")).error() == errc::not_permitted);
        co_await held.async_release();
        auto const [why, next] = co_await waiting.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(next.fence() > held.fence());
    });
}

BOOST_AUTO_TEST_CASE(is_not_asked_for_again_and_again_while_another_one_has_it)
{
    redis_server const server;
    redis_proxy proxy(server.socket());
    redis_options options;
    options.addresses = {{"127.0.0.1", proxy.port()}};
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        lock const wanted(of.broker, "migration", {.ttl = 1h});
        auto const held = co_await wanted.async_acquire();
        auto const signal = std::make_shared<asio::cancellation_signal>();
        started<std::pair<failure, held_lock>> waiting(of.strand(), acquire(wanted, signal));
        auto const since = std::chrono::steady_clock::now();
        co_await pass(2s);
        BOOST_TEST(proxy.busiest_second(since) < 20U, proxy.commands(since));
        signal->emit(asio::cancellation_type::total);
        (void)co_await waiting.get();
        co_await held.async_release();
    });
}

BOOST_AUTO_TEST_SUITE_END()
