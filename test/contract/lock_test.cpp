// I2: locks.

#include "contract/bed.hpp"
#include "support/run.hpp"

#include <strandline/names.hpp>

#include <memory>
#include <optional>

using namespace strandline;
using namespace strandline::testing;

namespace {

std::string const name = group_lock("orders", "billing");

asio::awaitable<std::uint64_t> lock(bed& of, std::string_view token, std::chrono::milliseconds ttl = lease)
{
    auto const fence = co_await of.broker->lock(name, token, ttl);
    BOOST_REQUIRE_MESSAGE(fence.has_value(), fence.error());
    co_return *fence;
}

} // namespace

BOOST_AUTO_TEST_SUITE(I2_a_lock)

BOOST_AUTO_TEST_CASE(has_one_holder)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await lock(of, "a");
        auto const refused = co_await of.broker->lock(name, "b", lease);
        BOOST_TEST(refused.error() == errc::locked);
        BOOST_TEST((refused.error().words().find("billing") != std::string_view::npos));
        BOOST_TEST((co_await of.broker->renew_lock(name, "b", lease)) == errc::lock_lost);
        BOOST_TEST((co_await of.broker->unlock(name, "b")) == errc::lock_lost);
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", lease)));
        BOOST_TEST(!(co_await of.broker->unlock(name, "a")));
        BOOST_TEST((co_await of.broker->renew_lock(name, "a", lease)) == errc::lock_lost);
        BOOST_TEST((co_await of.broker->unlock(name, "a")) == errc::lock_lost);
        co_await lock(of, "b");
    });
}

BOOST_AUTO_TEST_CASE(gives_each_holder_a_greater_number)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::uint64_t last = 0;
        for (auto const token : {"a", "b", "a", "a"}) {
            auto const fence = co_await lock(of, token);
            BOOST_TEST(fence > last);
            last = fence;
            // Again for who has it.
            BOOST_TEST((co_await lock(of, token)) == fence);
            BOOST_TEST(!(co_await of.broker->unlock(name, token)));
        }
    });
}

BOOST_AUTO_TEST_CASE(runs_out)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const fence = co_await lock(of, "a", 1ms);
        for (;;) {
            auto const next = co_await of.broker->lock(name, "b", lease);
            if (next) {
                BOOST_TEST(*next > fence);
                break;
            }
            BOOST_TEST(next.error() == errc::locked);
            co_await of.round_trip();
        }
        BOOST_TEST((co_await of.broker->renew_lock(name, "a", lease)) == errc::lock_lost);
        BOOST_TEST((co_await of.broker->unlock(name, "a")) == errc::lock_lost);
        BOOST_TEST((co_await of.broker->lock(name, "a", lease)).error() == errc::locked);
    });
}

BOOST_AUTO_TEST_CASE(is_shortened_and_prolonged)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await lock(of, "a", 1ms);
        // Whether it ran out meanwhile or not.
        co_await lock(of, "a", std::chrono::milliseconds::max());
        BOOST_TEST((co_await of.broker->lock(name, "b", lease)).error() == errc::locked);
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", std::chrono::milliseconds::max())));
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", 1ms)));
        while ((co_await of.broker->lock(name, "b", lease)).has_error())
            co_await of.round_trip();
    });
}

BOOST_AUTO_TEST_CASE(is_one_of_many)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await lock(of, "a");
        for (auto const& other :
             {group_lock("orders", "shipping"), group_lock("users", "billing"),
              group_lock("orders", "billing:fence"), group_lock("orders", "billing:holder")})
        {
            auto const fence = co_await of.broker->lock(other, "b", lease);
            BOOST_REQUIRE(fence.has_value());
            BOOST_TEST(*fence == 1U);
        }
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", lease)));
    });
}

BOOST_AUTO_TEST_CASE(needs_name_token_and_time)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.lock("", "a", lease)).error() == errc::invalid_name);
        BOOST_TEST((co_await broker.lock(name, "", lease)).error() == errc::invalid_option);
        BOOST_TEST((co_await broker.lock(name, "a", 0ms)).error() == errc::invalid_option);
        BOOST_TEST((co_await broker.renew_lock(name, "", lease)) == errc::invalid_option);
        BOOST_TEST((co_await broker.renew_lock(name, "a", 0ms)) == errc::invalid_option);
        BOOST_TEST((co_await broker.unlock(name, "")) == errc::invalid_option);
        BOOST_TEST((co_await broker.unlock("", "a")) == errc::invalid_name);
        BOOST_TEST((co_await broker.inspect_lock("")).error() == errc::invalid_name);
    });
}

BOOST_AUTO_TEST_CASE(tells_when_it_runs_out)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const free_in = [&]() -> asio::awaitable<std::optional<std::chrono::milliseconds>> {
            auto const info = co_await of.broker->inspect_lock(name);
            BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
            co_return info->free_in;
        };
        BOOST_TEST(!(co_await free_in()).has_value());
        co_await lock(of, "a");
        auto const left = co_await free_in();
        BOOST_REQUIRE(left.has_value());
        BOOST_TEST((*left > lease - guard && *left <= lease));
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", 2 * lease)));
        BOOST_TEST((co_await free_in() > lease));
        BOOST_TEST(!(co_await of.broker->unlock(name, "a")));
        BOOST_TEST(!(co_await free_in()).has_value());
        co_await lock(of, "a", 1ms);
        while (co_await free_in())
            co_await of.round_trip();
    });
}

BOOST_AUTO_TEST_CASE(W1_tells_who_watches_it_when_it_is_given_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<int>(0);
        auto const of_other = std::make_shared<int>(0);
        auto const interest = of.broker->watch(name, {}, [told] { ++*told; });
        auto const other = of.broker->watch("other", {}, [of_other] { ++*of_other; });
        // The interest takes its time to reach a server.
        while (*told == 0) {
            co_await lock(of, "a");
            BOOST_TEST(!(co_await of.broker->unlock(name, "a")));
            co_await of.round_trip();
        }
        co_await of.round_trip();
        auto const before = *told;
        // Not by who does not have it, and not by what goes on with it.
        BOOST_TEST((co_await of.broker->unlock(name, "a")) == errc::lock_lost);
        co_await lock(of, "a");
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", lease)));
        co_await of.round_trip();
        BOOST_TEST(*told == before);
        BOOST_TEST(!(co_await of.broker->unlock(name, "a")));
        while (*told == before)
            co_await of.round_trip();
        BOOST_TEST(*of_other == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()
