// Moving what is pending for one name to another one.

#include "contract/bed.hpp"

#include <algorithm>
#include <memory>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

asio::awaitable<transferred>
transfer(bed& of, bool forced, entry_id cursor = entry_id::min(), std::size_t count = 500)
{
    auto const done = co_await of.broker->transfer("orders", "g", "alice", "bob", forced, cursor, count);
    BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
    co_return *done;
}

asio::awaitable<std::vector<entry_id>> pending_for(bed& of, std::string_view consumer)
{
    std::vector<entry_id> ids;
    for (auto const& each : co_await of.pending("orders", "g"))
        if (each.consumer == consumer)
            ids.push_back(each.id);
    co_return ids;
}

/// A group with a lease; nobody owns its names any more.
asio::awaitable<std::vector<entry_id>> deliver_with_lease(bed& of, std::size_t count)
{
    membership const owned{"orders", "g", "alice", "token"};
    auto const ids = co_await of.deliver(alice, count);
    BOOST_REQUIRE(!(co_await of.broker->join(owned, lease, true)));
    BOOST_REQUIRE(!(co_await of.broker->leave(owned)));
    co_return ids;
}

} // namespace

BOOST_AUTO_TEST_SUITE(transferring)

BOOST_AUTO_TEST_CASE(moves_what_has_outlived_the_lease)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 4);
        co_await of.make_old(alice, ids[1]);
        co_await of.make_old(alice, ids[3]);
        auto const done = co_await transfer(of, false);
        BOOST_TEST(done.moved == 2U);
        BOOST_TEST(done.cursor == entry_id::min());
        BOOST_TEST(
            (co_await pending_for(of, "bob")) == (std::vector<entry_id>{ids[1], ids[3]}), per_element()
        );
        BOOST_TEST(
            (co_await pending_for(of, "alice")) == (std::vector<entry_id>{ids[0], ids[2]}), per_element()
        );
        // What was moved can be claimed at once, by anybody.
        auto const claimed = co_await of.claim({"orders", "g", "carol"});
        BOOST_TEST(ids_of(claimed.entries) == (std::vector<entry_id>{ids[1], ids[3]}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(with_force_moves_everything_and_lets_it_be_claimed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 3);
        BOOST_TEST((co_await transfer(of, false)).moved == 0U);
        BOOST_TEST((co_await transfer(of, true)).moved == 3U);
        BOOST_TEST((co_await pending_for(of, "bob")) == ids, per_element());
        BOOST_TEST((co_await of.renew(alice, ids[0])) == holding::lost);
        auto const claimed = co_await of.claim({"orders", "g", "carol"});
        BOOST_TEST(ids_of(claimed.entries) == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(of_a_group_without_a_lease_needs_force)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.make_old(alice, ids[0]);
        auto const none = co_await transfer(of, false);
        BOOST_TEST(none.moved == 0U);
        BOOST_TEST(none.cursor == entry_id::min());
        BOOST_TEST((co_await transfer(of, true)).moved == 2U);
        BOOST_TEST((co_await of.claim({"orders", "g", "carol"})).entries.size() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(keeps_the_attempts)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 3);
        (void)co_await of.take(alice, ids[1]);
        auto released = ending(ids[2], settle_as::released);
        released.attempts = 0;
        BOOST_TEST((co_await of.settle(alice, released)).state == holding::held);
        BOOST_TEST((co_await transfer(of, true)).moved == 3U);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 3U);
        BOOST_TEST(pending[0].attempts == 1U);
        BOOST_TEST(pending[1].attempts == 2U);
        BOOST_TEST(pending[2].attempts == 0U);
        auto const taken = co_await of.take(bob, ids[1]);
        BOOST_TEST(taken.attempt == 3U);
        BOOST_TEST(taken.entry.body.value_or("none") == "1");
    });
}

BOOST_AUTO_TEST_CASE(goes_on_from_its_cursor)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 5);
        for (auto const i : {0U, 1U, 4U})
            co_await of.make_old(alice, ids[i]);
        auto done = co_await transfer(of, false, entry_id::min(), 2);
        BOOST_TEST(done.moved == 2U);
        BOOST_TEST((done.cursor > ids[1]));
        BOOST_TEST((done.cursor <= ids[2]));
        // Only looks.
        done = co_await transfer(of, false, done.cursor, 2);
        BOOST_TEST(done.moved == 0U);
        BOOST_TEST((done.cursor > ids[3]));
        done = co_await transfer(of, false, done.cursor, 2);
        BOOST_TEST(done.moved == 1U);
        BOOST_TEST(done.cursor == entry_id::min());
    });
}

BOOST_AUTO_TEST_CASE(leaves_other_names_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 1);
        auto const others = co_await of.deliver({"orders", "g", "carol"}, 1);
        BOOST_TEST((co_await transfer(of, true)).moved == 1U);
        BOOST_TEST((co_await pending_for(of, "carol")) == others, per_element());
        BOOST_TEST((co_await pending_for(of, "bob")) == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(clears_what_was_removed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await deliver_with_lease(of, 2);
        BOOST_TEST((co_await of.broker->remove("orders", {ids.data(), 1})).value() == 1U);
        BOOST_TEST((co_await transfer(of, true)).moved == 1U);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1U);
        BOOST_TEST(pending[0].id == ids[1]);
    });
}

BOOST_AUTO_TEST_CASE(of_a_name_that_has_nothing_moves_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const done = co_await transfer(of, true);
        BOOST_TEST(done.moved == 0U);
        BOOST_TEST(done.cursor == entry_id::min());
    });
}

BOOST_AUTO_TEST_CASE(W1_is_told_to_who_watches_the_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        (void)co_await deliver_with_lease(of, 1);
        auto const told = std::make_shared<int>(0);
        auto const interest = of.broker->watch("orders", "g", [told] { ++*told; });
        // The interest takes its time to reach a server.
        for (auto back = false; *told == 0; back = !back) {
            auto const done = co_await of.broker->transfer(
                "orders", "g", back ? "bob" : "alice", back ? "alice" : "bob", true, entry_id::min(), 10
            );
            BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
            BOOST_REQUIRE(done->moved == 1U);
            co_await of.round_trip();
        }
    });
}

BOOST_AUTO_TEST_CASE(needs_a_group_and_two_names)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        entry_id const start;
        BOOST_TEST(
            (co_await broker.transfer("orders", "g", "a", "b", true, start, 1)).error() == errc::no_group
        );
        co_await of.ensure_group("orders", "h");
        BOOST_TEST(
            (co_await broker.transfer("orders", "g", "a", "b", true, start, 1)).error() == errc::no_group
        );
        struct
        {
            std::string_view from;
            std::string_view to;
            std::size_t count;
        } const bad[] = {{"a", "a", 1}, {"", "b", 1}, {"a", "", 1}, {"a", "b", 0}, {"a", "b", 501}};
        for (auto const& one : bad)
            BOOST_TEST(
                (co_await broker.transfer("orders", "h", one.from, one.to, true, start, one.count)).error() ==
                errc::invalid_option
            );
    });
}

BOOST_AUTO_TEST_SUITE_END()
