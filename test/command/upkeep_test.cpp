// Groups are created and removed, pending entries transferred, and handled ones collected by the command.

#include "command/invocation.hpp"
#include "support/run.hpp"

#include <strandline/open.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <vector>

namespace json = boost::json;
namespace asio = boost::asio;
using namespace strandline;
using namespace strandline::testing;

namespace {

struct orders : with_server
{
    orders()
    {
        for (auto const* id : {"1000-0", "2000-0", "3000-0", "4000-0", "5000-0"})
            server.command({"XADD", "orders", id, "body", "x"});
        server.command({"XGROUP", "CREATE", "orders", "billing", "0"});
    }

    void read(std::string_view consumer, std::string_view count, std::string_view group = "billing") const
    {
        server.command({"XREADGROUP", "GROUP", group, consumer, "COUNT", count, "STREAMS", "orders", ">"});
    }

    /// The ids of the stream's entries, which have a body and nothing else.
    std::string ids() const
    {
        std::string found;
        for (auto const& line : lines_of(server.command({"XRANGE", "orders", "-", "+"})))
            if (line.ends_with("-0"))
                found += line.substr(0, 1);
        return found;
    }

    /// How many entries are pending for that consumer.
    long pending_for(std::string_view consumer) const
    {
        auto const found = server.command({"XPENDING", "orders", "billing", "-", "+", "100", consumer});
        return std::ranges::count(lines_of(found), consumer);
    }

