// Dead letters that become entries once more.

#include "contract/bed.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};

replaying letter(entry_id id, bool for_all = false)
{
    replaying item;
    item.id = id;
    item.for_all = for_all;
    return item;
}

/// Lets all that is pending for the consumer die; the ids of the letters.
asio::awaitable<std::vector<entry_id>> let_die(bed& of, membership who, std::vector<entry_id> ids)
{
    for (auto const id : ids) {
        auto item = ending(id, settle_as::dead);
        item.attempts = 3;
        item.reason = "exhausted";
        item.error = "no connection to the bank";
        item = co_await of.settle(who, item);
        BOOST_REQUIRE(item.state == holding::held);
        BOOST_REQUIRE_MESSAGE(!item.error_of_item, item.error_of_item);
    }
    auto const letters =
        co_await of.broker->inspect_entries(dead_letter_stream(who.stream), entry_id::min(), 1000);
    BOOST_REQUIRE_MESSAGE(letters.has_value(), letters.error());
    std::vector<entry_id> found;
    std::ranges::transform(*letters, std::back_inserter(found), &listed_entry::id);
    co_return found;
}

/// Stores an entry with these headers, lets it die, and replays it.
asio::awaitable<received> die_and_come_back(bed& of, entry_view entry, bool for_all = false)
{
    co_await of.ensure_group("orders", "g");
    auto const id = co_await of.append("orders", entry);
    (void)co_await of.read_now("orders", "g", "alice");
    auto const letters = co_await let_die(of, alice, {id});
    auto item = letter(letters.back(), for_all);
    auto const why = co_await of.broker->replay("orders", {&item, 1});
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    auto const back = co_await of.read_now("orders", "g", "alice");
    BOOST_REQUIRE(back.size() == 1U);
    BOOST_TEST(back[0].id == *item.outcome);
    BOOST_TEST((back[0].id > id));
    co_return back[0];
}

asio::awaitable<std::uint64_t> letters_left(bed& of)
{
    auto const info = co_await of.broker->inspect_stream("{orders}:dead");
    BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
    co_return info->length;
}

} // namespace

BOOST_AUTO_TEST_SUITE(R1_replayed_letters)

BOOST_AUTO_TEST_CASE(are_what_they_were_with_their_origin_and_for_their_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 3> const headers{{{"type", "order"}, {"key", "1"}, {"type", "again"}}};
        auto const back = co_await die_and_come_back(of, {"x", headers});
        BOOST_TEST(back.entry.body.value_or("none") == "x");
        auto const origin = (co_await of.broker->inspect_stream("orders"))->first->to_string();
        std::vector<header> const expected{{"type", "order"},   {"key", "1"},
                                           {"type", "again"},   {"dead-stream", "orders"},
                                           {"dead-id", origin}, {"for-group", "g"}};
        BOOST_TEST((headers_of(back.entry) == expected));
        BOOST_TEST((co_await letters_left(of)) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(stay_where_nobody_would_handle_them_because_their_group_is_gone)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("orders", "other");
        std::vector const ids{co_await of.append("orders", "1"), co_await of.append("orders", "2")};
        (void)co_await of.read_now("orders", "g", "alice");
        auto const letters = co_await let_die(of, alice, ids);
        BOOST_TEST((co_await of.broker->remove_group("orders", "g")).value());
        std::array items{letter(letters[0]), letter(letters[1], true)};
        auto const why = co_await of.broker->replay("orders", items);
        BOOST_TEST(!why, why);
        BOOST_TEST((items[0].outcome.error() == errc::no_group));
        BOOST_TEST(items[1].outcome.has_value());
        BOOST_TEST((co_await letters_left(of)) == 1U);
    });
}

BOOST_AUTO_TEST_CASE(may_be_for_all_groups)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"for-group", "h"}}};
        auto const back = co_await die_and_come_back(of, {"x", headers}, true);
        BOOST_TEST(!back.entry.header("for-group").has_value());
        BOOST_TEST(back.entry.header("dead-stream").has_value());
    });
}

BOOST_AUTO_TEST_CASE(are_for_the_group_of_their_last_death)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"for-group", "h"}}};
        auto const back = co_await die_and_come_back(of, {"x", headers});
        auto const found = headers_of(back.entry);
        BOOST_TEST(std::ranges::count(found, "for-group", &header::name) == 1);
        BOOST_TEST(back.entry.header("for-group").value_or("none") == "g");
    });
}

BOOST_AUTO_TEST_CASE(keep_their_first_origin_when_they_die_again)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const back = co_await die_and_come_back(of, {"x", {}});
        auto const first = std::string(back.entry.header("dead-id").value_or("none"));
        auto const letters = co_await let_die(of, alice, {back.id});
        BOOST_REQUIRE(letters.size() == 1U);
        auto item = letter(letters[0]);
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        auto const again = co_await of.read_now("orders", "g", "alice");
        BOOST_REQUIRE(again.size() == 1U);
        BOOST_TEST(again[0].entry.header("dead-id").value_or("none") == first);
        auto const found = headers_of(again[0].entry);
        for (auto const* const name : {"dead-id", "dead-stream", "for-group"})
            BOOST_TEST(std::ranges::count(found, name, &header::name) == 1, name);
    });
}

BOOST_AUTO_TEST_CASE(may_have_no_body_or_an_empty_one)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"type", "ping"}}};
        auto const bare = co_await die_and_come_back(of, {std::nullopt, headers});
        BOOST_TEST(!bare.entry.body.has_value());
        auto const empty = co_await die_and_come_back(of, {"", headers});
        BOOST_REQUIRE(empty.entry.body.has_value());
        BOOST_TEST(empty.entry.body->empty());
    });
}

