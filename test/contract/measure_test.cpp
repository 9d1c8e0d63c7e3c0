// What is counted of streams.

#include "contract/bed.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

asio::awaitable<std::vector<stream_statistics>> measure(bed& of, std::vector<std::string_view> streams)
{
    auto told = co_await of.broker->measure(streams);
    BOOST_REQUIRE_MESSAGE(told.has_value(), told.error());
    BOOST_REQUIRE(told->size() == streams.size());
    co_return *told;
}

/// Of a stream of which there is something to tell.
asio::awaitable<stream_statistics> measure(bed& of, std::string_view stream)
{
    auto told = (co_await measure(of, std::vector{stream})).front();
    BOOST_REQUIRE_MESSAGE(!told.why, told.why);
    co_return told;
}

} // namespace

BOOST_AUTO_TEST_SUITE(measuring)

BOOST_AUTO_TEST_CASE(tells_ids_and_the_time_of_a_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const empty = co_await measure(of, "orders");
        BOOST_TEST(empty.length == 0U);
        BOOST_TEST(!empty.first.has_value());
        BOOST_TEST(!empty.last.has_value());
        BOOST_TEST(empty.last_generated == entry_id::min());

        auto const ids = co_await of.append_numbers("orders", 3);
        auto const told = co_await measure(of, "orders");
        BOOST_TEST(told.length == 3U);
        BOOST_TEST((told.first == ids.front()));
        BOOST_TEST((told.last == ids.back()));
        BOOST_TEST(told.last_generated == ids.back());
        BOOST_TEST((told.delayed == 0U));
        BOOST_TEST((told.dead == 0U));
        // The clock that gives the ids.
        auto const next = co_await of.append("orders", "x");
        BOOST_TEST(told.now.time_since_epoch().count() >= static_cast<std::int64_t>(ids.back().ms));
        BOOST_TEST(told.now.time_since_epoch().count() <= static_cast<std::int64_t>(next.ms));
    });
}

BOOST_AUTO_TEST_CASE(counts_what_was_ever_appended)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 5);
        BOOST_TEST((co_await of.broker->remove("orders", std::array{ids[1], ids[4]})).has_value());
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 1})).has_value());
        auto const told = co_await measure(of, "orders");
        BOOST_TEST(told.length == 1U);
        BOOST_TEST(told.appended == 5U);
    });
}

BOOST_AUTO_TEST_CASE(tells_how_far_each_group_is)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 5);
        co_await of.ensure_group("orders", "begin");
        co_await of.ensure_group("orders", "end", start_position::end());
        co_await of.ensure_group("orders", "g");
        (void)co_await of.read_now("orders", "g", "alice", 2);
        (void)co_await of.read_now("orders", "g", "bob", 1);
        co_await of.settle(alice, ending(ids[0]));

        auto const told = co_await measure(of, "orders");
        BOOST_REQUIRE(told.groups.size() == 3U);
        auto const& begin = told.groups[0];
        BOOST_TEST(begin.name == "begin");
        BOOST_TEST(begin.pending == 0U);
        BOOST_TEST(!begin.lowest_pending.has_value());
        BOOST_TEST(begin.last_delivered == entry_id::min());
        BOOST_TEST(begin.lag == 5U);
        BOOST_TEST(!begin.lag_is_at_least);
        BOOST_TEST(begin.consumers.empty());

        auto const& end = told.groups[1];
        BOOST_TEST(end.name == "end");
        BOOST_TEST(end.last_delivered == ids[4]);
        BOOST_TEST(end.lag == 0U);

        auto const& g = told.groups[2];
        BOOST_TEST(g.name == "g");
        BOOST_TEST(g.pending == 2U);
        BOOST_TEST((g.lowest_pending == ids[1]));
        BOOST_TEST(g.last_delivered == ids[2]);
        BOOST_TEST(g.lag == 2U);
    });
}

BOOST_AUTO_TEST_CASE(tells_what_each_consumer_has)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        co_await of.deliver(bob, 1);
        co_await of.settle(alice, ending(ids[1]));
        auto const told = co_await measure(of, "orders");
        BOOST_REQUIRE(told.groups.size() == 1U);
        auto consumers = told.groups[0].consumers;
        BOOST_REQUIRE(consumers.size() == 2U);
        std::ranges::sort(consumers, {}, &consumer_info::name);
        BOOST_TEST(consumers[0].name == "alice");
        BOOST_TEST(consumers[0].pending == 2U);
        BOOST_TEST(consumers[1].name == "bob");
        BOOST_TEST(consumers[1].pending == 1U);
        for (auto const& one : consumers)
            BOOST_TEST((one.idle >= 0ms && one.idle < lease));
    });
}

BOOST_AUTO_TEST_CASE(counts_delayed_entries_and_dead_letters)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.settle(alice, ending(ids[0], settle_as::dead));
        for (int i = 0; i != 3; ++i)
            co_await of.append(delayed("orders", "x", 1h));
        auto const told = co_await measure(of, "orders");
        BOOST_TEST((told.delayed == 3U));
        BOOST_TEST((told.dead == 1U));
        BOOST_TEST((co_await measure(of, dead_letter_stream("orders"))).length == 1U);
    });
}

BOOST_AUTO_TEST_CASE(tells_of_delayed_entries_of_a_stream_that_does_not_exist_yet)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append(delayed("orders", "x", 1h));
        auto const told = (co_await measure(of, std::vector<std::string_view>{"orders"})).front();
        BOOST_TEST(told.why == errc::no_group, told.why);
        BOOST_TEST((told.delayed == 1U));
        BOOST_TEST((told.dead == 0U));
        BOOST_TEST(told.now.time_since_epoch().count() > 0);
    });
}

BOOST_AUTO_TEST_CASE(is_of_each_stream_by_itself)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 2);
        co_await of.append_numbers("users", 3);
        auto const told =
            co_await measure(of, std::vector<std::string_view>{"users", "nothing", "a}b", "orders", "users"});
        BOOST_TEST(!told[0].why, told[0].why);
        BOOST_TEST(told[0].length == 3U);
        BOOST_TEST(told[1].why == errc::no_group);
        BOOST_TEST(told[2].why == errc::invalid_name);
        BOOST_TEST(told[3].length == 2U);
        BOOST_TEST(told[4].length == 3U);
        BOOST_TEST((co_await measure(of, std::vector<std::string_view>())).empty());
    });
}

BOOST_AUTO_TEST_CASE(fails_when_the_broker_is_closed)
{
    check([](bed& of) -> asio::awaitable<void> {
        of.broker->close();
        std::array<std::string_view, 1> const streams{"orders"};
        BOOST_TEST((co_await of.broker->measure(streams)).error() == errc::closed);
        BOOST_TEST((co_await of.broker->inspect_server()).error() == errc::closed);
        BOOST_TEST((co_await of.broker->inspect_lock("x")).error() == errc::closed);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(inspect_server)

BOOST_AUTO_TEST_CASE(tells_version_role_and_memory)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const info = co_await of.broker->inspect_server();
        BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
        BOOST_TEST(!info->version.empty());
        BOOST_TEST((info->role == server_role::primary));
        BOOST_TEST(info->max_memory == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
