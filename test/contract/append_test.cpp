// Storing entries, and getting the same back.

#include "contract/bed.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Stores the entry, reads it and hands it to `look`.
asio::awaitable<void> round(bed& of, entry_view entry, std::function<void(entry_view const&)> look)
{
    auto const id = co_await of.append("orders", entry);
    co_await of.ensure_group("orders", "g");
    auto const got = co_await of.read_now("orders", "g", "c");
    BOOST_REQUIRE(got.size() == 1);
    BOOST_TEST(got[0].id == id);
    look(got[0].entry);
    // Another way to the same entry.
    auto const taken = co_await of.take({"orders", "g", "c"}, id);
    BOOST_REQUIRE(taken.state == holding::held);
    look(taken.entry);
}

std::string all_bytes()
{
    std::string bytes;
    for (int value = 0; value != 256; ++value)
        bytes.push_back(static_cast<char>(value));
    return bytes + "\r\n$-1\r\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(append)

BOOST_AUTO_TEST_CASE(ids_rise_within_a_call_and_between_calls)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto ids = co_await of.append_numbers("orders", 1000);
        for (auto const id : co_await of.append_numbers("orders", 1000))
            ids.push_back(id);
        BOOST_TEST(ids.front() > entry_id::min());
        BOOST_TEST((std::ranges::adjacent_find(ids, std::greater_equal()) == ids.end()));
    });
}

BOOST_AUTO_TEST_CASE(one_call_fills_several_streams_each_in_its_order)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<appending, 5> items;
        std::array<std::string_view, 5> const streams{"orders", "users", "orders", "mails", "orders"};
        std::array<std::string_view, 5> const bodies{"a", "b", "c", "d", "e"};
        for (std::size_t i = 0; i != items.size(); ++i)
            items[i] = {streams[i], {bodies[i], {}}, {}};
        co_await of.broker->append(items);

        for (auto const stream : {"orders", "users", "mails"}) {
            co_await of.ensure_group(stream, "g");
            std::vector<std::string> expected;
            std::vector<entry_id> ids;
            for (std::size_t i = 0; i != items.size(); ++i) {
                BOOST_REQUIRE(items[i].outcome.has_value());
                if (streams[i] == stream) {
                    expected.emplace_back(bodies[i]);
                    ids.push_back(*items[i].outcome);
                }
            }
            auto const got = co_await of.read_now(stream, "g", "c");
            BOOST_TEST(bodies_of(got) == expected, boost::test_tools::per_element());
            BOOST_TEST(ids_of(got) == ids, boost::test_tools::per_element());
        }
    });
}

BOOST_AUTO_TEST_CASE(nothing_is_appended_by_an_empty_call)
{
    check([](bed& of) -> asio::awaitable<void> { co_await of.broker->append({}); });
}

BOOST_AUTO_TEST_CASE(a_bad_name_fails_its_item_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<appending, 5> items{
            {{"orders", {"0", {}}, {}},
             {"", {"1", {}}, {}},
             {"a}b", {"2", {}}, {}},
             {"{}a}", {"3", {}}, {}},
             {"orders", {"4", {}}, {}}}
        };
        co_await of.broker->append(items);
        for (std::size_t i = 1; i != 4; ++i) {
            BOOST_REQUIRE(items[i].outcome.has_error());
            BOOST_TEST(items[i].outcome.error() == errc::invalid_name);
        }
        co_await of.ensure_group("orders", "g");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (std::vector<std::string>{"0", "4"}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(an_entry_of_nothing_fails_its_item_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<appending, 3> items{
            {{"orders", {"0", {}}, {}}, {"orders", {}, {}}, {"orders", {"2", {}}, {}}}
        };
        co_await of.broker->append(items);
        BOOST_REQUIRE(items[1].outcome.has_error());
        BOOST_TEST(items[1].outcome.error() == errc::not_encodable);
        co_await of.ensure_group("orders", "g");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (std::vector<std::string>{"0", "2"}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_refused_entry_creates_no_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        appending item{"orders", {}, {}};
        co_await of.broker->append({&item, 1});
        auto const info = co_await of.broker->inspect_stream("orders");
        BOOST_REQUIRE(info.has_error());
        BOOST_TEST(info.error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(an_entry_without_body_is_its_headers)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"type", "ping"}}};
        co_await round(of, {std::nullopt, headers}, [&](entry_view const& entry) {
            BOOST_TEST(!entry.body.has_value());
            BOOST_TEST(entry.headers == headers, boost::test_tools::per_element());
        });
    });
}

BOOST_AUTO_TEST_CASE(an_empty_body_is_a_body)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await round(of, {"", {}}, [](entry_view const& entry) {
            BOOST_REQUIRE(entry.body.has_value());
            BOOST_TEST(entry.body->empty());
            BOOST_TEST(entry.headers.empty());
        });
    });
}

BOOST_AUTO_TEST_CASE(headers_keep_their_order_and_may_repeat)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 6> const headers{
            {{"z", "1"}, {"key", "42"}, {"a", ""}, {"key", "43"}, {"", "no name"}, {"z", "1"}}
        };
        co_await round(of, {"x", headers}, [&](entry_view const& entry) {
            BOOST_TEST(entry.headers == headers, boost::test_tools::per_element());
            BOOST_TEST(entry.header("key").value_or("none") == "42");
            BOOST_TEST(entry.body.value_or("none") == "x");
        });
    });
}

BOOST_AUTO_TEST_CASE(all_bytes_come_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const bytes = all_bytes();
        std::array<header_view, 1> const headers{{{bytes, bytes}}};
        co_await round(of, {bytes, headers}, [&](entry_view const& entry) {
            BOOST_TEST((entry.body == bytes));
            BOOST_REQUIRE(entry.headers.size() == 1);
            BOOST_TEST((entry.headers[0].name == bytes));
            BOOST_TEST((entry.headers[0].value == bytes));
        });
    });
}

BOOST_AUTO_TEST_CASE(names_are_bytes_too)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string const stream("a b\0\r\n\xff", 7);
        std::string const group("g\0\r\n\xff", 5);
        auto const ids = co_await of.deliver({stream, group, stream}, 2);
        auto const pending = co_await of.pending(stream, group);
        BOOST_REQUIRE(pending.size() == 2);
        BOOST_TEST((pending[0].consumer == stream));
        auto const done = co_await of.settle({stream, group, stream}, ending(ids[0]));
        BOOST_TEST(done.state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(a_large_body_comes_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string body;
        while (body.size() < 1024 * 1024)
            body += all_bytes();
        co_await round(of, {body, {}}, [&](entry_view const& entry) { BOOST_TEST((entry.body == body)); });
    });
}

BOOST_AUTO_TEST_CASE(many_headers_come_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> names;
        for (int i = 0; i != 1000; ++i)
            names.push_back("header-" + std::to_string(i));
        std::vector<header_view> headers;
        for (auto const& name : names)
            headers.push_back({name, name});
        co_await round(of, {"x", headers}, [&](entry_view const& entry) {
            BOOST_TEST(entry.headers == headers, boost::test_tools::per_element());
        });
    });
}

BOOST_AUTO_TEST_CASE(what_was_read_outlives_the_broker)
{
    std::vector<received> kept;
    check([&](bed& of) -> asio::awaitable<void> {
        co_await of.append("orders", "x");
        co_await of.ensure_group("orders", "g");
        kept = co_await of.read_now("orders", "g", "c");
    });
    BOOST_REQUIRE(kept.size() == 1);
    BOOST_TEST(kept[0].entry.body.value_or("none") == "x");
}

BOOST_AUTO_TEST_SUITE_END()
