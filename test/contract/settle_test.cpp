// Ends of deliveries, but for dead letters.

#include "contract/bed.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

settlement ack(entry_id id, bool surely_held = false)
{
    auto item = ending(id);
    item.surely_held = surely_held;
    return item;
}

settlement release(entry_id id, std::uint32_t attempts, std::chrono::milliseconds idle)
{
    auto item = ending(id, settle_as::released);
    item.attempts = attempts;
    item.idle = idle;
    return item;
}

asio::awaitable<std::vector<entry_id>> pending_ids(bed& of)
{
    std::vector<entry_id> ids;
    for (auto const& entry : co_await of.pending("orders", "g"))
        ids.push_back(entry.id);
    co_return ids;
}

} // namespace

BOOST_AUTO_TEST_SUITE(settle)

BOOST_AUTO_TEST_CASE(an_acknowledged_entry_is_no_longer_pending)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        for (auto const sure : {false, true}) {
            auto const item = co_await of.settle(alice, ack(ids[sure ? 2 : 0], sure));
            BOOST_TEST(item.state == holding::held);
            BOOST_TEST(!item.error_of_item);
        }
        BOOST_TEST((co_await pending_ids(of)) == std::vector{ids[1]}, per_element());
        BOOST_TEST((co_await of.take(alice, ids[0])).state == holding::lost);
        // It stays in the stream for the other groups.
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 3);
    });
}

BOOST_AUTO_TEST_CASE(a_second_acknowledgement_is_lost)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        BOOST_TEST((co_await of.settle(alice, ack(ids[0]))).state == holding::held);
        BOOST_TEST((co_await of.settle(alice, ack(ids[0]))).state == holding::lost);
        // In one call, too.
        auto const more = co_await of.deliver(alice, 1);
        std::array items{ack(more[0]), ack(more[0])};
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[1].state == holding::lost);
        // And one that is sure of itself does no harm.
        (void)co_await of.settle(alice, ack(ids[0], true));
    });
}

BOOST_AUTO_TEST_CASE(who_lost_an_entry_changes_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.claim(bob, entry_id::min(), 100, 0ms);
        auto dead = ack(ids[0]);
        dead.as = settle_as::dead;
        dead.reason = "rejected";
        for (auto const& item : {ack(ids[0]), release(ids[0], 7, very_old), dead}) {
            auto const answer = co_await of.settle(alice, item);
            BOOST_TEST(answer.state == holding::lost);
            BOOST_TEST(!answer.error_of_item);
        }
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].consumer == "bob");
        BOOST_TEST(pending[0].attempts == 1U);
        BOOST_TEST((pending[0].idle < lease));
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead")).has_error());
        BOOST_TEST((co_await of.settle(bob, ack(ids[0]))).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(a_stranger_and_an_unknown_id_are_lost)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        BOOST_TEST((co_await of.settle({"orders", "g", "stranger"}, ack(ids[0]))).state == holding::lost);
        BOOST_TEST((co_await of.settle(alice, ack(entry_id::max()))).state == holding::lost);
        BOOST_TEST((co_await of.settle(alice, ack(entry_id::min()))).state == holding::lost);
        BOOST_TEST((co_await pending_ids(of)) == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_released_entry_is_claimable_when_its_idle_time_reaches_the_lease)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        co_await of.settle(alice, release(ids[0], 1, 0ms));
        co_await of.settle(alice, release(ids[1], 1, lease / 2));
        auto const item = co_await of.settle(alice, release(ids[2], 1, lease));
        BOOST_TEST(item.state == holding::held);
        auto const taken = co_await of.claim(bob);
        BOOST_TEST(ids_of(taken.entries) == std::vector{ids[2]}, per_element());
    });
}

