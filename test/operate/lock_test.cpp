#include "pipeline/stage.hpp"

#include <strandline/lock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Longer than the guard of a test: who waits as long was not told.
constexpr std::chrono::milliseconds long_time = 1h;

struct acquired
{
    failure why;
    held_lock held;
};

lock make_lock(stage& of, lock_options options = {.ttl = long_time})
{
    return {of.broker, "migration", options};
}

/// Acquires beside the test.
started<acquired> acquire(
    stage& of, lock from,
    std::shared_ptr<asio::cancellation_signal> cancelled = std::make_shared<asio::cancellation_signal>()
)
{
    auto const carry_out = [](lock wanted,
                              std::shared_ptr<asio::cancellation_signal> by) -> asio::awaitable<acquired> {
        auto [why, held] = co_await wanted.async_acquire(
            asio::bind_cancellation_slot(by->slot(), asio::as_tuple(asio::use_awaitable))
        );
        co_return acquired{why, held};
    };
    return {of.strand(), carry_out(std::move(from), std::move(cancelled))};
}

asio::awaitable<std::optional<std::chrono::milliseconds>> free_in(stage& of)
{
    auto const seen = co_await of.broker->inspect_lock("migration");
    BOOST_REQUIRE_MESSAGE(seen.has_value(), seen.error());
    co_return seen->free_in;
}

/// Whoever waits has found the lock taken by now, and waits.
asio::awaitable<void> until_waiting(stage& of, started<acquired> const& one)
{
    for (int i = 0; i != 20; ++i)
        (void)co_await free_in(of);
    BOOST_TEST(!one.has_ended());
}

} // namespace

BOOST_AUTO_TEST_SUITE(a_lock_by_itself)

BOOST_AUTO_TEST_CASE(is_acquired_renewed_and_released)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const wanted = make_lock(of);
        auto const first = co_await wanted.async_acquire();
        BOOST_TEST(first.name() == "migration");
        BOOST_TEST((co_await free_in(of)).has_value());
        co_await first.async_renew(2 * long_time);
        BOOST_TEST((co_await free_in(of) > long_time));
        co_await first.async_release();
        BOOST_TEST(!(co_await free_in(of)).has_value());
        auto const second = co_await wanted.async_acquire();
        BOOST_TEST(second.fence() > first.fence());
        co_await second.async_release();
    });
}

BOOST_AUTO_TEST_CASE(is_refused_at_once_where_nobody_is_to_wait)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const held = co_await make_lock(of).async_acquire();
        auto const [why, none] =
            co_await make_lock(of, {.wait = 0ms}).async_acquire(asio::as_tuple(asio::deferred));
        BOOST_TEST(why == errc::locked, why);
        BOOST_TEST((why.words().find("migration") != std::string_view::npos));
        co_await held.async_release();
        BOOST_TEST((co_await make_lock(of, {.wait = 0ms}).async_acquire()).fence() > held.fence());
    });
}

BOOST_AUTO_TEST_CASE(is_refused_when_the_wait_is_over)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const held = co_await make_lock(of).async_acquire();
        auto const [why, none] =
            co_await make_lock(of, {.wait = 20ms}).async_acquire(asio::as_tuple(asio::deferred));
        BOOST_TEST(why == errc::locked, why);
        // Who gave up gets nothing later.
        co_await held.async_release();
        BOOST_TEST(!(co_await free_in(of)).has_value());
    });
}

BOOST_AUTO_TEST_CASE(goes_to_who_waits_when_it_is_released)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const held = co_await make_lock(of).async_acquire();
        std::vector<started<acquired>> waiting;
        for (int i = 0; i != 3; ++i)
            waiting.push_back(acquire(of, make_lock(of)));
        for (auto const& one : waiting)
            co_await until_waiting(of, one);
        co_await held.async_release();
        auto last = held.fence();
        for (int served = 0; served != 3; ++served) {
            // One of them, and only one.
            co_await of.until([&]() -> asio::awaitable<bool> {
                co_return std::ranges::any_of(waiting, &started<acquired>::has_ended);
            });
            auto const place = std::ranges::find_if(waiting, &started<acquired>::has_ended);
            auto const next = co_await place->get();
            waiting.erase(place);
            BOOST_REQUIRE_MESSAGE(!next.why, next.why);
            BOOST_TEST(next.held.fence() > last);
            last = next.held.fence();
            BOOST_TEST(std::ranges::none_of(waiting, &started<acquired>::has_ended));
            co_await next.held.async_release();
        }
    });
}

