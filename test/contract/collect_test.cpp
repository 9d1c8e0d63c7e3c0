// G1: removing what every group has acknowledged, and nothing else.

#include "contract/bed.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <random>
#include <set>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "h", "bob"};

/// Every body that there is; unlike a look by a group it holds nothing back.
asio::awaitable<texts> left_in(bed& of, std::string_view stream = "orders")
{
    texts bodies;
    auto after = entry_id::min();
    for (;;) {
        auto const page = co_await of.broker->inspect_entries(stream, after, 1000);
        BOOST_REQUIRE_MESSAGE(page.has_value(), page.error());
        for (auto const& each : *page)
            bodies.emplace_back(each.entry.body.value_or("(none)"));
        if (page->size() != 1000)
            co_return bodies;
        after = page->back().id;
    }
}

/// Until there is no more; how many went.
asio::awaitable<std::uint64_t> collect(bed& of, std::size_t count = 1000)
{
    std::uint64_t removed = 0;
    for (;;) {
        auto const done = co_await of.broker->collect("orders", {}, count);
        BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
        removed += done->removed;
        if (!done->more)
            co_return removed;
        BOOST_REQUIRE(done->removed != 0U);
    }
}

asio::awaitable<void> acknowledge(bed& of, membership who, std::vector<entry_id> ids)
{
    for (auto const id : ids)
        BOOST_REQUIRE((co_await of.settle(who, ending(id))).state == holding::held);
}

/// The n-th of them.
std::vector<entry_id> some(std::vector<entry_id> const& ids, std::initializer_list<std::size_t> places)
{
    std::vector<entry_id> chosen;
    for (auto const i : places)
        chosen.push_back(ids.at(i));
    return chosen;
}

} // namespace

BOOST_AUTO_TEST_SUITE(G1_collecting)

BOOST_AUTO_TEST_CASE(removes_what_the_group_has_acknowledged)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 6);
        BOOST_TEST((co_await collect(of)) == 0U);
        co_await acknowledge(of, alice, some(ids, {0, 1, 3, 4}));
        BOOST_TEST((co_await collect(of)) == 2U);
        BOOST_TEST((co_await left_in(of)) == (texts{"2", "3", "4", "5"}), per_element());
        BOOST_TEST((co_await collect(of)) == 0U);
        co_await acknowledge(of, alice, some(ids, {2}));
        BOOST_TEST((co_await collect(of)) == 3U);
        co_await acknowledge(of, alice, some(ids, {5}));
        BOOST_TEST((co_await collect(of)) == 1U);
        BOOST_TEST((co_await left_in(of)).empty());
        // The stream goes on.
        co_await of.append("orders", "next");
        BOOST_TEST((co_await collect(of)) == 0U);
        BOOST_TEST(bodies_of(co_await of.read_now("orders", "g", "alice")) == texts{"next"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(keeps_what_the_group_has_not_read)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await acknowledge(of, alice, co_await of.deliver(alice, 3));
        co_await of.append_numbers("orders", 2);
        BOOST_TEST((co_await collect(of)) == 3U);
        BOOST_TEST((co_await left_in(of)) == (texts{"0", "1"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(waits_for_the_slowest_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "h");
        auto const ids = co_await of.deliver(alice, 6);
        co_await acknowledge(of, alice, ids);
        // One that was never read has everything before it.
        BOOST_TEST((co_await collect(of)) == 0U);
        BOOST_TEST((co_await of.read_now("orders", "h", "bob", 4)).size() == 4U);
        BOOST_TEST((co_await collect(of)) == 0U);
        co_await acknowledge(of, bob, some(ids, {0, 2, 3}));
        BOOST_TEST((co_await collect(of)) == 1U);
        co_await acknowledge(of, bob, some(ids, {1}));
        BOOST_TEST((co_await collect(of)) == 3U);
        BOOST_TEST((co_await left_in(of)) == (texts{"4", "5"}), per_element());
        BOOST_TEST((co_await of.read_now("orders", "h", "bob")).size() == 2U);
        BOOST_TEST((co_await collect(of)) == 0U);
        co_await acknowledge(of, bob, some(ids, {4, 5}));
        BOOST_TEST((co_await collect(of)) == 2U);
    });
}

BOOST_AUTO_TEST_CASE(removes_what_lies_before_the_start_of_all_groups)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        co_await of.ensure_group("orders", "g", start_position::end());
        co_await of.append("orders", "new");
        BOOST_TEST((co_await collect(of)) == 3U);
        BOOST_TEST((co_await left_in(of)) == texts{"new"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(is_not_held_up_by_entries_that_were_removed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 6);
        co_await acknowledge(of, alice, some(ids, {1, 3, 5}));
        // Pending and gone: the first, and one behind.
        auto const gone = some(ids, {0, 2});
        BOOST_TEST((co_await of.broker->remove("orders", gone)).value() == 2U);
        BOOST_TEST((co_await collect(of)) == 2U);
        BOOST_TEST((co_await left_in(of)) == (texts{"4", "5"}), per_element());
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1U);
        BOOST_TEST(pending[0].id == ids[4]);
    });
}

