// Who has a name, and the lease of a group.

#include "contract/bed.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

/// A name of two processes, and another name.
membership const old_alice{"orders", "g", "alice", "old"};
membership const new_alice{"orders", "g", "alice", "new"};
membership const bob{"orders", "g", "bob", "bob's"};

bool names(failure const& why, std::string_view what)
{
    return why.words().find(what) != std::string_view::npos;
}

asio::awaitable<void> join(bed& of, membership who, bool take_over = true)
{
    auto const why = co_await of.broker->join(who, lease, take_over);
    BOOST_REQUIRE_MESSAGE(!why, why);
}

asio::awaitable<std::vector<std::string>> names_in(bed& of, std::string_view group = "g")
{
    auto const infos = co_await of.broker->inspect_consumers("orders", group);
    BOOST_REQUIRE(infos.has_value());
    std::vector<std::string> all;
    for (auto const& info : *infos)
        all.push_back(info.name);
    std::ranges::sort(all);
    co_return all;
}

/// Every operation that checks says that the name is another's now.
asio::awaitable<void> all_say_that_it_is_taken(bed& of, membership who, entry_id id)
{
    auto& broker = *of.broker;
    auto wanted = asking(id);
    auto why = co_await broker.take(who, {&wanted, 1});
    BOOST_TEST(why == errc::name_taken);
    BOOST_TEST(names(why, who.consumer), why);
    BOOST_TEST(names(why, who.group), why);
    BOOST_TEST(names(why, who.stream), why);
    BOOST_TEST((co_await broker.claim(who, 0ms, {}, 10)).error() == errc::name_taken);
    auto state = holding::held;
    BOOST_TEST((co_await broker.renew(who, {&id, 1}, {&state, 1})) == errc::name_taken);
    BOOST_TEST((co_await broker.renew(who, {}, {})) == errc::name_taken);
    for (auto const as : {settle_as::acknowledged, settle_as::released, settle_as::dead}) {
        auto item = ending(id, as);
        BOOST_TEST((co_await broker.settle(who, {&item, 1})) == errc::name_taken);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(L2_a_name_has_one_owner)

BOOST_AUTO_TEST_CASE(the_newest_process_wins)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 2);
        co_await join(of, old_alice);
        BOOST_TEST((co_await of.take(old_alice, ids[0])).state == holding::held);
        co_await join(of, new_alice);
        co_await all_say_that_it_is_taken(of, old_alice, ids[0]);

        // Nothing was changed, and the new one has it all.
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 2);
        BOOST_TEST(pending[0].attempts == 2U);
        BOOST_TEST((co_await of.take(new_alice, ids[0])).attempt == 3U);
        BOOST_TEST((co_await of.renew(new_alice, ids[1])) == holding::held);
        BOOST_TEST((co_await of.settle(new_alice, ending(ids[0]))).state == holding::held);
        BOOST_TEST((co_await of.settle(new_alice, ending(ids[1], settle_as::dead))).state == holding::held);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
    });
}

BOOST_AUTO_TEST_CASE(a_second_one_can_be_refused)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, old_alice, false);
        auto const why = co_await of.broker->join(new_alice, lease, false);
        BOOST_TEST(why == errc::name_taken);
        BOOST_TEST(names(why, "alice"), why);
        BOOST_TEST(!(co_await of.broker->renew(old_alice, {}, {})));
        BOOST_TEST((co_await of.broker->renew(new_alice, {}, {})) == errc::name_taken);
        // Its own again, and that of somebody who left.
        co_await join(of, old_alice, false);
        BOOST_TEST(!(co_await of.broker->leave(old_alice)));
        co_await join(of, new_alice, false);
        BOOST_TEST((co_await of.broker->renew(old_alice, {}, {})) == errc::name_taken);
    });
}

