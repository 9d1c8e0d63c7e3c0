#include "memory/group.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline;
using namespace strandline::memory;
using namespace std::chrono_literals;
using boost::test_tools::per_element;

namespace {

constexpr instant start{1000ms};

struct counting_bell final : bell
{
    void ring() override { ++rings; }

    int rings = 0;
};

/// Entries 1000-0 to 1000-4, read by alice.
struct filled
{
    filled()
    {
        for (int i = 0; i != 5; ++i)
            entries.append({"x", {}}, start);
        std::vector<received> out;
        of.read(entries, alice, 100, start, 0, out);
    }

    static entry_id id(std::uint64_t seq) { return {1000, seq}; }

    entry_log entries;
    group of{entry_id::min()};
    consumer& alice = of.join("alice", start);
    consumer& bob = of.join("bob", start);
};

std::vector<entry_id> ids_of(std::vector<pending_entry> const& entries)
{
    std::vector<entry_id> ids;
    for (auto const& entry : entries)
        ids.push_back(entry.id);
    return ids;
}

settlement releasing(entry_id id, std::chrono::milliseconds idle)
{
    settlement item;
    item.id = id;
    item.as = settle_as::released;
    item.idle = idle;
    return item;
}

} // namespace

BOOST_AUTO_TEST_SUITE(group_of_memory)

BOOST_FIXTURE_TEST_CASE(a_lease_runs_out_to_the_millisecond, filled)
{
    auto taken = of.claim(entries, bob, 100ms, {}, 10, start + 99ms);
    BOOST_TEST(taken.entries.empty());
    of.renew(entries, &alice, id(2), start + 99ms);
    taken = of.claim(entries, bob, 100ms, {}, 10, start + 100ms);
    BOOST_TEST(ids_of(taken.entries) == (std::vector{id(0), id(1), id(3), id(4)}), per_element());
    BOOST_TEST(alice.pending == 1);
    BOOST_TEST(bob.pending == 4);
    // Claimed just now.
    BOOST_TEST(of.claim(entries, alice, 100ms, {}, 10, start + 198ms).entries.empty());
    BOOST_TEST(of.claim(entries, alice, 100ms, {}, 10, start + 199ms).entries.size() == 1);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_old_when_the_clock_goes_back, filled)
{
    BOOST_TEST(of.claim(entries, bob, 1ms, {}, 10, start - 1h).entries.empty());
    BOOST_TEST(of.claim(entries, bob, 0ms, {}, 10, start - 1h).entries.size() == 5);
}

BOOST_FIXTURE_TEST_CASE(any_idle_time_can_be_given, filled)
{
    of.release(entries, &alice, releasing(id(0), std::chrono::milliseconds::max()), start);
    of.release(entries, &alice, releasing(id(1), std::chrono::milliseconds::min()), start);
    auto const taken = of.claim(entries, bob, std::chrono::hours(24 * 365 * 1000), {}, 10, start + 1h);
    BOOST_TEST(ids_of(taken.entries) == (std::vector{id(0)}), per_element());
}

BOOST_FIXTURE_TEST_CASE(a_claim_looks_at_ten_for_each_it_may_take, filled)
{
    for (int i = 0; i != 100; ++i)
        entries.append({"x", {}}, start);
    std::vector<received> out;
    of.read(entries, alice, 100, start, 0, out);
    auto taken = of.claim(entries, bob, 1h, {}, 3, start);
    BOOST_TEST(taken.cursor == id(30));
    taken = of.claim(entries, bob, 1h, taken.cursor, 7, start);
    BOOST_TEST(taken.cursor == id(100));
    taken = of.claim(entries, bob, 1h, taken.cursor, 7, start);
    BOOST_TEST(taken.cursor == entry_id::min());
    BOOST_TEST(of.claim(entries, bob, 0ms, id(2), 0, start).cursor == id(2));
    BOOST_TEST(of.claim(entries, bob, 0ms, {}, std::size_t(-1), start).entries.size() == 105);
}

BOOST_FIXTURE_TEST_CASE(a_claim_does_not_look_at_what_was_settled, filled)
{
    for (int i = 0; i != 5; ++i)
        entries.append({"x", {}}, start);
    std::vector<received> out;
    of.read(entries, alice, 100, start, 0, out);
    for (std::uint64_t i = 0; i != 8; ++i)
        BOOST_TEST(of.acknowledge(&alice, id(i)) == holding::held);
    auto const taken = of.claim(entries, bob, 0ms, {}, 1, start);
    BOOST_TEST(ids_of(taken.entries) == (std::vector{id(8)}), per_element());
    BOOST_TEST(taken.cursor == id(9));
}

BOOST_FIXTURE_TEST_CASE(what_was_removed_is_gone_and_no_longer_pending, filled)
{
    entries.remove_before(id(3));
    taking wanted;
    wanted.id = id(0);
    of.take(entries, &alice, wanted, start);
    BOOST_TEST(wanted.state == holding::gone);
    of.take(entries, &alice, wanted, start);
    BOOST_TEST(wanted.state == holding::lost);
    BOOST_TEST(of.renew(entries, &alice, id(1), start) == holding::gone);
    BOOST_TEST(of.release(entries, &alice, releasing(id(2), 0ms), start) == holding::gone);
    BOOST_TEST(alice.pending == 2);
    BOOST_TEST(of.pending().size() == 2);
}

BOOST_FIXTURE_TEST_CASE(what_was_removed_is_told_by_a_claim_whatever_its_age, filled)
{
    entries.remove_before(id(3));
    auto taken = of.claim(entries, bob, 1h, {}, 2, start);
    BOOST_TEST(taken.gone == (std::vector{id(0), id(1)}), per_element());
    BOOST_TEST(taken.cursor == id(2));
    taken = of.claim(entries, bob, 0ms, taken.cursor, 2, start);
    BOOST_TEST(taken.gone == (std::vector{id(2)}), per_element());
    BOOST_TEST(ids_of(taken.entries) == (std::vector{id(3)}), per_element());
    BOOST_TEST(alice.pending == 1);
    BOOST_TEST(bob.pending == 1);
}

BOOST_FIXTURE_TEST_CASE(what_was_removed_can_be_acknowledged, filled)
{
    entries.remove_before(entry_id::max());
    BOOST_TEST(of.acknowledge(&alice, id(0)) == holding::held);
    BOOST_TEST(of.acknowledge(&alice, id(0)) == holding::lost);
}

BOOST_AUTO_TEST_CASE(bells_ring_one_by_one)
{
    group of(entry_id::min());
    counting_bell first;
    counting_bell second;
    of.ring_next(); // nobody waits
    of.wait(first);
    of.wait(second);
    of.ring_next();
    BOOST_TEST(first.rings == 1);
    BOOST_TEST(second.rings == 0);
    of.wait(first);
    of.ring_next();
    of.leave(first);
    of.leave(first);
    of.ring_next();
    BOOST_TEST(first.rings == 1);
    BOOST_TEST(second.rings == 1);
}

BOOST_AUTO_TEST_CASE(who_leaves_entries_rings_for_the_next)
{
    entry_log entries;
    group of(entry_id::min());
    auto& alice = of.join("alice", start);
    for (int i = 0; i != 3; ++i)
        entries.append({"x", {}}, start);
    counting_bell next;
    of.wait(next);
    std::vector<received> out;
    of.read(entries, alice, 2, start, 0, out);
    BOOST_TEST(next.rings == 1);
    of.wait(next);
    of.read(entries, alice, 1, start, 0, out);
    BOOST_TEST(next.rings == 1);
    BOOST_TEST(out.size() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
