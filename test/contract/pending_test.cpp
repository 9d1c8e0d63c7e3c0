// Entries that were delivered and not settled: telling them, starting them again, taking them over, keeping
// them.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

asio::awaitable<std::uint32_t> attempts_of(bed& of, entry_id id)
{
    for (auto const& entry : co_await of.pending("orders", "g"))
        if (entry.id == id)
            co_return entry.attempts;
    BOOST_FAIL("not pending");
    co_return 0;
}

asio::awaitable<std::string> owner_of(bed& of, entry_id id)
{
    for (auto const& entry : co_await of.pending("orders", "g"))
        if (entry.id == id)
            co_return entry.consumer;
    BOOST_FAIL("not pending");
    co_return "";
}

} // namespace

BOOST_AUTO_TEST_SUITE(backlog)

BOOST_AUTO_TEST_CASE(tells_the_consumers_own_entries)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const of_alice = co_await of.deliver(alice, 3);
        auto const of_bob = co_await of.deliver(bob, 2);
        auto const got = co_await of.broker->backlog(alice, entry_id::min(), 100);
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(ids_of(*got) == of_alice, per_element());
        for (auto const& entry : *got)
            BOOST_TEST(entry.attempts == 1U);
        auto const other = co_await of.broker->backlog(bob, entry_id::min(), 100);
        BOOST_TEST(ids_of(*other) == of_bob, per_element());
    });
}

BOOST_AUTO_TEST_CASE(goes_on_after_an_id)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 5);
        std::vector<entry_id> got;
        for (auto after = entry_id::min();;) {
            auto const part = co_await of.broker->backlog(alice, after, 2);
            BOOST_REQUIRE(part.has_value());
            BOOST_TEST(part->size() <= 2);
            if (part->empty())
                break;
            for (auto const& entry : *part)
                got.push_back(after = entry.id);
        }
        BOOST_TEST(got == ids, per_element());
        auto const none = co_await of.broker->backlog(alice, entry_id::max(), 100);
        BOOST_TEST(none->empty());
    });
}

BOOST_AUTO_TEST_CASE(counts_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.make_old(alice, ids[0]);
        for (int i = 0; i != 3; ++i)
            (void)co_await of.broker->backlog(alice, entry_id::min(), 100);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_TEST(pending[0].attempts == 1U);
        BOOST_TEST((pending[0].idle >= very_old));
    });
}

BOOST_AUTO_TEST_CASE(leaves_out_what_was_settled)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        co_await of.settle(alice, ending(ids[1]));
        auto const got = co_await of.broker->backlog(alice, entry_id::min(), 100);
        BOOST_TEST(ids_of(*got) == (std::vector{ids[0], ids[2]}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(is_empty_for_a_stranger)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(alice, 3);
        auto const got = co_await of.broker->backlog(bob, entry_id::min(), 100);
        BOOST_REQUIRE(got.has_value());
        BOOST_TEST(got->empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(take)

// A1, A2
BOOST_AUTO_TEST_CASE(counts_attempts_where_asked)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        std::array const steps{
            std::pair(true, 2U), std::pair(true, 3U), std::pair(false, 3U), std::pair(true, 4U)
        };
        for (auto const& [counted, attempt] : steps) {
            auto const item = co_await of.take(alice, ids[0], counted);
            BOOST_TEST(item.state == holding::held);
            BOOST_TEST(item.attempt == attempt);
            BOOST_TEST(item.entry.body.value_or("none") == "0");
            BOOST_TEST((item.owner != nullptr));
            BOOST_TEST((co_await attempts_of(of, ids[0])) == attempt);
        }
    });
}

// A2
BOOST_AUTO_TEST_CASE(tells_each_item_apart)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        auto const others = co_await of.deliver(bob, 1);
        co_await of.settle(alice, ending(ids[1]));
        std::array<taking, 5> items;
        items[0].id = ids[2];
        items[1].id = ids[1]; // acknowledged
        items[2].id = others[0];
        items[3].id = entry_id::max();
        items[4] = asking(ids[0], false);
        BOOST_TEST(!(co_await of.broker->take(alice, items)));
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[0].attempt == 2U);
        BOOST_TEST(items[0].entry.body.value_or("none") == "2");
        for (std::size_t i = 1; i != 4; ++i)
            BOOST_TEST(items[i].state == holding::lost);
        BOOST_TEST(items[4].state == holding::held);
        BOOST_TEST(items[4].attempt == 1U);
        BOOST_TEST(items[4].entry.body.value_or("none") == "0");
        BOOST_TEST((co_await owner_of(of, others[0])) == "bob");
        BOOST_TEST((co_await attempts_of(of, others[0])) == 1U);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stranger_is_lost)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        BOOST_TEST((co_await of.take({"orders", "g", "stranger"}, ids[0])).state == holding::lost);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(claim)