BOOST_AUTO_TEST_CASE(is_not_checked_without_a_token)
{
    check([](bed& of) -> asio::awaitable<void> {
        membership const nobody{"orders", "g", "alice"};
        auto const ids = co_await of.deliver(nobody, 3);
        co_await join(of, new_alice);
        BOOST_TEST((co_await of.take(nobody, ids[0])).state == holding::held);
        BOOST_TEST((co_await of.renew(nobody, ids[0])) == holding::held);
        BOOST_TEST(!(co_await of.broker->renew(nobody, {}, {})));
        co_await of.claim(nobody);
        BOOST_TEST((co_await of.settle(nobody, ending(ids[0]))).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(no_token_stored_is_no_error)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 2);
        BOOST_TEST((co_await of.take(old_alice, ids[0])).state == holding::held);
        co_await of.claim(old_alice);
        BOOST_TEST(!(co_await of.broker->renew(old_alice, {}, {})));
        BOOST_TEST((co_await of.settle(old_alice, ending(ids[0]))).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(of_one_group_and_one_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const stream : {"orders", "users"})
            for (auto const group : {"g", "h"})
                co_await of.ensure_group(stream, group);
        co_await join(of, new_alice);
        BOOST_TEST(!(co_await of.broker->renew({"users", "g", "alice", "old"}, {}, {})));
        BOOST_TEST(!(co_await of.broker->renew({"orders", "h", "alice", "old"}, {}, {})));
        BOOST_TEST(!(co_await of.broker->renew({"orders", "g", "bob", "old"}, {}, {})));
    });
}

BOOST_AUTO_TEST_CASE(whatever_it_is)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string const odd("\r\n\0 owner:lease\xFF", 17);
        for (auto const& [stream, group, consumer] :
             {std::tuple(odd, odd, odd), std::tuple(std::string("{a}b"), std::string("lease"), std::string())
             })
        {
            membership const old{stream, group, consumer, "old"};
            co_await of.ensure_group(stream, group);
            co_await join(of, old);
            BOOST_TEST(!(co_await of.broker->renew(old, {}, {})));
            co_await join(of, {stream, group, consumer, odd});
            BOOST_TEST((co_await of.broker->renew(old, {}, {})) == errc::name_taken);
            BOOST_TEST(!(co_await of.broker->renew({stream, group, consumer, odd}, {}, {})));
            auto const differs = co_await of.broker->join({stream, group, "c", "t"}, lease * 2, true);
            BOOST_TEST(differs == errc::lease_differs);
            BOOST_TEST(names(differs, consumer), differs);
            BOOST_TEST(!(co_await of.broker->leave({stream, group, consumer, odd})));
        }
    });
}

BOOST_AUTO_TEST_CASE(joining_creates_the_name_and_keeps_what_it_has)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, bob);
        BOOST_TEST((co_await names_in(of)) == std::vector<std::string>{"bob"}, per_element());
        auto const ids = co_await of.deliver(old_alice, 2);
        co_await join(of, new_alice);
        auto const own = co_await of.broker->backlog(new_alice, {}, 10);
        BOOST_TEST(ids_of(*own) == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(nobody_joins_without_token_lease_or_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.join(bob, lease, true)) == errc::no_group);
        BOOST_TEST((co_await broker.leave(bob)) == errc::no_group);
        BOOST_TEST((co_await broker.remove_idle("orders", "g", 0ms)).error() == errc::no_group);
        co_await of.ensure_group("orders", "h");
        BOOST_TEST((co_await broker.join(bob, lease, true)) == errc::no_group);
        BOOST_TEST((co_await broker.leave(bob)) == errc::no_group);
        BOOST_TEST((co_await broker.remove_idle("orders", "g", 0ms)).error() == errc::no_group);
        co_await of.ensure_group("orders", "g");
        BOOST_TEST((co_await broker.join({"orders", "g", "bob"}, lease, true)) == errc::invalid_option);
        BOOST_TEST((co_await broker.join(bob, 0ms, true)) == errc::invalid_option);
        BOOST_TEST((co_await names_in(of)).empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(L1_the_lease_belongs_to_the_group)

BOOST_AUTO_TEST_CASE(another_value_is_refused_with_a_way_out)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, bob);
        auto const why = co_await of.broker->join(new_alice, lease + 1ms, true);
        BOOST_TEST(why == errc::lease_differs);
        for (auto const* what : {"1800000 ms", "1800001 ms", "orders", "g", "bob", "stop"})
            BOOST_TEST(names(why, what), why);
        // Nothing was stored.
        BOOST_TEST(!(co_await of.broker->renew(old_alice, {}, {})));
        co_await join(of, old_alice);
    });
}

