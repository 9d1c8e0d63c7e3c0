// Answers to the other commands, from the bytes of the wire to values.

#include "redis/batch.hpp"
#include "redis/replies.hpp"
#include "redis/wire.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace strandline;
using namespace strandline::testing;
using namespace strandline::redis;

namespace {

/// The nodes of one or more answers.
node_replies nodes_of(std::string const& text)
{
    node_replies replies;
    BOOST_REQUIRE(!wire::feed(replies, {text}));
    return replies;
}

entry_id id_of(appending const& item)
{
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    return *item.outcome;
}

} // namespace

BOOST_AUTO_TEST_SUITE(errors_of_a_server)

BOOST_AUTO_TEST_CASE(are_told_apart_by_their_first_word)
{
    std::pair<std::string_view, errc> const expected[] = {
        {"WRONGTYPE Operation against a key holding the wrong kind of value", errc::wrong_type},
        {"NOGROUP No such key 'a' or consumer group 'b' in XREADGROUP with GROUP option", errc::no_group},
        {"UNBLOCKED the stream key no longer exists", errc::no_group},
        {"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
         errc::unavailable},
        {"OOM command not allowed when used memory > 'maxmemory'.", errc::out_of_memory},
        {"NOPERM this user has no permissions to run the 'xadd' command", errc::not_permitted},
        {"ERR The user executing the script can't run this command or subcommand script: 80e5, on "
         "@user_script:1.",
         errc::not_permitted},
        {"ERR The user executing the script can't access at least one of the keys mentioned in the command "
         "arguments",
         errc::not_permitted},
        {"ERR The user executing the script can't publish to the channel mentioned in the command",
         errc::not_permitted},
        {"ERR ACL failure in script: User u has no permissions to run the 'xadd' command script: 80e5",
         errc::not_permitted},
        {"NAMETAKEN alice of the group g of orders", errc::name_taken},
        {"LOADING Redis is loading the dataset in memory", errc::unavailable},
        {"BUSY Redis is busy running a script", errc::unavailable},
        {"READONLY You can't write against a read only replica.", errc::unavailable},
        {"MASTERDOWN Link with MASTER is down", errc::unavailable},
        {"TRYAGAIN Multiple keys request during rehashing of slot", errc::unavailable},
        {"CLUSTERDOWN The cluster is down", errc::unavailable},
        {"MISCONF Redis is configured to save RDB snapshots", errc::unavailable},
        {"NOREPLICAS Not enough good replicas to write.", errc::unavailable},
        {"WRONGPASS invalid username-password pair or user is disabled.", errc::refused},
        {"NOAUTH Authentication required.", errc::refused},
        {"NOPROTO unsupported protocol version", errc::refused},
        {"ERR unknown command", errc::server_error},
        {"BUSYGROUP Consumer Group name already exists", errc::server_error},
        {"OOMX", errc::server_error},
        {"oom", errc::server_error},
        {"", errc::server_error},
    };
    for (auto const& [reply, code] : expected) {
        auto const why = server_failure(reply);
        BOOST_TEST_CONTEXT(reply)
        {
            BOOST_TEST((why == code));
            BOOST_TEST(why.words() == reply);
        }
    }
}

