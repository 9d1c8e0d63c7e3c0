// R1: dead letters as their readers see them, and what becomes of them.

#include "pipeline/stage.hpp"

#include <strandline/dead_letters.hpp>
#include <strandline/names.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Publishes so many events, numbered, and has the group give them up.
asio::awaitable<void> bury(
    stage& of, std::string stream, std::string group, std::size_t count, std::string reason = "rejected",
    headers with = {}
)
{
    for (std::size_t i = 0; i != count; ++i)
        co_await of.publish(stream, std::to_string(i), with);
    auto why = co_await of.broker->ensure_group(stream, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::vector<received> entries;
    std::string_view const name = stream;
    why = co_await of.broker->make_reader(group, "clerk")->read({&name, 1}, 10'000, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::span<received const> rest = entries;
    while (!rest.empty()) {
        auto const now = rest.first(std::min<std::size_t>(rest.size(), 500));
        rest = rest.subspan(now.size());
        std::vector<settlement> items;
        for (auto const& one : now)
            items.push_back(
                {.id = one.id,
                 .as = settle_as::dead,
                 .attempts = 3,
                 .reason = reason,
                 .error = "no such account"}
            );
        why = co_await of.broker->settle({stream, group, "clerk"}, items);
        BOOST_REQUIRE_MESSAGE(!why, why);
    }
}

asio::awaitable<std::vector<entry_id>> ids_in(stage& of, std::string stream)
{
    auto const page = co_await dead_letters(of.broker).async_list(stream, {}, entry_id::min(), 1000);
    BOOST_TEST(!page.next);
    std::vector<entry_id> ids;
    std::ranges::transform(page.letters, std::back_inserter(ids), &dead_letter::id);
    co_return ids;
}

asio::awaitable<std::size_t> count_of(stage& of, std::string stream, dead_letter_filter which)
{
    co_return (co_await dead_letters(of.broker).async_list(stream, which, entry_id::min(), 1000))
        .letters.size();
}

std::vector<std::string> bodies_of(std::vector<stored> const& entries)
{
    std::vector<std::string> bodies;
    for (auto const& one : entries)
        bodies.push_back(one.body.value_or(""));
    return bodies;
}

using replay_end = std::tuple<failure, replay_report>;

asio::awaitable<replay_end> replay_everything(broker_ptr on, replay_options how = {})
{
    auto [why, report] = co_await dead_letters(on).async_replay_all("orders", {}, how, asio::as_tuple);
    co_return replay_end{why, report};
}

} // namespace

BOOST_AUTO_TEST_SUITE(dead_letters_)

BOOST_AUTO_TEST_CASE(say_what_happened_to_which_event)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 1, "exhausted", {{"type", "sale"}});
        dead_letters const letters(of.broker);
        auto const page = co_await letters.async_list("orders", {}, entry_id::min(), 10);
        BOOST_REQUIRE(page.letters.size() == 1);
        BOOST_TEST(!page.next);
        auto const& one = page.letters.front();
        BOOST_TEST(one.content.body.value() == "0");
        BOOST_TEST((one.content.headers == headers{{"type", "sale"}}));
        BOOST_TEST(one.stream == "orders");
        BOOST_TEST(one.entry == (co_await of.stored_in("orders")).front().id);
        BOOST_TEST(one.group == "billing");
        BOOST_TEST(one.consumer == "clerk");
        BOOST_TEST(one.reason == "exhausted");
        BOOST_TEST(one.error == "no such account");
        BOOST_TEST(one.attempts == 3U);
        BOOST_TEST(one.at().time_since_epoch().count() == static_cast<std::int64_t>(one.id.ms));

        auto const same = co_await letters.async_inspect("orders", one.id);
        BOOST_TEST(same.id == one.id);
        BOOST_TEST(same.error == one.error);
        auto const [why, none] = co_await letters.async_inspect("orders", *one.id.next(), asio::as_tuple);
        BOOST_TEST((why == errc::no_entry));
    });
}

BOOST_AUTO_TEST_CASE(are_none_where_nothing_died)
{
    check([](stage& of) -> asio::awaitable<void> {
        dead_letters const letters(of.broker);
        BOOST_TEST((co_await letters.async_list("orders", {}, entry_id::min(), 10)).letters.empty());
        auto const count = co_await letters.async_count("orders");
        BOOST_TEST(count.count == 0U);
        BOOST_TEST(!count.oldest);
        BOOST_TEST((co_await letters.async_replay_all("orders")).replayed.empty());
        BOOST_TEST((co_await letters.async_purge("orders", {})) == 0U);
        auto const [why, none] = co_await letters.async_inspect("orders", {1, 1}, asio::as_tuple);
        BOOST_TEST((why == errc::no_entry));
    });
}

