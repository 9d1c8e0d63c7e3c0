// Dead letters: looked at, replayed and removed by the command.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace strandline::testing;

namespace {

/// Dead letters of the stream orders.
struct graveyard : with_server
{
    graveyard()
    {
        server.command({"XADD", "orders", "1000-0", "body", "lives"});
        for (auto const* group : {"billing", "audit", "g"})
            server.command({"XGROUP", "CREATE", "orders", group, "0"});
    }

    /// Its id.
    std::string bury(
        std::string_view body, std::string_view group = "billing", std::string_view reason = "exhausted",
        std::string_view type = "order", std::string_view id = "*"
    ) const
    {
        return server.command({"XADD", "{orders}:dead", id,         "body",          body,     "type",
                               type,   "key",           "k",        "dead-stream",   "orders", "dead-id",
                               "7-1",  "dead-group",    group,      "dead-consumer", "alice",  "dead-reason",
                               reason, "dead-error",    "no money", "dead-attempts", "3"});
    }

    /// The letters that it lists, by their bodies.
    std::vector<std::string> list(std::vector<std::string> options) const
    {
        options.insert(options.begin(), {"dead", "ls", "orders", "--json"});
        auto const end = run(options);
        BOOST_TEST(end.status == 0, end.err);
        std::vector<std::string> bodies;
        for (auto const& letter : json_lines(end.out))
            bodies.emplace_back(letter.at("body").as_string());
        return bodies;
    }

    long letters() const { return number({"XLEN", "{orders}:dead"}); }