// A5
BOOST_AUTO_TEST_CASE(a_released_entry_keeps_the_given_count)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.settle(alice, release(ids[0], 0, very_old));
        co_await of.settle(alice, release(ids[1], 5, very_old));
        auto const taken = co_await of.claim(bob);
        BOOST_REQUIRE(taken.entries.size() == 2);
        BOOST_TEST(taken.entries[0].attempts == 0U);
        BOOST_TEST(taken.entries[1].attempts == 5U);
        BOOST_TEST((co_await of.take(bob, ids[0])).attempt == 1U);
        BOOST_TEST((co_await of.take(bob, ids[1])).attempt == 6U);
    });
}

BOOST_AUTO_TEST_CASE(a_released_entry_stays_pending_for_its_consumer)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.settle(alice, release(ids[0], 1, very_old));
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].consumer == "alice");
        BOOST_TEST((co_await of.read_now("orders", "g", "bob")).empty());
    });
}

// S1
BOOST_AUTO_TEST_CASE(each_item_is_settled_on_its_own)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 5);
        auto const others = co_await of.deliver(bob, 1);
        std::array items{ack(ids[4]),       release(ids[3], 2, very_old), ack(others[0]),
                         ack(ids[2], true), ack(entry_id::max()),         ack(ids[1]),
                         ack(ids[0])};
        items[5].as = settle_as::dead;
        items[5].reason = "rejected";
        items[5].attempts = 1;
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));

        std::array<holding, 7> states{};
        for (std::size_t i = 0; i != items.size(); ++i) {
            states[i] = items[i].state;
            BOOST_TEST(!items[i].error_of_item);
        }
        std::array const expected{holding::held, holding::held, holding::lost, holding::held,
                                  holding::lost, holding::held, holding::held};
        BOOST_TEST(states == expected, per_element());
        BOOST_TEST((co_await pending_ids(of)) == (std::vector{ids[3], others[0]}), per_element());
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1);
    });
}

BOOST_AUTO_TEST_CASE(what_an_item_said_before_the_call_does_not_matter)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        for (auto const sure : {false, true}) {
            auto item = ack(ids[sure ? 1 : 0], sure);
            item.state = holding::gone;
            item.error_of_item = failure(errc::out_of_memory);
            item = co_await of.settle(alice, item);
            BOOST_TEST(item.state == holding::held);
            BOOST_TEST(!item.error_of_item);
        }
    });
}

BOOST_AUTO_TEST_CASE(five_hundred_items_in_one_call)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const as : {settle_as::acknowledged, settle_as::released, settle_as::dead}) {
            auto const ids = co_await of.deliver(alice, 500);
            std::vector<settlement> items;
            for (auto const id : ids) {
                items.push_back(ack(id));
                items.back().as = as;
                items.back().reason = "exhausted";
            }
            BOOST_TEST(!(co_await of.broker->settle(alice, items)));
            for (auto const& item : items)
                BOOST_REQUIRE(item.state == holding::held);
            BOOST_TEST((co_await pending_ids(of)).size() == (as == settle_as::acknowledged ? 0U : 500U));
        }
    });
}