BOOST_AUTO_TEST_CASE(come_in_pages)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 7);
        dead_letters const letters(of.broker);
        std::vector<std::string> bodies;
        auto position = entry_id::min();
        for (std::size_t const expected : {3U, 3U, 1U}) {
            auto const page = co_await letters.async_list("orders", {}, position, 3);
            BOOST_TEST(page.letters.size() == expected);
            for (auto const& one : page.letters)
                bodies.push_back(one.content.body.value());
            BOOST_TEST(page.next.has_value() == (expected == 3));
            position = page.next.value_or(entry_id::max());
        }
        BOOST_TEST(
            bodies == (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6"}),
            boost::test_tools::per_element()
        );
        auto const count = co_await letters.async_count("orders");
        BOOST_TEST(count.count == 7U);
        BOOST_TEST((count.oldest < count.newest));
    });
}

BOOST_AUTO_TEST_CASE(are_found_by_group_reason_and_type_also_when_few_of_many)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 700);
        co_await bury(of, "orders", "shipping", 2, "exhausted", {{"type", "sale"}});
        // The second group has read the first events, too.
        BOOST_TEST((co_await count_of(of, "orders", {.group = "billing"})) == 700U);
        BOOST_TEST((co_await count_of(of, "orders", {.group = "shipping"})) == 702U);
        BOOST_TEST((co_await count_of(of, "orders", {.reason = "rejected"})) == 700U);
        BOOST_TEST((co_await count_of(of, "orders", {.type = "sale"})) == 2U);
        BOOST_TEST((co_await count_of(of, "orders", {.group = "billing", .type = "sale"})) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(are_found_by_age)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 3);
        BOOST_TEST((co_await count_of(of, "orders", {.older_than = 1h})) == 0U);
        BOOST_TEST((co_await count_of(of, "orders", {.younger_than = 1h})) == 3U);
        BOOST_TEST((co_await dead_letters(of.broker).async_purge("orders", {.older_than = 1h})) == 0U);
        auto const [why, none] = co_await dead_letters(of.broker).async_list(
            "orders", {.older_than = -1ms}, entry_id::min(), 10, asio::as_tuple
        );
        BOOST_TEST((why == errc::invalid_option));
    });
}

BOOST_AUTO_TEST_CASE(are_replayed_in_the_order_asked_for)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 3);
        auto const ids = co_await ids_in(of, "orders");
        auto const report = co_await dead_letters(of.broker).async_replay("orders", {ids[2], ids[0], ids[2]});
        BOOST_TEST(report.replayed.size() == 2U);
        BOOST_TEST(report.missing == std::vector{ids[2]}, boost::test_tools::per_element());
        auto const entries = co_await of.stored_in("orders");
        BOOST_TEST(
            bodies_of(entries) == (std::vector<std::string>{"0", "1", "2", "2", "0"}),
            boost::test_tools::per_element()
        );
        BOOST_TEST(entries[3].id == report.replayed[0]);
        BOOST_TEST(entries[4].id == report.replayed[1]);
        BOOST_TEST((co_await ids_in(of, "orders")) == std::vector{ids[1]}, boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_each_replayed_once_by_two_who_replay_all_at_the_same_time)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 1200);
        started<replay_end> first(of.strand(), replay_everything(of.broker));
        started<replay_end> second(of.strand(), replay_everything(of.broker));
        auto const [why, report] = co_await first.get();
        auto const [other_why, other] = co_await second.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(!other_why, other_why);
        BOOST_TEST(report.replayed.size() + other.replayed.size() == 1200U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 2400U);
        BOOST_TEST((co_await ids_in(of, "orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(of_which_no_entry_can_be_made_stay_and_keep_no_others)
{
    check([](stage& of) -> asio::awaitable<void> {
        // It has nothing but what tells of its death.
        std::vector<header_view> const death{{"dead-reason", "exhausted"}};
        std::vector<appending> items(1);
        items[0].stream = "{orders}:dead";
        items[0].entry = {std::nullopt, death};
        co_await of.broker->append(items);
        BOOST_REQUIRE(items[0].outcome.has_value());
        co_await bury(of, "orders", "billing", 700);
        auto const [why, report] = co_await replay_everything(of.broker);
        BOOST_TEST((why == errc::server_error));
        BOOST_TEST((why.words().find(items[0].outcome->to_string()) != std::string_view::npos), why);
        BOOST_TEST(report.replayed.size() == 700U);
        BOOST_TEST(
            (co_await ids_in(of, "orders")) == std::vector{*items[0].outcome},
            boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(go_to_all_groups_when_asked_to)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 2);
        auto const ids = co_await ids_in(of, "orders");
        dead_letters const letters(of.broker);
        co_await letters.async_replay("orders", {ids[0]});
        co_await letters.async_replay("orders", {ids[1]}, {.for_all = true});
        auto const entries = co_await of.stored_in("orders");
        auto const meant_for = [&](std::size_t i) {
            auto const found = std::ranges::find(entries[i].headers, header_names::for_group, &header::name);
            return found == entries[i].headers.end() ? "" : found->value;
        };
        BOOST_TEST(meant_for(2) == "billing");
        BOOST_TEST(meant_for(3) == "");
    });
}

BOOST_AUTO_TEST_CASE(that_die_again_during_a_replay_of_all_are_not_replayed_for_ever)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 4);
        auto const options = in_group("billing");
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", [runs](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw reject("still");
            co_return;
        });
        auto running = of.start(clerk);
        // One at a time, each dead again before the next.
        auto const [why, report] = co_await replay_everything(of.broker, {.per_second = 1000});
        BOOST_TEST(!why, why);
        BOOST_TEST(report.replayed.size() == 4U);
        co_await runs->reach(4);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(running)).dead == 4U);
        auto const page = co_await dead_letters(of.broker).async_list("orders", {}, entry_id::min(), 10);
        BOOST_TEST(page.letters.size() == 4U);
        for (auto const& one : page.letters)
            BOOST_TEST(one.stream == "orders");
    });
}

