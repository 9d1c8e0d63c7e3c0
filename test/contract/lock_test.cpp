// I2: locks.

#include "contract/bed.hpp"

#include <strandline/names.hpp>

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
    });
}

BOOST_AUTO_TEST_SUITE_END()
