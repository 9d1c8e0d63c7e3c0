// What destroys something asks at a terminal, and needs to be told elsewhere.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <pty.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace strandline::testing;

namespace {

struct with_terminal : with_server
{
    with_terminal()
    {
        run({"publish", "orders", "-q"}, "a\nb\nc\n");
        int ends[2];
        if (::openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr) != 0)
            throw std::runtime_error("no terminal");
        person = owned_descriptor(ends[0]);
        terminal = owned_descriptor(ends[1]);
    }

    int trim_and_answer(std::string_view answer) const
    {
        process command(
            {COMMAND, "trim", "orders", "--count", "1"}, {.in = terminal.get(),
                                                          .out = terminal.get(),
                                                          .err = terminal.get(),
                                                          .environment = {"STRANDLINE_URL=" + url}}
        );
        write_all(person, answer);
        return command.wait();
    }

    owned_descriptor person;
    owned_descriptor terminal;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(what_destroys_something, with_terminal)

BOOST_AUTO_TEST_CASE(is_done_when_the_answer_is_yes)
{
    BOOST_TEST(trim_and_answer("y\n") == 0);
    BOOST_TEST(number({"XLEN", "orders"}) == 1);
}

BOOST_AUTO_TEST_CASE(is_not_done_otherwise)
{
    for (std::string_view const answer : {"n\n", "\n", "yep\n", "\x04"}) {
        BOOST_TEST(trim_and_answer(answer) == 1);
        BOOST_TEST(number({"XLEN", "orders"}) == 3);
    }
}

BOOST_AUTO_TEST_CASE(needs_a_word_where_nobody_can_be_asked)
{
    auto const end = run({"trim", "orders", "--count", "1"}, "y\n");
    BOOST_TEST(end.status == 2);
    BOOST_TEST(end.complains("remove from the stream orders all events but the newest 1"));
    BOOST_TEST(end.complains("--yes"));
    BOOST_TEST(number({"XLEN", "orders"}) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
