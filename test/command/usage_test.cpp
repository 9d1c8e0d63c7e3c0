// What the command says of itself, and of what it does not understand.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace strandline::testing;

namespace {

void check_misused(std::vector<std::string> const& arguments, std::string_view words)
{
    auto const end = run_alone(arguments);
    BOOST_TEST_CONTEXT(end.out << end.err)
    {
        BOOST_TEST(end.status == 2);
        BOOST_TEST(end.out == "");
        BOOST_TEST(end.err.starts_with("strandline: "));
        BOOST_TEST(end.complains(words));
    }
}

std::string text_of_page()
{
    std::ifstream in(COMMAND_PAGE);
    return {std::istreambuf_iterator(in), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(usage)

BOOST_AUTO_TEST_CASE(help_and_version_are_printed)
{
    auto const help = run_alone({"--help"});
    BOOST_TEST(help.status == 0);
    BOOST_TEST(help.out.find("publish") != std::string::npos);
    BOOST_TEST(run_alone({"delayed", "ls", "--help"}).out.find("--after") != std::string::npos);
    auto const version = run_alone({"--version"});
    BOOST_TEST(version.status == 0);
    BOOST_TEST(version.out.starts_with("strandline "));
}

BOOST_AUTO_TEST_CASE(help_that_cannot_be_printed_is_a_failure)
{
    owned_descriptor const full(::open("/dev/full", O_WRONLY));
    auto const help = invocation({"--help"}, {.out = full.get()}).end();
    BOOST_TEST(help.status == 1);
    BOOST_TEST(help.complains("standard output: No space left"));
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_said)
{
    check_misused({}, "subcommand");
    check_misused({"nonsense"}, "not understood: nonsense");
    check_misused({"publish"}, "stream");
    check_misused({"publish", "orders", "x", "--nonsense"}, "--nonsense");
    check_misused({"delayed"}, "subcommand");
    check_misused({"delayed", "nonsense"}, "nonsense");
    check_misused({"publish", "a}b", "x", "--url", "memory:"}, "}");
    check_misused({"publish", "orders", "x", "--after", "soon"}, "--after: expected a time as 250ms");
    check_misused({"publish", "orders", "x", "--at", "2030-02-30T00:00:00Z"}, "--at: expected a time as");
    check_misused({"publish", "orders", "x", "--after", "1s", "--at", "0"}, "--after excludes --at");
    check_misused({"publish", "orders", "x", "--batch", "0"}, "--batch: expected a number from 1");
    check_misused({"publish", "orders", "x", "--header", "=v", "--url", "memory:"}, "NAME=VALUE");
    check_misused({"publish", "orders", "x", "--header", "body=v", "--url", "memory:"}, "body");
    check_misused({"trim", "orders", "--url", "memory:", "--yes"}, "--count or --age");
    check_misused({"completion", "fish"}, "fish");
}

BOOST_AUTO_TEST_CASE(a_server_is_needed)
{
    check_misused({"publish", "orders", "x"}, "STRANDLINE_URL");
    check_misused({"publish", "orders", "x", "--url", "http://localhost"}, "invalid URL");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_is_a_failure)
{
    auto const end = run_alone({"publish", "orders", "x", "--url", "unix:/nonexistent/socket"});
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("strandline: "));
    BOOST_TEST(end.complains("/nonexistent/socket"));
}

BOOST_AUTO_TEST_CASE(passwords_are_not_repeated)
{
    for (auto const& arguments : std::vector<std::vector<std::string>>{
             {"publish", "orders", "x", "redis://bob:secret@localhost"},
             {"publish", "orders", "x", "--ulr", "redis://bob:sec@secret@localhost"},
             {"publish", "orders", "x", "--url", "redis://bob:secret@localhost:many"},
             {"publish", "orders", "x", "--ulr=redis+sentinel://h/m?sentinel_password=secret&prefix=x"},
         })
    {
        auto const end = run_alone(arguments);
        BOOST_TEST(end.status == 2);
        BOOST_TEST(!end.complains("secret"));
    }
}

BOOST_AUTO_TEST_CASE(completion_is_a_script_of_the_shell)
{
    for (std::string const shell : {"bash", "zsh"}) {
        auto const path = "/usr/bin/" + shell;
        if (std::ifstream(path).fail())
            continue;
        auto const script = run_alone({"completion", shell});
        BOOST_TEST(script.status == 0);
        auto const in = file_of(script.out);
        process check({path, "-n"}, {.in = in.get()});
        BOOST_TEST(check.wait() == 0);
    }
}

BOOST_AUTO_TEST_CASE(bash_completes_commands_options_and_words)
{
    auto const script = run_alone({"completion", "bash"}).out;
    auto const complete = [&](std::string const& words) {
        auto const in = file_of(
            script + "COMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_strandline\n" +
            "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        );
        auto const out = file_of({});
        process shell({"/bin/bash"}, {.in = in.get(), .out = out.get()});
        BOOST_TEST(shell.wait() == 0);
        return content_of(out);
    };
    BOOST_TEST(complete("strandline pub") == "publish\n");
    BOOST_TEST(complete("strandline delayed c") == "cancel\n");
    BOOST_TEST(complete("strandline delayed ls orders --aft") == "--after\n");
    BOOST_TEST(complete("strandline completion --url x z") == "\n");
    BOOST_TEST(complete("strandline publish orders --key --af") == "\n");
}

BOOST_AUTO_TEST_CASE(the_page_of_the_command_is_what_it_prints)
{
    auto const end = run_alone({"help-markdown"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST(
        (end.out == text_of_page()),
        "doc/command.md is old: build/release/bin/strandline help-markdown > doc/command.md"
    );
}

BOOST_AUTO_TEST_SUITE_END()