    long entries() const { return number({"XLEN", "orders"}); }
};

using texts = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(letters_of_the_dead, graveyard)

BOOST_AUTO_TEST_CASE(letters_are_listed_with_their_death_and_their_event)
{
    auto const id = bury(R"({"total": 9.50})", "billing", "exhausted", "order", "2000-5");
    auto const end = run({"dead", "ls", "orders", "--json"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST((end.out.find(R"("body":{"total": 9.50})") != std::string::npos));
    auto const letters = json_lines(end.out);
    BOOST_REQUIRE(letters.size() == 1U);
    auto const& letter = letters[0].as_object();
    BOOST_TEST(letter.at("stream").as_string() == "orders");
    BOOST_TEST(letter.at("id").as_string() == id);
    BOOST_TEST(letter.at("at").as_string() == "1970-01-01T00:00:02.000Z");
    BOOST_TEST(letter.at("origin_stream").as_string() == "orders");
    BOOST_TEST(letter.at("origin_id").as_string() == "7-1");
    BOOST_TEST(letter.at("group").as_string() == "billing");
    BOOST_TEST(letter.at("consumer").as_string() == "alice");
    BOOST_TEST(letter.at("reason").as_string() == "exhausted");
    BOOST_TEST(letter.at("error").as_string() == "no money");
    BOOST_TEST(letter.at("attempts").to_number<int>() == 3);
    BOOST_TEST(letter.at("type").as_string() == "order");
    BOOST_TEST(letter.at("key").as_string() == "k");
    BOOST_TEST(letter.at("headers").as_object().size() == 2U);
}

BOOST_AUTO_TEST_CASE(letters_are_filtered_and_paged)
{
    auto const first = bury("a", "billing", "exhausted", "order", "2000-0");
    bury("b", "audit", "rejected", "order", "3000-0");
    bury("c", "billing", "undecodable", "refund");
    BOOST_TEST(list({}) == (texts{"a", "b", "c"}), boost::test_tools::per_element());
    BOOST_TEST(list({"--group", "billing"}) == (texts{"a", "c"}), boost::test_tools::per_element());
    BOOST_TEST(list({"--reason", "rejected"}) == texts{"b"}, boost::test_tools::per_element());
    BOOST_TEST(list({"--type", "refund"}) == texts{"c"}, boost::test_tools::per_element());
    BOOST_TEST(list({"--older-than", "1h"}) == (texts{"a", "b"}), boost::test_tools::per_element());
    BOOST_TEST(list({"--younger-than", "1h"}) == texts{"c"}, boost::test_tools::per_element());
    BOOST_TEST(list({"--after", first}) == (texts{"b", "c"}), boost::test_tools::per_element());
    BOOST_TEST(list({"--count", "2"}) == (texts{"a", "b"}), boost::test_tools::per_element());
    auto const table = lines_of(run({"dead", "ls", "orders"}).out);
    BOOST_REQUIRE(table.size() == 4U);
    BOOST_TEST(table[0].starts_with("ID"));
    BOOST_TEST(table[1].starts_with(first));
}

BOOST_AUTO_TEST_CASE(a_letter_is_shown_without_what_a_terminal_would_obey)
{
    auto const id = bury("one\n\x1B[2Jtwo");
    auto const page = run({"dead", "show", "orders", id});
    BOOST_TEST(page.status == 0, page.err);
    BOOST_TEST((page.out.find("reason     exhausted\n") != std::string::npos), page.out);
    BOOST_TEST((page.out.find("header     type: order\n") != std::string::npos), page.out);
    BOOST_TEST((page.out.find("\none\n [2Jtwo\n") != std::string::npos), page.out);
    auto const shown = json_lines(run({"dead", "show", "orders", id, "--json"}).out);
    BOOST_REQUIRE(shown.size() == 1U);
    BOOST_TEST(shown[0].at("body").as_string() == "one\n\x1B[2Jtwo");
    BOOST_TEST(shown[0].at("id").as_string() == id);
}

BOOST_AUTO_TEST_CASE(named_letters_are_replayed_for_their_group)
{
    auto const first = bury("a");
    auto const second = bury("b");
    bury("c");
    auto const end = run({"dead", "replay", "orders", first, second, "--json"});
    BOOST_TEST(end.status == 0, end.err);
    auto const lines = json_lines(end.out);
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0].at("id").as_string() == first);
    BOOST_TEST(lines[0].at("replayed").as_bool());
    BOOST_TEST(lines[1].at("id").as_string() == second);
    BOOST_TEST(letters() == 1);
    BOOST_TEST(entries() == 3);
    auto const as = std::string(lines[1].at("as").as_string());
    auto const entry = server.command({"XRANGE", "orders", as, as});
    BOOST_TEST((entry.find("body\nb\n") != std::string::npos), entry);
    BOOST_TEST((entry.find("for-group\nbilling") != std::string::npos), entry);
}

BOOST_AUTO_TEST_CASE(letters_are_replayed_for_all_groups_when_asked_to)
{
    bury("a");
    BOOST_TEST(run({"dead", "replay", "orders", "--all", "--for-all"}).out == "1 replayed\n");
    auto const all = server.command({"XRANGE", "orders", "-", "+"});
    BOOST_TEST((all.find("body\na\n") != std::string::npos), all);
    BOOST_TEST((all.find("for-group") == std::string::npos), all);
}

BOOST_AUTO_TEST_CASE(missing_letters_are_told_and_make_it_fail)
{
    auto const id = bury("a");
    auto const end = run({"dead", "replay", "orders", "9-9", id});
    BOOST_TEST(end.status == 1);
    auto const lines = lines_of(end.out);
    BOOST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(lines[0] == "9-9 not found");
    BOOST_TEST(lines[1].starts_with(id + " replayed as "));
    BOOST_TEST(end.complains("1 of 2 not found"));
    BOOST_TEST(entries() == 2);

    auto const other = bury("b");
    auto const removal = run({"dead", "rm", "orders", other, "9-9", "--yes", "--json"});
    BOOST_TEST(removal.status == 1);
    auto const removed = json_lines(removal.out);
    BOOST_REQUIRE(removed.size() == 2U);
    BOOST_TEST(removed[0].at("removed").as_bool());
    BOOST_TEST(!removed[1].at("removed").as_bool());
    BOOST_TEST(letters() == 0);

    auto const shown = run({"dead", "show", "orders", "9-9"});
    BOOST_TEST(shown.status == 1);
    BOOST_TEST(shown.complains("no such entry"));
}

BOOST_AUTO_TEST_CASE(filtered_letters_are_replayed_and_purged)
{
    bury("a", "billing", "exhausted", "order", "2000-0");
    bury("b", "audit");
    bury("c", "billing", "rejected");
    bury("d", "billing", "rejected");
    BOOST_TEST(
        run({"dead", "replay", "orders", "--all", "--group", "audit", "--rate", "1000"}).out == "1 replayed\n"
    );
    BOOST_TEST(list({}) == (texts{"a", "c", "d"}), boost::test_tools::per_element());
    BOOST_TEST(run({"dead", "purge", "orders", "--older-than", "1h", "--yes"}).out == "1\n");
    BOOST_TEST(list({}) == (texts{"c", "d"}), boost::test_tools::per_element());
    auto const end = run({"dead", "purge", "orders", "--yes", "--json"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST(json_lines(end.out).at(0).at("removed").to_number<int>() == 2);
    BOOST_TEST(letters() == 0);
    // Nothing is no failure where there is such a stream.
    BOOST_TEST(run({"dead", "purge", "orders", "--yes"}).status == 0);
    BOOST_TEST(run({"dead", "replay", "orders", "--all"}).out == "0 replayed\n");
    BOOST_TEST(run({"dead", "ls", "orders"}).status == 0);
}

BOOST_AUTO_TEST_CASE(two_who_replay_at_the_same_time_replay_each_letter_once)
{
    constexpr std::size_t count = 3'000;
    server.command(
        {"EVAL", "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'body', i, 'dead-group', 'g') end",
         "1", "{orders}:dead", std::to_string(count)}
    );
    BOOST_REQUIRE(letters() == static_cast<long>(count));

    auto one = start({"dead", "replay", "orders", "--all", "--json"});
    auto other = start({"dead", "replay", "orders", "--all", "--json"});
    std::size_t replayed = 0;
    for (auto* const process : {&one, &other}) {
        auto const end = process->end();
        BOOST_TEST(end.status == 0, end.err);
        replayed += json_lines(end.out).at(0).at("replayed").to_number<std::size_t>();
    }
    BOOST_TEST(replayed == count);
    BOOST_TEST(letters() == 0);
    BOOST_TEST(entries() == 1 + static_cast<long>(count));
    auto const all = lines_of(server.command({"XRANGE", "orders", "-", "+"}));
    std::set<std::string> bodies;
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
        if (all[i] == "body")
            bodies.insert(all[i + 1]);
    BOOST_TEST(bodies.size() == 1 + count);
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_not_there_is_said)
{
    for (std::vector<std::string> const& arguments : std::vector<std::vector<std::string>>{
             {"dead", "ls", "nothing"},
             {"dead", "replay", "nothing", "--all"},
             {"dead", "purge", "nothing", "--yes"},
         })
    {
        auto const end = run(arguments);
        BOOST_TEST(end.status == 1);
        BOOST_TEST(end.complains("there is no stream nothing"));
    }
}

BOOST_AUTO_TEST_CASE(letters_outlive_their_stream)
{
    bury("a");
    server.command({"DEL", "orders"});
    BOOST_TEST(list({"--type", "refund"}).empty());
    BOOST_TEST(list({}) == texts{"a"}, boost::test_tools::per_element());
    BOOST_TEST(run({"dead", "purge", "orders", "--type", "refund", "--yes"}).out == "0\n");
    // Nobody would handle what is for a group that is not there.
    auto const refused = run({"dead", "replay", "orders", "--all"});
    BOOST_TEST(refused.status == 1);
    BOOST_TEST(refused.complains("billing"), refused.err);
    BOOST_TEST(letters() == 1);
    BOOST_TEST(run({"dead", "replay", "orders", "--all", "--for-all"}).out == "1 replayed\n");
    BOOST_TEST(entries() == 1);
}

BOOST_AUTO_TEST_CASE(nothing_is_removed_without_a_yes)
{
    auto const id = bury("a");
    for (std::vector<std::string> const& arguments : std::vector<std::vector<std::string>>{
             {"dead", "rm", "orders", id},
             {"dead", "purge", "orders"},
         })
    {
        auto const end = run(arguments, "y\n");
        BOOST_TEST(end.status == 2);
        BOOST_TEST(end.complains("--yes"));
    }
    BOOST_TEST(run({"dead", "purge", "orders", "--group", "g"}).complains("of the group g"));
    BOOST_TEST(letters() == 1);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_refused)
{
    bury("a");
    auto const misused = [&](std::vector<std::string> const& arguments, std::string_view words) {
        auto const end = run(arguments);
        BOOST_TEST_CONTEXT(end.err)
        {
            BOOST_TEST(end.status == 2);
            BOOST_TEST(end.complains(words));
        }
    };
    misused({"dead", "replay", "orders"}, "their ids, or --all");
    misused({"dead", "replay", "orders", "1-0", "--all"}, "excludes");
    misused({"dead", "replay", "orders", "1-0", "--group", "g"}, "--all");
    misused({"dead", "replay", "orders", "x"}, "id:");
    misused({"dead", "replay", "orders", "--all", "--rate", "0"}, "--rate: expected a number");
    misused({"dead", "ls", "orders", "--reason", "boredom"}, "--reason");
    misused({"dead", "ls", "orders", "--older-than", "long"}, "--older-than");
    misused({"dead", "show", "orders"}, "id is required");
    misused({"dead", "rm", "orders", "--yes"}, "id is required");
    BOOST_TEST(letters() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
