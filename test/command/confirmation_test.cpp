// Who sits at a terminal is asked before something is destroyed.

#include "command/invocation.hpp"
#include "command/terminal.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace strandline::testing;

namespace {

struct asked : with_server
{
    asked()
    {
        server.command({"XADD", "orders", "*", "body", "x"});
        server.command({"XGROUP", "CREATE", "orders", "billing", "0"});
    }

    /// At the terminal with all three of its streams.
    process start_there(std::vector<std::string> arguments) const
    {
        arguments.insert(arguments.begin(), COMMAND);
        return {
            std::move(arguments),
            {.in = at.theirs(),
             .out = at.theirs(),
             .err = at.theirs(),
             .environment = {"STRANDLINE_URL=" + url}}
        };
    }

    bool has_group() const
    {
        return server.command({"XINFO", "GROUPS", "orders"}).find("billing") != std::string::npos;
    }

    terminal at;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(confirmation, asked)

BOOST_AUTO_TEST_CASE(a_yes_at_the_terminal_does_it)
{
    auto command = start_there({"group", "rm", "orders", "billing"});
    at.read_until("remove the group billing of the stream orders with all that is pending in it? [y/N] ");
    BOOST_TEST(has_group());
    at.type("y\n");
    at.read_until("billing removed");
    BOOST_TEST(command.wait() == 0);
    BOOST_TEST(!has_group());
}

BOOST_AUTO_TEST_CASE(anything_else_at_the_terminal_does_nothing)
{
    for (std::string const answer : {"n\n", "\n", "yesterday\n"}) {
        auto command = start_there({"group", "rm", "orders", "billing"});
        at.read_until("[y/N] ");
        at.type(answer);
        at.read_until("strandline: nothing was done");
        BOOST_TEST(command.wait() == 1);
    }
    BOOST_TEST(has_group());
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_who_has_said_yes_before)
{
    auto command = start_there({"collect", "orders", "--yes"});
    auto const said = at.read_until("orders  0");
    BOOST_TEST((said.find("[y/N]") == std::string::npos), said);
    BOOST_TEST(command.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_word_is_needed_where_nobody_can_be_asked)
{
    for (auto const& arguments : std::vector<std::vector<std::string>>{
             {"group", "rm", "orders", "billing"}, {"trim", "orders", "--count", "1"}
         })
    {
        auto const end = run(arguments, "y\n");
        BOOST_TEST(end.status == 2);
        BOOST_TEST(end.complains("remove"));
        BOOST_TEST(end.complains("--yes"));
    }
    BOOST_TEST(has_group());
}

BOOST_AUTO_TEST_SUITE_END()