BOOST_AUTO_TEST_CASE(are_replayed_no_faster_than_asked_and_until_cancelled)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 5);
        auto const signal = std::make_shared<asio::cancellation_signal>();
        // The second one would come after a second.
        started<replay_end> replaying(of.strand(), [](broker_ptr on, auto by) -> asio::awaitable<replay_end> {
            auto [why, report] = co_await dead_letters(on).async_replay_all(
                "orders", {}, {.per_second = 1},
                asio::bind_cancellation_slot(by->slot(), asio::as_tuple(asio::use_awaitable))
            );
            co_return replay_end{why, report};
        }(of.broker, signal));
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await of.broker->inspect_stream("orders"))->length == 6;
        });
        signal->emit(asio::cancellation_type::total);
        auto const [why, report] = co_await replaying.get();
        BOOST_TEST((why.code() == error_code(asio::error::operation_aborted)));
        BOOST_TEST(report.replayed.size() == 1U);
        BOOST_TEST((co_await ids_in(of, "orders")).size() == 4U);
    });
}

BOOST_AUTO_TEST_CASE(are_removed_and_purged)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await bury(of, "orders", "billing", 1100);
        dead_letters const letters(of.broker);
        auto const page = co_await letters.async_list("orders", {}, entry_id::min(), 2);
        std::vector const ids{page.letters[0].id, page.letters[1].id};
        BOOST_TEST((co_await letters.async_remove("orders", {ids[0], ids[1], ids[0]})) == 2U);
        BOOST_TEST((co_await letters.async_purge("orders", {.group = "shipping"})) == 0U);
        BOOST_TEST((co_await letters.async_purge("orders", {.group = "billing"})) == 1098U);
        BOOST_TEST((co_await letters.async_count("orders")).count == 0U);
        // Of the events themselves nothing goes.
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 1100U);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_cannot_be_are_refused)
{
    check([](stage& of) -> asio::awaitable<void> {
        dead_letters const letters(of.broker);
        for (auto const* name : {"", "a}b"}) {
            auto const [listed, page] =
                co_await letters.async_list(name, {}, entry_id::min(), 1, asio::as_tuple);
            BOOST_TEST((listed == errc::invalid_name));
            auto const [counted, count] = co_await letters.async_count(name, asio::as_tuple);
            BOOST_TEST((counted == errc::invalid_name));
            auto const [seen, one] = co_await letters.async_inspect(name, {1, 1}, asio::as_tuple);
            BOOST_TEST((seen == errc::invalid_name));
            auto const [replayed, report] =
                co_await letters.async_replay(name, {entry_id{1, 1}}, {}, asio::as_tuple);
            BOOST_TEST((replayed == errc::invalid_name));
            auto const [removed, number] =
                co_await letters.async_remove(name, {entry_id{1, 1}}, asio::as_tuple);
            BOOST_TEST((removed == errc::invalid_name));
        }
        auto const [why, page] =
            co_await letters.async_list("orders", {}, entry_id::min(), 0, asio::as_tuple);
        BOOST_TEST((why == errc::invalid_option));
    });
}

BOOST_AUTO_TEST_SUITE_END()