BOOST_AUTO_TEST_CASE(respects_leases)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        auto taken = co_await of.claim(bob);
        BOOST_TEST(taken.entries.empty());
        BOOST_TEST(taken.cursor == entry_id::min());

        co_await of.make_old(alice, ids[1]);
        co_await of.make_old(alice, ids[3]);
        taken = co_await of.claim(bob);
        BOOST_TEST(ids_of(taken.entries) == (std::vector{ids[1], ids[3]}), per_element());
        BOOST_TEST(taken.gone.empty());
        BOOST_TEST(taken.cursor == entry_id::min());
        BOOST_TEST((co_await owner_of(of, ids[1])) == "bob");
        BOOST_TEST((co_await owner_of(of, ids[0])) == "alice");
        BOOST_TEST((co_await of.take(alice, ids[1])).state == holding::lost);
        // Young again.
        BOOST_TEST((co_await of.claim(alice)).entries.empty());
    });
}

BOOST_AUTO_TEST_CASE(counts_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.take(alice, ids[0]);
        co_await of.take(alice, ids[0]);
        auto const taken = co_await of.claim(bob, entry_id::min(), 100, 0ms);
        BOOST_REQUIRE(taken.entries.size() == 2);
        BOOST_TEST(taken.entries[0].attempts == 3U);
        BOOST_TEST(taken.entries[1].attempts == 1U);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 3U);
        BOOST_TEST((co_await attempts_of(of, ids[1])) == 1U);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_at_the_cursor)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 5);
        for (auto const id : ids)
            co_await of.make_old(alice, id);
        auto const first = co_await of.claim(bob, entry_id::min(), 2);
        BOOST_TEST(ids_of(first.entries) == (std::vector{ids[0], ids[1]}), per_element());
        BOOST_TEST(first.cursor == ids[2]);
        auto const second = co_await of.claim(bob, first.cursor, 2);
        BOOST_TEST(ids_of(second.entries) == (std::vector{ids[2], ids[3]}), per_element());
        BOOST_TEST(second.cursor == ids[4]);
        auto const third = co_await of.claim(bob, second.cursor, 2);
        BOOST_TEST(ids_of(third.entries) == (std::vector{ids[4]}), per_element());
        BOOST_TEST(third.cursor == entry_id::min());
    });
}

// L7
BOOST_AUTO_TEST_CASE(reaches_old_entries_behind_thousands_of_young_ones)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3000);
        co_await of.make_old(alice, ids.back());
        std::vector<entry_id> got;
        entry_id cursor;
        int calls = 0;
        do {
            auto const taken = co_await of.claim(bob, cursor, 10);
            for (auto const& entry : taken.entries)
                got.push_back(entry.id);
            cursor = taken.cursor;
            BOOST_REQUIRE(++calls < 100);
        } while (cursor != entry_id::min());
        BOOST_TEST(got == (std::vector{ids.back()}), per_element());
        // A call must not look at all of them: it would hold up everybody else.
        BOOST_TEST(calls > 10);
    });
}

BOOST_AUTO_TEST_CASE(may_take_what_the_consumer_itself_let_go)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.make_old(alice, ids[1]);
        auto const taken = co_await of.claim(alice);
        BOOST_TEST(ids_of(taken.entries) == (std::vector{ids[1]}), per_element());
        BOOST_TEST((co_await of.take(alice, ids[1])).state == holding::held);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(renew)

BOOST_AUTO_TEST_CASE(keeps_an_entry_from_being_claimed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.take(alice, ids[0]);
        for (auto const id : ids)
            co_await of.make_old(alice, id);
        BOOST_TEST((co_await of.renew(alice, ids[0])) == holding::held);
        auto const taken = co_await of.claim(bob);
        BOOST_TEST(ids_of(taken.entries) == (std::vector{ids[1]}), per_element());
        BOOST_TEST((co_await owner_of(of, ids[0])) == "alice");
    });
}

BOOST_AUTO_TEST_CASE(counts_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.take(alice, ids[0]);
        BOOST_TEST((co_await of.renew(alice, ids[0])) == holding::held);
        BOOST_TEST((co_await attempts_of(of, ids[0])) == 2U);
    });
}

BOOST_AUTO_TEST_CASE(tells_what_was_lost)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        co_await of.make_old(alice, ids[1]);
        co_await of.claim(bob);
        co_await of.settle(alice, ending(ids[2]));
        // In an order of its own.
        std::array const asked{ids[3], ids[2], ids[1], ids[0], entry_id::max()};
        std::array<holding, 5> states{};
        BOOST_TEST(!(co_await of.broker->renew(alice, asked, states)));
        std::array const expected{holding::held, holding::lost, holding::lost, holding::held, holding::lost};
        BOOST_TEST(states == expected, per_element());
        BOOST_TEST((co_await owner_of(of, ids[1])) == "bob");
    });
}

// L3
BOOST_AUTO_TEST_CASE(handles_five_hundred_in_one_call)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 500);
        std::vector<holding> states(500, holding::gone);
        BOOST_TEST(!(co_await of.broker->renew(alice, ids, states)));
        BOOST_TEST(states == std::vector<holding>(500, holding::held), per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()