BOOST_AUTO_TEST_CASE(need_no_words_after_the_first)
{
    BOOST_TEST((server_failure("OOM") == errc::out_of_memory));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(answers_to_appends)

BOOST_AUTO_TEST_CASE(each_goes_to_its_own_entry)
{
    auto const text = wire::bulk("1-1") + "-OOM full\r\n" + wire::bulk("1-2") + "-WRONGTYPE no\r\n" +
                      wire::bulk("18446744073709551615-1");
    wire::for_every_cut(text, [](auto const& pieces) {
        std::vector<appending> items(5);
        std::vector<appending*> sent;
        for (auto& item : items)
            sent.push_back(&item);
        append_replies replies(sent);
        BOOST_TEST(!wire::feed(replies, pieces));
        BOOST_TEST(id_of(items[0]) == (entry_id{1, 1}));
        BOOST_TEST((items[1].outcome.error() == errc::out_of_memory));
        BOOST_TEST(items[1].outcome.error().words() == "OOM full");
        BOOST_TEST(id_of(items[2]) == (entry_id{1, 2}));
        BOOST_TEST((items[3].outcome.error() == errc::wrong_type));
        BOOST_TEST(id_of(items[4]) == (entry_id{18446744073709551615U, 1}));
    });
}

BOOST_AUTO_TEST_CASE(other_than_an_id_are_unexpected)
{
    for (auto const& text : {
             std::string("+QUEUED\r\n"),
             wire::null,
             wire::number(17),
             wire::bulk("1-"),
             wire::array({wire::bulk("1-1")}),
             wire::map({{wire::bulk("1-1"), wire::bulk("1-1")}}),
         })
    {
        appending item;
        appending next;
        appending* sent[] = {&item, &next};
        append_replies replies(sent);
        BOOST_TEST(!wire::feed(replies, {text + wire::bulk("2-2")}));
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST((item.outcome.error() == errc::unexpected_reply));
            BOOST_TEST(id_of(next) == (entry_id{2, 2}));
        }
    }
}

