// Looking at streams, and removing entries and groups from them.

#include "contract/bed.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

membership const alice{"orders", "g", "alice"};

} // namespace

BOOST_AUTO_TEST_SUITE(removing_entries)

BOOST_AUTO_TEST_CASE(removes_them_for_everybody_and_counts_those_that_were_there)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        std::array const gone{ids[2], entry_id{1, 1}, ids[0], ids[2]};
        BOOST_TEST((co_await of.broker->remove("orders", gone)).value() == 2U);
        BOOST_TEST((co_await of.broker->remove("orders", gone)).value() == 0U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"1", "3"}), per_element());
        BOOST_TEST((co_await of.take(alice, ids[0])).state == holding::gone);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_does_not_exist_removes_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        entry_id const id{1, 1};
        BOOST_TEST((co_await of.broker->remove("orders", {&id, 1})).value() == 0U);
        BOOST_TEST((co_await of.broker->remove("orders", {})).value() == 0U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(takes_at_most_500)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 501);
        auto const refused = co_await of.broker->remove("orders", ids);
        BOOST_TEST(refused.error() == errc::invalid_option);
        BOOST_TEST(refused.error().words().find("501") != std::string::npos);
        BOOST_TEST((co_await of.broker->remove("orders", std::span(ids).first(500))).value() == 500U);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(removing_a_group)

BOOST_AUTO_TEST_CASE(takes_its_pending_entries_and_its_lease_with_it)
{
    check([](bed& of) -> asio::awaitable<void> {
        (void)co_await of.deliver(alice, 2);
        co_await of.ensure_group("orders", "h");
        BOOST_TEST(!(co_await of.broker->join({"orders", "g", "alice", "a"}, lease, true)));
        BOOST_TEST((co_await of.broker->remove_group("orders", "g")).value());
        BOOST_TEST(!(co_await of.broker->remove_group("orders", "g")).value());
        auto const groups = co_await of.broker->inspect_groups("orders");
        BOOST_REQUIRE(groups.has_value());
        BOOST_REQUIRE(groups->size() == 1U);
        BOOST_TEST(groups->at(0).name == "h");
        BOOST_TEST((co_await of.broker->backlog(alice, {}, 10)).error() == errc::no_group);
        // Made anew it begins anew.
        co_await of.ensure_group("orders", "g");
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
        BOOST_TEST(!(co_await of.broker->join({"orders", "g", "alice", "b"}, lease * 2, false)));
        BOOST_TEST((co_await of.read_now("orders", "g", "alice")).size() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(that_is_not_there_tells_so)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await of.broker->remove_group("orders", "g")).value());
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        co_await of.append("orders", "x");
        BOOST_TEST(!(co_await of.broker->remove_group("orders", "g")).value());
        BOOST_TEST((co_await of.broker->remove_group("a}b", "g")).error() == errc::invalid_name);
    });
}

BOOST_AUTO_TEST_CASE(fails_the_reads_that_wait_in_it)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("users", "g");
        auto const reader = of.broker->make_reader("g", "alice");
        auto first = of.start(read(*reader, {"users", "orders"}, 10, long_wait));
        auto second = of.start(read(*reader, {"users"}, 10, long_wait));
        co_await of.round_trip();
        BOOST_TEST((co_await of.broker->remove_group("orders", "g")).value());
        BOOST_TEST((co_await first.get()).why == errc::no_group);
        // The other stream's group lives on.
        co_await of.append("users", "x");
        BOOST_TEST(bodies_of((co_await second.get()).entries) == texts{"x"}, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(listing_streams)

BOOST_AUTO_TEST_CASE(tells_their_names_once_each)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST((co_await of.broker->list_streams()).value().empty());
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.settle(alice, ending(ids[0], settle_as::dead));
        BOOST_TEST(!(co_await of.broker->join({"orders", "g", "alice", "a"}, lease, true)));
        co_await of.append(once("orders", "x", "k"));
        co_await of.append(delayed("later", "x", 1h));
        co_await of.append("{a}b", "x");
        co_await of.append("{a", "x");
        co_await of.append("*", "x");
        co_await of.ensure_group("empty", "g");
        auto names = (co_await of.broker->list_streams()).value();
        std::ranges::sort(names);
        BOOST_TEST(names == (texts{"*", "empty", "orders", "{a", "{a}b", "{orders}:dead"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(finds_all_of_many)
{
    check([](bed& of) -> asio::awaitable<void> {
        texts expected;
        for (int i = 0; i != 3'000; ++i)
            expected.push_back("stream " + std::to_string(i));
        std::vector<appending> items;
        for (auto const& name : expected)
            items.push_back(plain(name, "x"));
        co_await of.broker->append(items);
        auto names = (co_await of.broker->list_streams()).value();
        std::ranges::sort(names);
        std::ranges::sort(expected);
        BOOST_TEST((names == expected));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(looking_at_entries)

BOOST_AUTO_TEST_CASE(shows_them_page_by_page_and_changes_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        std::array<header_view, 2> const headers{{{"type", "ping"}, {"key", "1"}}};
        auto const last = co_await of.append("orders", {std::nullopt, headers});
        BOOST_TEST((co_await of.broker->remove("orders", {&ids[1], 1})).value() == 1U);
        auto const page = co_await of.broker->inspect_entries("orders", entry_id::min(), 2);
        BOOST_REQUIRE_MESSAGE(page.has_value(), page.error());
        BOOST_REQUIRE(page->size() == 2U);
        BOOST_TEST(page->at(0).id == ids[0]);
        BOOST_TEST(page->at(0).entry.body.value_or("none") == "0");
        BOOST_TEST(page->at(1).id == ids[2]);
        auto const rest = co_await of.broker->inspect_entries("orders", ids[2], 1000);
        BOOST_REQUIRE(rest->size() == 1U);
        BOOST_TEST(rest->at(0).id == last);
        BOOST_TEST(!rest->at(0).entry.body.has_value());
        BOOST_TEST(rest->at(0).entry.headers == headers, per_element());
        BOOST_TEST((co_await of.broker->inspect_entries("orders", last, 1)).value().empty());
        BOOST_TEST((co_await of.broker->inspect_entries("orders", entry_id::max(), 1)).value().empty());
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 3U);
    });
}

BOOST_AUTO_TEST_CASE(keeps_what_it_shows)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 100);
        auto page = (co_await of.broker->inspect_entries("orders", {}, 100)).value();
        BOOST_TEST((co_await of.broker->remove("orders", ids)).value() == 100U);
        auto const one = page.at(42);
        page.clear();
        BOOST_TEST(one.entry.body.value_or("none") == "42");
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_does_not_exist_shows_none)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST((co_await of.broker->inspect_entries("orders", {}, 1)).value().empty());
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        for (auto const count : {std::size_t{0}, std::size_t{1001}})
            BOOST_TEST(
                (co_await of.broker->inspect_entries("orders", {}, count)).error() == errc::invalid_option
            );
    });
}

BOOST_AUTO_TEST_SUITE_END()