BOOST_AUTO_TEST_CASE(finds_the_first_unread_entry_that_is_still_there)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 4);
        co_await of.ensure_group("orders", "g");
        auto const first = co_await of.read_now("orders", "g", "alice", 1);
        co_await acknowledge(of, alice, ids_of(first));
        auto const gone = some(ids, {1});
        BOOST_TEST((co_await of.broker->remove("orders", gone)).value() == 1U);
        BOOST_TEST((co_await collect(of)) == 1U);
        BOOST_TEST((co_await left_in(of)) == (texts{"2", "3"}), per_element());
        BOOST_TEST(
            bodies_of(co_await of.read_now("orders", "g", "alice")) == (texts{"2", "3"}), per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(of_very_many_removed_entries_comes_to_its_end)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1'700);
        co_await acknowledge(of, alice, some(ids, {1'600, 1'601}));
        std::vector<entry_id> gone(ids.begin(), ids.begin() + 1'600);
        for (std::size_t i = 0; i < gone.size(); i += 400)
            BOOST_REQUIRE(
                (co_await of.broker->remove("orders", std::span(gone).subspan(i, 400))).value() == 400U
            );
        std::uint64_t removed = 0;
        auto steps = 0;
        for (auto more = true; more; ++steps) {
            auto const done = co_await of.broker->collect("orders", {}, 1000);
            BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
            removed += done->removed;
            more = done->more;
            BOOST_REQUIRE(steps < 20);
        }
        BOOST_TEST(removed == 2U);
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 98U);
        BOOST_TEST((co_await left_in(of)).size() == 98U);
    });
}

BOOST_AUTO_TEST_CASE(of_an_emptied_stream_forgets_what_was_pending)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        BOOST_TEST((co_await of.broker->remove("orders", ids)).value() == 3U);
        BOOST_TEST((co_await collect(of)) == 0U);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
    });
}

BOOST_AUTO_TEST_CASE(goes_in_steps)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1'000);
        for (std::size_t i = 0; i != 990; ++i)
            co_await acknowledge(of, alice, some(ids, {i}));
        auto done = (co_await of.broker->collect("orders", {}, 10)).value();
        BOOST_TEST(done.removed == 10U);
        BOOST_TEST(done.more);
        done = (co_await of.broker->collect("orders", {}, 500)).value();
        BOOST_TEST(done.more);
        BOOST_TEST(done.removed >= 250U);
        BOOST_TEST(done.removed <= 500U);
        BOOST_TEST(10U + done.removed + (co_await collect(of, 300)) == 990U);
        BOOST_TEST((co_await left_in(of)).size() == 10U);
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 10U);
        // A step that ends where the work does tells so.
        co_await acknowledge(of, alice, std::vector<entry_id>(ids.begin() + 990, ids.end()));
        done = (co_await of.broker->collect("orders", {}, 10)).value();
        BOOST_TEST(done.removed == 10U);
        BOOST_TEST(!done.more);
    });
}