BOOST_AUTO_TEST_CASE(more_than_asked_for_are_left)
{
    appending item;
    appending* sent[] = {&item};
    append_replies replies(sent);
    BOOST_TEST(!wire::feed(replies, {wire::bulk("1-1") + wire::bulk("1-2") + wire::bulk("1-3")}));
    BOOST_TEST(id_of(item) == (entry_id{1, 1}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(answers_of_the_script_that_takes)

BOOST_AUTO_TEST_CASE(each_goes_to_its_own_entry)
{
    auto const fields = [](std::initializer_list<std::string> texts) { return wire::array(texts); };
    auto const text = wire::array({
        wire::array(
            {wire::number(3), fields({wire::bulk("body"), wire::bulk("a"), wire::bulk("n"), wire::bulk("")})}
        ),
        wire::number(1),
        wire::number(2),
        wire::array({wire::number(4'294'967'295), fields({wire::bulk("type"), wire::bulk("\r\n")})}),
    });
    wire::for_every_cut(text, [](auto const& pieces) {
        std::vector<taking> items(4);
        {
            take_reply reply(items);
            BOOST_TEST(!wire::feed(reply, pieces));
            BOOST_TEST(!reply.error(), reply.error());
        }
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[0].attempt == 3);
        BOOST_TEST((items[0].entry.body == "a"));
        BOOST_TEST((items[0].entry.header("n") == ""));
        BOOST_TEST(items[1].state == holding::lost);
        BOOST_TEST(items[2].state == holding::gone);
        BOOST_TEST(items[3].state == holding::held);
        BOOST_TEST(items[3].attempt == 4'294'967'295);
        BOOST_TEST(!items[3].entry.body.has_value());
        BOOST_TEST((items[3].entry.header("type") == "\r\n"));
    });
}

BOOST_AUTO_TEST_CASE(an_error_takes_nothing)
{
    wire::for_every_cut("-NOGROUP No such group\r\n", [](auto const& pieces) {
        std::vector<taking> items(2);
        take_reply reply(items);
        BOOST_TEST(!wire::feed(reply, pieces));
        BOOST_TEST((reply.error() == errc::no_group));
        BOOST_TEST(items[0].state == holding::lost);
    });
}

BOOST_AUTO_TEST_CASE(fewer_or_more_than_asked_for_are_unexpected)
{
    for (auto const& text :
         {wire::array({wire::number(1)}), wire::array({}), wire::null, wire::bulk("1"),
          wire::array({wire::number(1), wire::number(1), wire::number(1)})})
    {
        std::vector<taking> items(2);
        take_reply reply(items);
        BOOST_TEST(!wire::feed(reply, {text}));
        BOOST_TEST((reply.error() == errc::unexpected_reply), text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(answers_as_nodes)

BOOST_AUTO_TEST_CASE(are_kept_one_by_one)
{
    auto const text =
        wire::number(7) + "-ERR no\r\n" + wire::array({wire::bulk("a"), wire::array({})}) + wire::null;
    wire::for_every_cut(text, [](auto const& pieces) {
        node_replies replies;
        BOOST_TEST(!wire::feed(replies, pieces));
        BOOST_TEST(!replies.error(0));
        BOOST_TEST(node_walk(replies.reply(0)).number() == 7);
        BOOST_TEST((replies.error(1) == errc::server_error));
        BOOST_TEST(replies.error(1).words() == "ERR no");
        BOOST_TEST(replies.reply(2).size() == 3);
        BOOST_TEST(!replies.error(3));
        // One that never came.
        BOOST_TEST(replies.reply(4).empty());
        BOOST_TEST((replies.error(4) == errc::unexpected_reply));
    });
}

BOOST_AUTO_TEST_CASE(are_forgotten_before_the_next_request)
{
    auto replies = nodes_of(wire::number(1) + wire::number(2));
    replies.clear();
    BOOST_TEST(replies.reply(0).empty());
    BOOST_TEST(!wire::feed(replies, {wire::number(3)}));
    BOOST_TEST(node_walk(replies.reply(0)).number() == 3);
}

BOOST_AUTO_TEST_CASE(are_walked_from_value_to_value)
{
    auto const replies = nodes_of(wire::array({
        wire::bulk("text"),
        wire::number(18),
        wire::bulk("5-6"),
        wire::map({{wire::bulk("k"), wire::array({wire::number(1), wire::number(2)})}}),
        wire::null,
        wire::bulk("end"),
    }));
    node_walk walk(replies.reply(0));
    BOOST_TEST(walk.enter() == 6);
    BOOST_TEST(walk.text() == "text");
    BOOST_TEST(walk.number() == 18);
    BOOST_TEST(walk.id() == (entry_id{5, 6}));
    BOOST_TEST(walk.next_is_aggregate());
    auto inside = walk;
    BOOST_TEST(inside.enter() == 2);
    BOOST_TEST(inside.text() == "k");
    walk.skip();
    BOOST_TEST(walk.next_is_null());
    walk.skip();
    BOOST_TEST(walk.text() == "end");
    BOOST_TEST(walk.at_end());
    BOOST_TEST(walk.ok());
}

BOOST_AUTO_TEST_CASE(say_when_they_are_not_what_was_asked_for)
{
    auto const wrong = [](std::string const& text, auto ask) {
        auto const replies = nodes_of(text);
        node_walk walk(replies.reply(0));
        ask(walk);
        BOOST_TEST(!walk.ok(), text);
    };
    auto const enter = [](node_walk& walk) { walk.enter(); };
    auto const text = [](node_walk& walk) { walk.text(); };
    auto const number = [](node_walk& walk) { walk.number(); };
    auto const id = [](node_walk& walk) { walk.id(); };
    wrong(wire::bulk("a"), enter);
    wrong(wire::null, enter);
    wrong(wire::array({}), text);
    wrong(wire::array({wire::number(1)}), number);
    wrong(wire::bulk("a"), number);
    wrong(wire::bulk(""), number);
    wrong(wire::bulk("1x"), number);
    wrong(wire::bulk("-1"), number);
    wrong(wire::bulk("18446744073709551616"), number);
    wrong(wire::null, number);
    wrong(wire::bulk("x-1"), id);
    wrong(wire::map({}), id);
}

BOOST_AUTO_TEST_CASE(give_nothing_past_their_end)
{
    node_walk nothing({});
    BOOST_TEST(nothing.ok());
    BOOST_TEST(nothing.at_end());
    BOOST_TEST(!nothing.next_is_aggregate());
    BOOST_TEST(!nothing.next_is_null());
    BOOST_TEST(nothing.text() == "");
    BOOST_TEST(!nothing.ok());
    BOOST_TEST(nothing.enter() == 0);
    BOOST_TEST(nothing.number() == 0);
    BOOST_TEST(nothing.id() == entry_id::min());
    nothing.skip();
    BOOST_TEST(!nothing.ok());
}

BOOST_AUTO_TEST_SUITE_END()
