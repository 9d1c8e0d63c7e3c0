// What the engine tells of itself.

#include "contract/bed.hpp"

#include <algorithm>

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

} // namespace

BOOST_AUTO_TEST_SUITE(inspect)

BOOST_AUTO_TEST_CASE(a_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "a");
        auto info = co_await of.broker->inspect_stream("orders");
        BOOST_REQUIRE(info.has_value());
        BOOST_TEST(info->length == 0U);
        BOOST_TEST(!info->first.has_value());
        BOOST_TEST(!info->last.has_value());
        BOOST_TEST(info->last_generated == entry_id::min());

        co_await of.ensure_group("orders", "b");
        auto const ids = co_await of.append_numbers("orders", 3);
        info = co_await of.broker->inspect_stream("orders");
        BOOST_REQUIRE(info.has_value());
        BOOST_TEST(info->length == 3U);
        BOOST_TEST(info->groups == 2U);
        BOOST_TEST((info->first == ids.front()));
        BOOST_TEST((info->last == ids.back()));
        BOOST_TEST(info->last_generated == ids.back());
    });
}

BOOST_AUTO_TEST_CASE(the_groups_of_a_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 5);
        auto none = co_await of.broker->inspect_groups("orders");
        BOOST_REQUIRE(none.has_value());
        BOOST_TEST(none->empty());

        co_await of.ensure_group("orders", "begin");
        co_await of.ensure_group("orders", "read");
        co_await of.ensure_group("orders", "end", start_position::end());
        (void)co_await of.read_now("orders", "read", "a", 2);
        (void)co_await of.read_now("orders", "read", "b", 1);
        co_await of.settle({"orders", "read", "a"}, ending(ids[0]));

        auto infos = co_await of.broker->inspect_groups("orders");
        BOOST_REQUIRE(infos.has_value());
        BOOST_REQUIRE(infos->size() == 3);
        std::ranges::sort(*infos, {}, &group_info::name);
        auto const& [begin, end, read] = std::tie(infos->at(0), infos->at(1), infos->at(2));
        BOOST_TEST(begin.name == "begin");
        BOOST_TEST(begin.consumers == 0U);
        BOOST_TEST(begin.pending == 0U);
        BOOST_TEST(begin.last_delivered == entry_id::min());
        BOOST_TEST(begin.lag.value_or(99) == 5U);

        BOOST_TEST(read.name == "read");
        BOOST_TEST(read.consumers == 2U);
        BOOST_TEST(read.pending == 2U);
        BOOST_TEST(read.last_delivered == ids[2]);
        BOOST_TEST(read.lag.value_or(99) == 2U);

        BOOST_TEST(end.name == "end");
        BOOST_TEST(end.last_delivered == ids[4]);
        BOOST_TEST(end.lag.value_or(99) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(the_consumers_of_a_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto none = co_await of.broker->inspect_consumers("orders", "g");
        BOOST_REQUIRE(none.has_value());
        BOOST_TEST(none->empty());

        auto const ids = co_await of.deliver(alice, 3);
        co_await of.deliver(bob, 1);
        co_await of.make_old(alice, ids[0]);
        co_await of.claim(bob);
        co_await of.settle(alice, ending(ids[1]));

        auto infos = co_await of.broker->inspect_consumers("orders", "g");
        BOOST_REQUIRE(infos.has_value());
        BOOST_REQUIRE(infos->size() == 2);
        std::ranges::sort(*infos, {}, &consumer_info::name);
        BOOST_TEST(infos->at(0).name == "alice");
        BOOST_TEST(infos->at(0).pending == 1U);
        BOOST_TEST(infos->at(1).name == "bob");
        BOOST_TEST(infos->at(1).pending == 2U);
        for (auto const& info : *infos)
            BOOST_TEST((info.idle >= 0ms && info.idle < lease));
    });
}

BOOST_AUTO_TEST_CASE(the_pending_entries_of_a_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        auto const others = co_await of.deliver(bob, 1);
        co_await of.make_old(alice, ids[1]);
        co_await of.take(alice, ids[2]);

        auto const all = co_await of.pending("orders", "g");
        BOOST_REQUIRE(all.size() == 4);
        for (std::size_t i = 0; i != 3; ++i) {
            BOOST_TEST(all[i].id == ids[i]);
            BOOST_TEST(all[i].consumer == "alice");
            BOOST_TEST(all[i].attempts == (i == 2 ? 2U : 1U));
            BOOST_TEST((i == 1 ? all[i].idle >= very_old : all[i].idle < lease));
        }
        BOOST_TEST(all[3].id == others[0]);
        BOOST_TEST(all[3].consumer == "bob");

        auto const part = co_await of.broker->inspect_pending("orders", "g", ids[0], 2);
        BOOST_REQUIRE(part.has_value());
        BOOST_REQUIRE(part->size() == 2);
        BOOST_TEST(part->at(0).id == ids[1]);
        BOOST_TEST(part->at(1).id == ids[2]);
        auto const none = co_await of.broker->inspect_pending("orders", "g", entry_id::max(), 2);
        BOOST_TEST(none->empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()