BOOST_AUTO_TEST_CASE(nothing_is_settled_by_an_empty_call)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(alice, 1);
        BOOST_TEST(!(co_await of.broker->settle(alice, {})));
        BOOST_TEST(!(co_await of.broker->take(alice, {})));
        BOOST_TEST(!(co_await of.broker->renew(alice, {}, {})));
        BOOST_TEST((co_await pending_ids(of)).size() == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(remove_after_success)

namespace {

settlement remove(entry_id id, bool surely_held = false)
{
    auto item = ack(id, surely_held);
    item.remove = true;
    return item;
}

/// The entries of the stream, by a group of its own.
asio::awaitable<std::vector<entry_id>> entries_of(bed& of)
{
    static int number = 0;
    auto const group = "looking" + std::to_string(++number);
    co_await of.ensure_group("orders", group);
    auto const reader = of.broker->make_reader(group, "c", read_as::acknowledged);
    co_return ids_of((co_await read(*reader, {"orders"}, 10'000, 0ms)).entries);
}

} // namespace

BOOST_AUTO_TEST_CASE(takes_the_entry_out_of_the_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 5);
        for (auto const i : {2U, 0U, 4U})
            BOOST_TEST((co_await of.settle(alice, remove(ids[i], i == 4))).state == holding::held);
        BOOST_TEST((co_await entries_of(of)) == (std::vector{ids[1], ids[3]}), per_element());
        BOOST_TEST((co_await pending_ids(of)) == (std::vector{ids[1], ids[3]}), per_element());
        auto const info = co_await of.broker->inspect_stream("orders");
        BOOST_TEST(info->length == 2U);
        BOOST_TEST((info->first == ids[1]));
        BOOST_TEST((info->last == ids[3]));
        BOOST_TEST(info->last_generated == ids[4]);
        // The others are as they were.
        BOOST_TEST((co_await of.take(alice, ids[3])).state == holding::held);
        BOOST_TEST((co_await of.settle(alice, remove(ids[2]))).state == holding::lost);
        auto const next = co_await of.append("orders", "next");
        BOOST_TEST((next > ids[4]));
        BOOST_TEST(ids_of(co_await of.read_now("orders", "g", "alice")) == std::vector{next}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(waits_for_the_other_groups)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        co_await of.ensure_group("orders", "h");
        membership const other{"orders", "h", "carol"};
        (void)co_await of.read_now("orders", "h", "carol", 2);
        co_await of.settle(other, ack(ids[1]));
        // Pending in the other, settled there, and twice unread.
        std::array items{remove(ids[0]), remove(ids[1]), remove(ids[2]), remove(ids[3])};
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        for (auto const& item : items)
            BOOST_TEST(item.state == holding::held);
        BOOST_TEST((co_await pending_ids(of)).empty());
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 3U);
        // The last one removes it.
        (void)co_await of.read_now("orders", "h", "carol");
        std::array rest{remove(ids[0]), ack(ids[2]), remove(ids[3])};
        BOOST_TEST(!(co_await of.broker->settle(other, rest)));
        BOOST_TEST((co_await entries_of(of)) == std::vector{ids[2]}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(does_not_wait_for_a_group_that_begins_behind)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.ensure_group("orders", "h", {ids[0]});
        std::array items{remove(ids[0]), remove(ids[1])};
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 1U);
        BOOST_TEST(
            ids_of(co_await of.read_now("orders", "h", "carol")) == std::vector{ids[1]}, per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(is_not_for_who_lost_the_entry_nor_for_other_ends)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        co_await of.make_old(alice, ids[0]);
        co_await of.claim(bob);
        BOOST_TEST((co_await of.settle(alice, remove(ids[0]))).state == holding::lost);
        BOOST_TEST((co_await of.settle(alice, remove(ids[0], true))).state == holding::lost);
        auto released = remove(ids[1]);
        released.as = settle_as::released;
        co_await of.settle(alice, released);
        auto dead = remove(ids[2]);
        dead.as = settle_as::dead;
        co_await of.settle(alice, dead);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 3U);
        BOOST_TEST((co_await of.settle(bob, remove(ids[0]))).state == holding::held);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 2U);
    });
}

BOOST_AUTO_TEST_CASE(of_many_in_any_order)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1000);
        co_await of.ensure_group("orders", "late", start_position::end());
        std::vector<settlement> items;
        std::vector<entry_id> left;
        for (std::size_t i = 0; i != ids.size(); ++i)
            if (auto const number = i * 7 % ids.size(); number % 5 == 0)
                left.push_back(ids[number]);
            else
                items.push_back(remove(ids[number]));
        std::ranges::sort(left);
        for (std::size_t i = 0; i != items.size(); i += 400)
            BOOST_TEST(!(co_await of.broker->settle(alice, std::span(items).subspan(i, 400))));
        BOOST_TEST((co_await entries_of(of)) == left, per_element());
        BOOST_TEST((co_await pending_ids(of)) == left, per_element());
        auto const more = co_await of.append_numbers("orders", 3);
        BOOST_TEST(ids_of(co_await of.read_now("orders", "late", "c")) == more, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()
