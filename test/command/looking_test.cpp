// What the command shows of streams, groups, consumers and pending entries.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace strandline::testing;

namespace {

/// Three orders of which billing has read two and alice holds the second, one delayed, and one dead letter.
struct stocked : with_server
{
    stocked()
    {
        for (auto const* id : {"1000-0", "2000-0", "3000-0"})
            server.command({"XADD", "orders", id, "body", id});
        server.command({"XGROUP", "CREATE", "orders", "billing", "0"});
        server.command({"XGROUP", "CREATE", "orders", "audit", "$"});
        server.command({"XREADGROUP", "GROUP", "billing", "alice", "COUNT", "2", "STREAMS", "orders", ">"});
        server.command({"XGROUP", "CREATECONSUMER", "orders", "billing", "bob"});
        server.command({"XACK", "orders", "billing", "1000-0"});
        server.command({"XADD", "{orders}:dead", "4000-0", "body", "x", "dead-group", "billing"});
        server.command({"XADD", "payments", "5000-0", "body", "y"});
        run({"publish", "orders", "later", "--after", "1h", "--quiet"});
    }

    /// What it printed, one value in a line.
    std::vector<json::value> show(std::vector<std::string> arguments) const
    {
        arguments.push_back("--json");
        auto const end = run(arguments);
        BOOST_TEST(end.status == 0, end.err);
        return json_lines(end.out);
    }

    std::int64_t now() const
    {
        auto const time = lines_of(server.command({"TIME"}));
        return std::stoll(time.at(0)) * 1'000 + std::stoll(time.at(1)) / 1'000;
    }