BOOST_AUTO_TEST_CASE(of_long_streams_never_goes_beyond_what_is_needed)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "h");
        auto const ids = co_await of.deliver(alice, 2'000);
        for (auto const& each : co_await of.read_now("orders", "h", "bob", 1'234))
            co_await acknowledge(of, bob, {each.id});
        // Its last ones are pending in the one group, the rest is unread in the other.
        for (std::size_t i = 0; i != 1'500; ++i)
            co_await acknowledge(of, alice, {ids[i]});
        BOOST_TEST((co_await collect(of, 700)) == 1'234U);
        auto const left = co_await left_in(of);
        BOOST_REQUIRE(left.size() == 766U);
        BOOST_TEST(left.front() == "1234");
        BOOST_TEST((co_await of.read_now("orders", "h", "bob")).size() == 766U);
    });
}

BOOST_AUTO_TEST_CASE(never_removes_what_a_group_needs_whatever_was_done)
{
    struct member
    {
        membership who;
        std::set<entry_id> unread;
        std::set<entry_id> pending;
    };

    check([](bed& of) -> asio::awaitable<void> {
        std::mt19937 random(20260112);
        auto const below = [&](std::size_t most) { return std::size_t{random()} % most; };
        std::set<entry_id> present;
        std::array<member, 3> members{
            {{{"orders", "a", "alice"}, {}, {}},
             {{"orders", "b", "bob"}, {}, {}},
             {{"orders", "c", "carol"}, {}, {}}}
        };
        for (auto const& each : members)
            co_await of.ensure_group("orders", each.who.group);
        auto const pick = [&](std::set<entry_id> const& from) {
            return *std::next(
                from.begin(), static_cast<std::ptrdiff_t>(below(std::min<std::size_t>(from.size(), 12)))
            );
        };
        std::uint64_t removed = 0;
        for (int step = 0; step != 3'000; ++step) {
            auto& one = members.at(below(members.size()));
            switch (below(8)) {
            case 0:
            case 1: {
                auto const id = co_await of.append("orders", "x");
                present.insert(id);
                for (auto& each : members)
                    each.unread.insert(id);
                break;
            }
            case 2:
                for (auto const& entry :
                     co_await of.read_now("orders", one.who.group, one.who.consumer, 1 + below(5)))
                {
                    BOOST_REQUIRE((entry.id == *one.unread.begin()));
                    one.unread.erase(entry.id);
                    one.pending.insert(entry.id);
                }
                break;
            case 3:
            case 4:
            case 5:
                if (!one.pending.empty()) {
                    auto const id = pick(one.pending);
                    (void)co_await of.settle(one.who, ending(id));
                    one.pending.erase(id);
                }
                break;
            case 6:
                if (!present.empty() && below(3) == 0) {
                    auto const id = pick(present);
                    BOOST_REQUIRE((co_await of.broker->remove("orders", {&id, 1})).value() == 1U);
                    present.erase(id);
                    for (auto& each : members) {
                        each.unread.erase(id);
                        each.pending.erase(id);
                    }
                }
                break;
            default: {
                auto needed = entry_id::max();
                for (auto const& each : members)
                    for (auto const* const kept : {&each.unread, &each.pending})
                        if (!kept->empty())
                            needed = std::min(needed, *kept->begin());
                removed += co_await collect(of, below(2) == 0 ? 1 + below(10) : 1000);
                present.erase(present.begin(), present.lower_bound(needed));
                std::vector<entry_id> left;
                for (auto const& entry : (co_await of.broker->inspect_entries("orders", {}, 1000)).value())
                    left.push_back(entry.id);
                BOOST_REQUIRE_MESSAGE(
                    std::ranges::equal(left, present),
                    "after step " << step << ": " << left.size() << " are left"
                );
            }
            }
        }
        BOOST_TEST(removed > 100U);
    });
}

BOOST_AUTO_TEST_CASE(without_groups_removes_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        BOOST_TEST((co_await collect(of)) == 0U);
        BOOST_TEST((co_await left_in(of)).size() == 3U);
    });
}

BOOST_AUTO_TEST_CASE(removes_nothing_while_a_group_is_missing)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await acknowledge(of, alice, co_await of.deliver(alice, 3));
        std::array<std::string_view, 2> const wanted{"g", "billing"};
        auto const refused = co_await of.broker->collect("orders", wanted, 100);
        BOOST_REQUIRE(refused.has_error());
        BOOST_TEST(refused.error() == errc::no_group);
        BOOST_TEST(refused.error().words().find("'billing'") != std::string::npos, refused.error());
        BOOST_TEST((co_await left_in(of)).size() == 3U);
        auto const done = co_await of.broker->collect("orders", {wanted.data(), 1}, 100);
        BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
        BOOST_TEST(done->removed == 3U);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_does_not_exist_creates_none)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST((co_await collect(of)) == 0U);
        std::array<std::string_view, 1> const wanted{"g"};
        BOOST_TEST((co_await of.broker->collect("orders", wanted, 1)).error() == errc::no_group);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(takes_a_sensible_count)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const count : {std::size_t{0}, std::size_t{100'001}}) {
            auto const refused = co_await of.broker->collect("orders", {}, count);
            BOOST_TEST(refused.error() == errc::invalid_option);
            BOOST_TEST(refused.error().words().find("count") != std::string::npos);
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