    json::value show(std::vector<std::string> arguments) const
    {
        arguments.push_back("--json");
        auto const end = run(arguments);
        BOOST_TEST(end.status == 0, end.err);
        return json_lines(end.out).at(0);
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

    void check_misused(std::vector<std::string> const& arguments, std::string_view words) const
    {
        auto const end = run(arguments, "y\n");
        BOOST_TEST_CONTEXT(arguments.front() << ": " << end.err)
        {
            BOOST_TEST(end.status == 2);
            BOOST_TEST(end.complains(words));
        }
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(upkeep, orders)

BOOST_AUTO_TEST_CASE(groups_are_created_where_they_are_to_begin)
{
    BOOST_TEST(run({"group", "create", "orders", "first"}).out == "first created\n");
    BOOST_TEST(run({"group", "create", "orders", "last", "--from", "end"}).status == 0);
    BOOST_TEST(run({"group", "create", "orders", "middle", "--from", "3000-0"}).status == 0);
    BOOST_TEST(show({"group", "create", "payments", "g"}).at("created").as_bool());
    auto const groups = json_lines(run({"groups", "orders", "--json"}).out);
    BOOST_REQUIRE(groups.size() == 4U);
    BOOST_TEST(groups[1].at("lag").to_number<int>() == 5);
    BOOST_TEST(groups[2].at("group").as_string() == "last");
    BOOST_TEST(groups[2].at("lag").to_number<int>() == 0);
    BOOST_TEST(groups[3].at("lag").to_number<int>() == 2);
    BOOST_TEST(number({"XLEN", "payments"}) == 0);
    BOOST_TEST(number({"EXISTS", "payments"}) == 1);
}

BOOST_AUTO_TEST_CASE(a_group_that_exists_stays_where_it_is)
{
    read("alice", "2");
    BOOST_TEST(
        run({"group", "create", "orders", "billing", "--from", "end"}).out == "billing exists already\n"
    );
    BOOST_TEST(!show({"group", "create", "orders", "billing"}).at("created").as_bool());
    auto const billing = show({"groups", "orders"});
    BOOST_TEST(billing.at("last_delivered").as_string() == "2000-0");
    BOOST_TEST(billing.at("pending").to_number<int>() == 2);
}

BOOST_AUTO_TEST_CASE(groups_are_removed_and_their_entries_stay)
{
    read("alice", "2");
    check_misused({"group", "rm", "orders", "billing"}, "say --yes");
    BOOST_TEST(show({"groups", "orders"}).at("pending").to_number<int>() == 2);
    BOOST_TEST(show({"group", "rm", "orders", "billing", "--yes"}).at("removed").as_bool());
    BOOST_TEST(run({"groups", "orders", "--json"}).out == "");
    BOOST_TEST(ids() == "12345");
    check_failed({"group", "rm", "orders", "billing", "--yes"}, "there is no group \"billing\"");
    check_failed({"group", "rm", "nothing", "billing", "--yes"}, "of a stream nothing");
}

BOOST_AUTO_TEST_CASE(what_was_handed_back_is_transferred)
{
    asio::io_context context;
    auto const broker = open(context.get_executor(), url);
    strandline::testing::run(context, broker->get_executor(), [&]() -> asio::awaitable<void> {
        membership const alice{"orders", "billing", "alice", "token"};
        BOOST_TEST(!co_await broker->join(alice, std::chrono::hours(1), true));
        auto const reader = broker->make_reader("billing", "alice");
        std::vector<received> entries;
        std::array<std::string_view, 1> const streams{"orders"};
        BOOST_TEST(!co_await reader->read(streams, 3, std::chrono::seconds(1), entries));
        BOOST_REQUIRE(entries.size() == 3U);
        std::array items{settlement{
            .id = entries[0].id,
            .as = settle_as::released,
            .attempts = 4,
            .idle = std::chrono::hours(2),
        }};
        BOOST_TEST(!co_await broker->settle(alice, items));
        broker->close();
    });
    BOOST_TEST(
        show({"transfer", "orders", "billing", "--from", "alice", "--to", "bob"})
            .at("moved")
            .to_number<int>() == 1
    );
    auto const pending = json_lines(run({"pending", "orders", "billing", "--consumer", "bob", "--json"}).out);
    BOOST_REQUIRE(pending.size() == 1U);
    BOOST_TEST(pending[0].at("id").as_string() == "1000-0");
    BOOST_TEST(pending[0].at("attempts").to_number<int>() == 4);
    BOOST_TEST(pending_for("alice") == 2);
}

BOOST_AUTO_TEST_CASE(what_is_being_worked_on_is_transferred_by_force_alone)
{
    read("alice", "3");
    BOOST_TEST(run({"transfer", "orders", "billing", "--from", "alice", "--to", "bob"}).out == "0\n");
    check_misused(
        {"transfer", "orders", "billing", "--from", "alice", "--to", "bob", "--forced"},
        "for alice in the group"
    );
    BOOST_TEST(pending_for("alice") == 3);
    BOOST_TEST(
        run({"transfer", "orders", "billing", "--from", "alice", "--to", "bob", "--forced", "--yes"}).out ==
        "3\n"
    );
    BOOST_TEST(pending_for("alice") == 0);
    BOOST_TEST(pending_for("bob") == 3);
}

BOOST_AUTO_TEST_CASE(more_is_transferred_than_goes_in_a_step)
{
    server.command(
        {"EVAL", "for i = 1, 1200 do redis.call('XADD', KEYS[1], '*', 'body', i) end", "1", "orders"}
    );
    read("alice", "1205");
    BOOST_TEST(
        run({"transfer", "orders", "billing", "--from", "alice", "--to", "bob", "--forced", "-y"}).out ==
        "1205\n"
    );
}

BOOST_AUTO_TEST_CASE(a_transfer_needs_names_that_there_are)
{
    read("alice", "1");
    check_failed(
        {"transfer", "orders", "billing", "--from", "nobody", "--to", "bob"}, "has no consumer \"nobody\""
    );
    BOOST_TEST((run({"consumers", "orders", "--json"}).out.find("bob") == std::string::npos));
    check_failed(
        {"transfer", "orders", "nobodies", "--from", "alice", "--to", "bob"}, "has no group \"nobodies\""
    );
    check_failed(
        {"transfer", "nothing", "billing", "--from", "alice", "--to", "bob"}, "there is no stream nothing"
    );
    check_misused({"transfer", "orders", "billing", "--from", "alice", "--to", "alice"}, "to itself");
    check_misused({"transfer", "orders", "billing", "--from", "alice"}, "--to is required");
}

BOOST_AUTO_TEST_CASE(collecting_leaves_what_is_pending_or_unread)
{
    server.command({"XGROUP", "CREATE", "orders", "audit", "0"});
    read("alice", "4");
    read("carol", "3", "audit");
    for (auto const* id : {"1000-0", "2000-0", "4000-0"})
        server.command({"XACK", "orders", "billing", id});
    for (auto const* id : {"1000-0", "2000-0", "3000-0"})
        server.command({"XACK", "orders", "audit", id});
    check_misused({"collect", "orders"}, "remove from orders what all groups have acknowledged; say --yes");
    BOOST_TEST(ids() == "12345");
    auto const collected = show({"collect", "orders", "--yes"});
    BOOST_TEST(collected.at("stream").as_string() == "orders");
    BOOST_TEST(collected.at("removed").to_number<int>() == 2);
    BOOST_TEST(ids() == "345");
    // Pending no more; the next one audit has not read.
    server.command({"XACK", "orders", "billing", "3000-0"});
    BOOST_TEST(show({"collect", "orders", "--yes"}).at("removed").to_number<int>() == 1);
    BOOST_TEST(ids() == "45");
    BOOST_TEST(show({"collect", "orders", "--yes"}).at("removed").to_number<int>() == 0);
}

BOOST_AUTO_TEST_CASE(collecting_waits_for_groups_that_must_exist)
{
    read("alice", "5");
    for (auto const* id : {"1000-0", "2000-0"})
        server.command({"XACK", "orders", "billing", id});
    check_failed({"collect", "orders", "--group", "billing", "--group", "later", "--yes"}, "'later'");
    BOOST_TEST(ids() == "12345");
    BOOST_TEST(
        show({"collect", "orders", "--group", "billing", "--yes"}).at("removed").to_number<int>() == 2
    );
}

BOOST_AUTO_TEST_CASE(several_streams_are_collected_until_one_fails)
{
    read("alice", "1");
    server.command({"XACK", "orders", "billing", "1000-0"});
    auto const end = run({"collect", "orders", "nothing", "orders", "--yes", "--json"});
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("there is no stream nothing"));
    BOOST_TEST(json_lines(end.out).size() == 1U);
    BOOST_TEST(ids() == "2345");
}

BOOST_AUTO_TEST_SUITE_END()