BOOST_AUTO_TEST_CASE(are_not_asked_for_their_idempotency_key)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const id = co_await of.append(once("orders", "x", "k"));
        (void)co_await of.read_now("orders", "g", "alice");
        auto const letters = co_await let_die(of, alice, {id});
        auto item = letter(letters.at(0));
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        BOOST_REQUIRE(item.outcome.has_value());
        BOOST_TEST((*item.outcome > id));
    });
}

BOOST_AUTO_TEST_CASE(come_in_the_order_asked_for_each_with_its_outcome)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        auto const letters = co_await let_die(of, alice, ids);
        BOOST_REQUIRE(letters.size() == 4U);
        std::array items{letter(letters[2]), letter(entry_id{1, 1}), letter(letters[0]), letter(letters[2])};
        BOOST_TEST(!(co_await of.broker->replay("orders", items)));
        BOOST_TEST(items[0].outcome.has_value());
        BOOST_TEST(items[2].outcome.has_value());
        for (auto const i : {1U, 3U}) {
            BOOST_REQUIRE(items.at(i).outcome.has_error());
            BOOST_TEST(items.at(i).outcome.error() == errc::no_entry);
            BOOST_TEST(
                items.at(i).outcome.error().words().find(items.at(i).id.to_string()) != std::string::npos
            );
        }
        auto const back = co_await of.read_now("orders", "g", "alice");
        BOOST_TEST(bodies_of(back) == (std::vector<std::string>{"2", "0"}), per_element());
        BOOST_TEST((co_await letters_left(of)) == 2U);
    });
}

BOOST_AUTO_TEST_CASE(become_one_entry_each_whoever_replays_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 100);
        auto const letters = co_await let_die(of, alice, ids);
        auto const replay_all = [](broker_ptr by,
                                   std::vector<replaying> items) -> asio::awaitable<std::size_t> {
            std::size_t done = 0;
            for (std::size_t i = 0; i < items.size(); i += 10) {
                auto const some = std::span(items).subspan(i, 10);
                auto const why = co_await by->replay("orders", some);
                BOOST_TEST(!why, why);
                for (auto const& item : some)
                    if (item.outcome.has_value())
                        ++done;
                    else
                        BOOST_TEST(item.outcome.error() == errc::no_entry);
            }
            co_return done;
        };
        std::vector<replaying> items;
        for (auto const id : letters)
            items.push_back(letter(id));
        std::vector<started<std::size_t>> working;
        for (int i = 0; i != 4; ++i) {
            working.push_back(of.start(replay_all(of.broker, items)));
            std::ranges::rotate(items, items.begin() + 25);
        }
        std::size_t done = 0;
        for (auto& each : working)
            done += co_await each.get();
        BOOST_TEST(done == 100U);
        BOOST_TEST((co_await letters_left(of)) == 0U);
        auto bodies = bodies_of(co_await of.read_now("orders", "g", "alice"));
        BOOST_TEST(bodies.size() == 100U);
        std::ranges::sort(bodies);
        BOOST_TEST((std::ranges::adjacent_find(bodies) == bodies.end()));
    });
}

BOOST_AUTO_TEST_CASE(wake_who_waits_for_entries)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        auto const letters = co_await let_die(of, alice, ids);
        auto const reader = of.broker->make_reader("g", "bob");
        auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        auto item = letter(letters.at(0));
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        BOOST_TEST((co_await waiting.get()).entries.size() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_without_any_are_missed_one_by_one)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto item = letter({1, 1});
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        BOOST_REQUIRE(item.outcome.has_error());
        BOOST_TEST(item.outcome.error() == errc::no_entry);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(that_tell_of_their_death_alone_stay)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"dead-reason", "exhausted"}}};
        auto const id = co_await of.append("{orders}:dead", {std::nullopt, headers});
        auto item = letter(id);
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        BOOST_REQUIRE(item.outcome.has_error());
        BOOST_TEST(item.outcome.error() == errc::server_error);
        BOOST_TEST((co_await letters_left(of)) == 1U);
    });
}

BOOST_AUTO_TEST_CASE(are_at_most_500_of_a_good_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<replaying> items(501);
        auto const why = co_await of.broker->replay("orders", items);
        BOOST_TEST(why == errc::invalid_option);
        BOOST_TEST(why.words().find("letters") != std::string::npos);
        BOOST_TEST((co_await of.broker->replay("a}b", {items.data(), 1})) == errc::invalid_name);
        BOOST_TEST(!(co_await of.broker->replay("orders", {})));
    });
}

BOOST_AUTO_TEST_CASE(R1_comes_back_in_order_also_where_letters_are_large)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        std::vector<entry_id> ids;
        for (char i = 0; i != 10; ++i)
            ids.push_back(co_await of.append("orders", std::string(1'000'000, static_cast<char>('a' + i))));
        (void)co_await of.read_now("orders", "g", "alice");
        auto const letters = co_await let_die(of, alice, ids);
        std::vector<replaying> items;
        for (auto const id : letters)
            items.push_back(letter(id));
        items.push_back(letter({1, 1}));
        auto const why = co_await of.broker->replay("orders", items);
        BOOST_REQUIRE_MESSAGE(!why, why);
        BOOST_TEST((items.back().outcome.error() == errc::no_entry));
        items.pop_back();
        auto const back = co_await of.read_now("orders", "g", "alice");
        BOOST_REQUIRE(back.size() == items.size());
        for (std::size_t i = 0; i != back.size(); ++i) {
            BOOST_TEST(back[i].id == items[i].outcome.value());
            BOOST_TEST(back[i].entry.body.value().front() == static_cast<char>('a' + static_cast<char>(i)));
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