BOOST_AUTO_TEST_CASE(goes_to_who_waits_when_it_runs_out)
{
    check([](stage& of) -> asio::awaitable<void> {
        // Nobody tells of that.
        auto const held = co_await make_lock(of, {.ttl = 30ms}).async_acquire();
        auto const next = co_await make_lock(of).async_acquire();
        BOOST_TEST(next.fence() > held.fence());
        auto const [renewed] = co_await held.async_renew(long_time, asio::as_tuple(asio::deferred));
        BOOST_TEST(renewed == errc::lock_lost);
        auto const [released] = co_await held.async_release(asio::as_tuple(asio::deferred));
        BOOST_TEST(released == errc::lock_lost);
        BOOST_TEST((co_await free_in(of)).has_value());
    });
}

BOOST_AUTO_TEST_CASE(is_not_waited_for_any_more_by_who_is_cancelled)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const held = co_await make_lock(of).async_acquire();
        for (auto const type :
             {asio::cancellation_type::terminal, asio::cancellation_type::partial,
              asio::cancellation_type::total})
        {
            auto const signal = std::make_shared<asio::cancellation_signal>();
            auto waiting = acquire(of, make_lock(of), signal);
            co_await until_waiting(of, waiting);
            signal->emit(type);
            auto const end = co_await waiting.get();
            BOOST_TEST((end.why.code() == asio::error::operation_aborted), end.why);
        }
        co_await held.async_release();
        BOOST_TEST(!(co_await free_in(of)).has_value());
        auto const other = co_await make_lock(of).async_acquire();
        auto const [why, none] =
            co_await make_lock(of).async_acquire(asio::cancel_after(10ms, asio::as_tuple(asio::deferred)));
        BOOST_TEST((why.code() == asio::error::operation_aborted), why);
        co_await other.async_release();
    });
}

BOOST_AUTO_TEST_CASE(that_was_got_by_who_is_cancelled_is_given_back)
{
    check([](stage& of) -> asio::awaitable<void> {
        // Cancelled before it begins, while it is asked for, or when it has been got: in each case either the
        // holder or nobody has it.
        for (int steps = 0; steps != 12; ++steps) {
            auto const signal = std::make_shared<asio::cancellation_signal>();
            auto getting = acquire(of, make_lock(of), signal);
            for (int i = 0; i != steps; ++i)
                co_await asio::post(of.strand());
            signal->emit(asio::cancellation_type::total);
            auto const end = co_await getting.get();
            if (end.why)
                BOOST_TEST((end.why.code() == asio::error::operation_aborted), end.why);
            else
                co_await end.held.async_release();
            BOOST_TEST(!(co_await free_in(of)).has_value());
        }
    });
}

BOOST_AUTO_TEST_CASE(is_not_waited_for_when_the_broker_is_closed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const held = co_await make_lock(of).async_acquire();
        auto waiting = acquire(of, make_lock(of));
        co_await until_waiting(of, waiting);
        of.broker->close();
        BOOST_TEST((co_await waiting.get()).why == errc::closed);
    });
}

BOOST_AUTO_TEST_CASE(needs_a_name_and_times_that_make_sense)
{
    check([](stage& of) -> asio::awaitable<void> {
        BOOST_CHECK_THROW(lock(of.broker, ""), error);
        BOOST_CHECK_THROW(lock(of.broker, "x", {.ttl = 0ms}), error);
        BOOST_CHECK_THROW(lock(of.broker, "x", {.wait = -1ms}), error);
        BOOST_TEST((validate(lock_options{.ttl = 0ms}).words().find("ttl") != std::string_view::npos));
        BOOST_TEST((validate(lock_options{.wait = -1ms}).words().find("wait") != std::string_view::npos));
        co_return;
    });
}

BOOST_AUTO_TEST_SUITE_END()