BOOST_AUTO_TEST_CASE(the_only_one_may_change_it)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, old_alice);
        // The same name started again with another configuration.
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease * 2, true)));
        BOOST_TEST((co_await of.broker->join(bob, lease, true)) == errc::lease_differs);
        BOOST_TEST(!(co_await of.broker->join(bob, lease * 2, true)));
        BOOST_TEST(!(co_await of.broker->leave(new_alice)));
        BOOST_TEST(!(co_await of.broker->join(bob, lease, true)));
        BOOST_TEST((co_await of.broker->join(new_alice, lease * 2, true)) == errc::lease_differs);
    });
}

BOOST_AUTO_TEST_CASE(one_that_has_left_deliveries_behind_does_not_count)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(bob, 1);
        co_await join(of, bob);
        BOOST_TEST(!(co_await of.broker->leave(bob)));
        BOOST_TEST((co_await names_in(of)) == std::vector<std::string>{"bob"}, per_element());
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease * 2, true)));
    });
}

BOOST_AUTO_TEST_CASE(of_each_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("orders", "h");
        co_await join(of, bob);
        BOOST_TEST(!(co_await of.broker->join({"orders", "h", "bob", "t"}, lease * 2, true)));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(L7_names_go)

BOOST_AUTO_TEST_CASE(at_a_clean_stop)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 1);
        co_await join(of, old_alice);
        co_await join(of, bob);
        co_await of.settle(old_alice, ending(ids[0]));
        BOOST_TEST(!(co_await of.broker->leave(old_alice)));
        BOOST_TEST((co_await names_in(of)) == std::vector<std::string>{"bob"}, per_element());
        // The token went, too; and again does no harm.
        BOOST_TEST(!(co_await of.broker->leave(old_alice)));
        co_await join(of, new_alice, false);
    });
}

BOOST_AUTO_TEST_CASE(not_with_something_pending)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 1);
        co_await join(of, old_alice);
        BOOST_TEST(!(co_await of.broker->leave(old_alice)));
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 0U);
        BOOST_TEST((co_await of.take(old_alice, ids[0])).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(not_when_they_are_another_processes)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, new_alice);
        BOOST_TEST((co_await of.broker->leave(old_alice)) == errc::name_taken);
        BOOST_TEST((co_await of.broker->leave({"orders", "g", "alice"})) == errc::name_taken);
        BOOST_TEST((co_await names_in(of)) == std::vector<std::string>{"alice"}, per_element());
        BOOST_TEST((co_await of.broker->renew(old_alice, {}, {})) == errc::name_taken);
    });
}

BOOST_AUTO_TEST_CASE(when_idle_and_empty)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 1);
        co_await join(of, old_alice);
        co_await join(of, bob);
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", lease)).value() == 0U);
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 1U);
        BOOST_TEST((co_await names_in(of)) == std::vector<std::string>{"alice"}, per_element());
        co_await of.settle(old_alice, ending(ids[0]));
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 1U);
        BOOST_TEST((co_await names_in(of)).empty());
        // With their tokens.
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease * 2, false)));
    });
}

BOOST_AUTO_TEST_CASE(at_most_five_hundred_in_a_call)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        for (int i = 0; i != 501; ++i)
            co_await join(of, {"orders", "g", "c" + std::to_string(i), "t"});
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 500U);
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(not_the_others_deliveries)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(bob, 2);
        co_await join(of, old_alice);
        BOOST_TEST(!(co_await of.broker->leave(old_alice)));
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", 0ms)).value() == 0U);
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 2);
    });
}

BOOST_AUTO_TEST_CASE(not_while_they_are_in_use)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await join(of, bob);
        auto const idle = [&]() -> asio::awaitable<std::chrono::milliseconds> {
            auto const infos = co_await of.broker->inspect_consumers("orders", "g");
            co_return infos.value().at(0).idle;
        };
        // By itself it only grows, whatever the machine does meanwhile.
        for (;;) {
            auto const before = co_await idle();
            BOOST_TEST(!(co_await of.broker->renew(bob, {}, {})));
            if (co_await idle() < before)
                break;
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