    void check_failed(std::vector<std::string> const& arguments, std::string_view words) const
    {
        auto const end = run(arguments);
        BOOST_TEST_CONTEXT(arguments.front() << ": " << end.err)
        {
            BOOST_TEST(end.status == 1);
            BOOST_TEST(end.complains(words));
        }
    }
};

std::string text(json::value const& of, char const* member)
{
    return std::string(of.at(member).as_string());
}

std::int64_t integer(json::value const& of, char const* member)
{
    return of.at(member).to_number<std::int64_t>();
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(looking, stocked)

BOOST_AUTO_TEST_CASE(streams_are_listed_with_their_numbers)
{
    auto const before = now();
    auto const streams = show({"streams"});
    auto const after = now();
    BOOST_REQUIRE(streams.size() == 2U);
    auto const& orders = streams[0];
    BOOST_TEST(text(orders, "stream") == "orders");
    BOOST_TEST(integer(orders, "length") == 3);
    BOOST_TEST(integer(orders, "appended") == 3);
    BOOST_TEST(integer(orders, "groups") == 2);
    BOOST_TEST(integer(orders, "delayed") == 1);
    BOOST_TEST(integer(orders, "dead") == 1);
    BOOST_TEST(text(orders, "first") == "1000-0");
    BOOST_TEST(text(orders, "last") == "3000-0");
    BOOST_TEST(integer(orders, "oldest_age_ms") >= before - 1'000);
    BOOST_TEST(integer(orders, "oldest_age_ms") <= after - 1'000);
    BOOST_TEST(text(streams[1], "stream") == "payments");
    BOOST_TEST(integer(streams[1], "groups") == 0);
}

BOOST_AUTO_TEST_CASE(streams_of_dead_letters_are_listed_when_asked_for)
{
    auto const streams = show({"streams", "--all"});
    BOOST_REQUIRE(streams.size() == 3U);
    BOOST_TEST(text(streams[2], "stream") == "{orders}:dead");
    BOOST_TEST(integer(streams[2], "length") == 1);
}

BOOST_AUTO_TEST_CASE(a_stream_without_entries_has_no_age)
{
    server.command({"XGROUP", "CREATE", "empty", "g", "0", "MKSTREAM"});
    auto const streams = show({"streams"});
    BOOST_REQUIRE(streams.size() == 3U);
    BOOST_TEST(text(streams[0], "stream") == "empty");
    BOOST_TEST(streams[0].at("oldest_age_ms").is_null());
    BOOST_TEST(streams[0].at("first").is_null());
}

BOOST_AUTO_TEST_CASE(tables_have_a_headline_and_ages_for_people)
{
    server.command({"DEL", "payments"});
    auto const lines = lines_of(run({"streams"}).out);
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0] == "STREAM  LENGTH  GROUPS  DELAYED  DEAD  OLDEST_AGE");
    BOOST_TEST(lines[1].starts_with("orders  3       2       1        1     "));
    // Since 1970, that is.
    BOOST_TEST((lines[1].find("d", 40) != std::string::npos), lines[1]);
}

BOOST_AUTO_TEST_CASE(a_prefix_of_keys_is_part_of_the_url)
{
    server.command({"XADD", "shop:carts", "*", "body", "x"});
    auto const streams = show({"streams", "--url", url + "?prefix=shop:"});
    BOOST_REQUIRE(streams.size() == 1U);
    BOOST_TEST(text(streams[0], "stream") == "carts");
}

BOOST_AUTO_TEST_CASE(groups_are_listed_with_what_they_lag_behind)
{
    auto const groups = show({"groups", "orders"});
    BOOST_REQUIRE(groups.size() == 2U);
    BOOST_TEST(text(groups[0], "group") == "audit");
    BOOST_TEST(integer(groups[0], "lag") == 0);
    BOOST_TEST(groups[0].at("lowest_pending").is_null());
    auto const& billing = groups[1];
    BOOST_TEST(text(billing, "stream") == "orders");
    BOOST_TEST(text(billing, "group") == "billing");
    BOOST_TEST(integer(billing, "consumers") == 2);
    BOOST_TEST(integer(billing, "pending") == 1);
    BOOST_TEST(text(billing, "lowest_pending") == "2000-0");
    BOOST_TEST(text(billing, "last_delivered") == "2000-0");
    BOOST_TEST(integer(billing, "lag") == 1);
    BOOST_TEST(!billing.at("lag_is_at_least").as_bool());
    BOOST_TEST(integer(billing, "lowest_pending_age_ms") > 1'600'000'000'000);
}

BOOST_AUTO_TEST_CASE(a_lag_that_was_not_counted_to_its_end_is_marked)
{
    std::string lines;
    for (int i = 0; i != 10'010; ++i)
        lines += "x\n";
    run({"publish", "long", "--batch", "1000", "--quiet"}, lines);
    server.command({"XGROUP", "CREATE", "long", "g", "0"});
    // From now on the server cannot tell.
    auto const fifth = lines_of(server.command({"XRANGE", "long", "-", "+", "COUNT", "5"})).at(12);
    BOOST_REQUIRE(server.command({"XDEL", "long", fifth}) == "1");
    auto const groups = show({"groups", "long"});
    BOOST_REQUIRE(groups.size() == 1U);
    BOOST_TEST(integer(groups[0], "lag") == 10'000);
    BOOST_TEST(groups[0].at("lag_is_at_least").as_bool());
    BOOST_TEST((run({"groups", "long"}).out.find("10000+") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(consumers_are_listed_of_all_groups_or_of_one)
{
    auto const consumers = show({"consumers", "orders"});
    BOOST_REQUIRE(consumers.size() == 2U);
    BOOST_TEST(text(consumers[0], "group") == "billing");
    BOOST_TEST(text(consumers[0], "consumer") == "alice");
    BOOST_TEST(integer(consumers[0], "pending") == 1);
    BOOST_TEST(integer(consumers[0], "idle_ms") >= 0);
    BOOST_TEST(text(consumers[1], "consumer") == "bob");
    BOOST_TEST(integer(consumers[1], "pending") == 0);
    BOOST_TEST(show({"consumers", "orders", "billing"}).size() == 2U);
    BOOST_TEST(show({"consumers", "orders", "audit"}).size() == 0U);
}

BOOST_AUTO_TEST_CASE(pending_entries_are_listed_with_who_has_them)
{
    server.command({"XREADGROUP", "GROUP", "billing", "bob", "STREAMS", "orders", ">"});
    auto const pending = show({"pending", "orders", "billing"});
    BOOST_REQUIRE(pending.size() == 2U);
    BOOST_TEST(text(pending[0], "id") == "2000-0");
    BOOST_TEST(text(pending[0], "consumer") == "alice");
    BOOST_TEST(integer(pending[0], "attempts") == 1);
    BOOST_TEST(integer(pending[0], "idle_ms") >= 0);
    BOOST_TEST(text(pending[1], "id") == "3000-0");
    BOOST_TEST(text(pending[1], "consumer") == "bob");

    auto const of_bob = show({"pending", "orders", "billing", "--consumer", "bob"});
    BOOST_REQUIRE(of_bob.size() == 1U);
    BOOST_TEST(text(of_bob[0], "id") == "3000-0");
    auto const first = show({"pending", "orders", "billing", "--count", "1"});
    BOOST_REQUIRE(first.size() == 1U);
    BOOST_TEST(text(first[0], "id") == "2000-0");
    auto const behind = show({"pending", "orders", "billing", "--after", "2000-0"});
    BOOST_REQUIRE(behind.size() == 1U);
    BOOST_TEST(text(behind[0], "id") == "3000-0");
}

BOOST_AUTO_TEST_CASE(more_pending_entries_than_a_page_are_listed_once_each)
{
    std::string lines;
    for (int i = 0; i != 2'500; ++i)
        lines += "x\n";
    run({"publish", "long", "--batch", "500", "--quiet"}, lines);
    server.command({"XGROUP", "CREATE", "long", "g", "0"});
    server.command({"XREADGROUP", "GROUP", "g", "alice", "COUNT", "2000", "STREAMS", "long", ">"});
    server.command({"XREADGROUP", "GROUP", "g", "bob", "STREAMS", "long", ">"});
    auto const pending = show({"pending", "long", "g"});
    BOOST_REQUIRE(pending.size() == 2'500U);
    for (std::size_t i = 1; i != pending.size(); ++i)
        BOOST_REQUIRE(text(pending[i - 1], "id") != text(pending[i], "id"));
    // Those of alice fill two pages before the first of bob.
    BOOST_TEST(show({"pending", "long", "g", "--consumer", "bob", "--count", "100"}).size() == 100U);
}

BOOST_AUTO_TEST_CASE(everything_that_was_counted_is_in_one_value)
{
    auto const stats = show({"stats", "orders"});
    BOOST_REQUIRE(stats.size() == 1U);
    auto const& orders = stats[0];
    BOOST_TEST(text(orders, "last_generated") == "3000-0");
    BOOST_TEST(integer(orders, "dead") == 1);
    BOOST_TEST((text(orders, "now").ends_with("Z")));
    auto const& groups = orders.at("groups").as_array();
    BOOST_REQUIRE(groups.size() == 2U);
    BOOST_TEST(text(groups[1], "group") == "billing");
    BOOST_TEST(integer(groups[1], "pending") == 1);
    auto const& consumers = groups[1].at("consumers").as_array();
    BOOST_REQUIRE(consumers.size() == 2U);
    BOOST_TEST(text(consumers[0], "consumer") == "alice");
    BOOST_TEST(integer(consumers[0], "pending") == 1);

    BOOST_TEST(show({"stats"}).size() == 2U);
    BOOST_TEST(show({"stats", "payments", "orders"}).size() == 2U);
    auto const tables = run({"stats"}).out;
    for (std::string const words : {"STREAM", "GROUP", "CONSUMER", "payments", "billing", "alice"})
        BOOST_TEST((tables.find(words) != std::string::npos), tables);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_said)
{
    check_failed({"groups", "nothing"}, "there is no stream nothing");
    check_failed({"consumers", "nothing"}, "there is no stream nothing");
    check_failed({"consumers", "orders", "nobody"}, "the stream orders has no group \"nobody\"");
    check_failed({"pending", "nothing", "billing"}, "nothing");
    check_failed({"pending", "orders", "nobody"}, "nobody");
    check_failed({"stats", "nothing"}, "there is no stream nothing");
    server.command({"SET", "text", "x"});
    check_failed({"groups", "text"}, "not a stream");
    check_failed({"stats", "text"}, "text: key holds something that is not a stream");

    auto const end = run({"stats", "nothing", "orders", "text", "--json"});
    BOOST_TEST(end.status == 1);
    BOOST_TEST(json_lines(end.out).size() == 1U);
    BOOST_TEST(end.complains("there is no stream nothing; and 1 more"));

    run({"publish", "later", "x", "--after", "1h"});
    check_failed({"stats", "later"}, "there is no stream later, but 1 delayed");
}

BOOST_AUTO_TEST_SUITE_END()
