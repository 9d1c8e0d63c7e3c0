#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace strandline::testing;
namespace fs = std::filesystem;

namespace {

/// A zombie does not run.
bool is_running(std::string const& id)
{
    std::ifstream in("/proc/" + id + "/stat");
    std::string text;
    std::getline(in, text);
    auto const state = text.rfind(") ");
    return state != text.npos && text[state + 2] != 'Z' && text[state + 2] != 'X';
}

bool has_children(pid_t of)
{
    auto const id = std::to_string(of);
    std::ifstream in("/proc/" + id + "/task/" + id + "/children");
    std::string first;
    return static_cast<bool>(in >> first);
}

struct executing : with_server
{
    executing()
    {
        auto pattern = (fs::temp_directory_path() / "strandline-exec-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("no temporary folder");
        folder = pattern;
        gate = folder / "gate";
        if (::mkfifo(gate.c_str(), 0600) != 0)
            throw std::runtime_error("no named pipe");
    }

    ~executing()
    {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    void publish(std::string const& body, std::vector<std::string> options = {})
    {
        std::vector<std::string> arguments{"publish", "orders", "--quiet"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        BOOST_REQUIRE(run(arguments, body + '\n').status == 0);
    }

    static std::vector<std::string> exec(std::string const& command, std::vector<std::string> options = {})
    {
        options.insert(options.begin(), {"consume", "orders", "--group", "g", "--exec", command});
        return options;
    }

    said drain(std::string const& command, std::vector<std::string> options = {})
    {
        options.emplace_back("--drain");
        return run(exec(command, options));
    }

    /// Its output can be read line by line.
    invocation begin(std::vector<std::string> arguments)
    {
        auto command = start(std::move(arguments), {.out = output.writing.get()});
        output.writing.close();
        return command;
    }

    /// Lets so many commands go on that wait with `read x < gate`.
    void open_gate(int count = 1)
    {
        // For reading, too: so opening it waits for nobody, and nobody reads its end.
        opened_gate = owned_descriptor(::open(gate.c_str(), O_RDWR));
        write_all(opened_gate, std::string(static_cast<std::size_t>(count), '\n'));
    }

    std::string dead(std::string const& header) const
    {
        auto const lines = lines_of(server.command({"XRANGE", "{orders}:dead", "-", "+"}));
        for (std::size_t i = 0; i + 1 < lines.size(); ++i)
            if (lines[i] == header)
                return lines[i + 1];
        return "no " + header;
    }

    fs::path folder;
    fs::path gate;
    owned_descriptor opened_gate;
    pipe_ends output = make_pipe();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(commands_as_handlers, executing)

BOOST_AUTO_TEST_CASE(a_command_gets_the_event)
{
    publish(
        "hello", {"--key", "k", "--type", "t", "--header", "trace-id.x=a b", "--header", "trace_id.x=second"}
    );
    auto const end =
        drain("cat; printf '|%s' \"$STRANDLINE_STREAM\" \"$STRANDLINE_GROUP\" \"$STRANDLINE_ATTEMPT\" "
              "\"$STRANDLINE_KEY\" \"$STRANDLINE_TYPE\" \"$STRANDLINE_HEADER_TRACE_ID_X\" "
              "\"$STRANDLINE_ID\"; echo to stderr >&2");
    BOOST_TEST(end.status == 0);
    auto const id = lines_of(server.command({"XRANGE", "orders", "-", "+"})).at(0);
    BOOST_TEST(end.out == "hello|orders|g|1|k|t|a b|" + id);
    BOOST_TEST(end.err == "to stderr\nstrandline: handled 1\n");
}

BOOST_AUTO_TEST_CASE(bodies_are_given_byte_by_byte)
{
    std::string body;
    for (int i = 0; i != 1 << 20; ++i)
        body += static_cast<char>(i % 251);
    server.command({"XADD", "orders", "*", "body", body});
    auto const end = drain("cat");
    BOOST_TEST((end.out == body));
}

BOOST_AUTO_TEST_CASE(variables_of_other_events_are_not_seen)
{
    publish("x");
    auto const end = start(
                         exec("echo ${STRANDLINE_KEY-none} ${STRANDLINE_HEADER_A-none} $OTHER", {"--drain"}),
                         {.environment = {"STRANDLINE_KEY=outer", "STRANDLINE_HEADER_A=outer", "OTHER=kept"}}
    )
                         .end();
    BOOST_TEST(end.out == "none none kept\n");
}

BOOST_AUTO_TEST_CASE(a_command_need_not_read)
{
    server.command({"XADD", "orders", "*", "body", std::string(1 << 20, 'x')});
    BOOST_TEST(drain("true").err == "strandline: handled 1\n");
    server.command({"XADD", "orders", "*", "body", std::string(1 << 20, 'x')});
    BOOST_TEST(drain("exec 0<&-; ls / > /dev/null; exit 0").err == "strandline: handled 1\n");
}

BOOST_AUTO_TEST_CASE(what_returns_65_goes_to_the_dead_letters)
{
    publish("x");
    auto const end = drain("exit 65");
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(dead("dead-reason") == "rejected");
    BOOST_TEST(dead("dead-error") == "the command returned 65");
    BOOST_TEST(dead("dead-attempts") == "1");
}

BOOST_AUTO_TEST_CASE(what_returns_75_is_tried_again_when_it_says)
{
    publish("x");
    auto const end = drain("echo $STRANDLINE_ATTEMPT; exit 75", {"--retry-after", "1ms", "--attempts", "3"});
    BOOST_TEST(end.out == "1\n2\n3\n");
    BOOST_TEST(end.err == "strandline: handled 0, retried 2, dead 1\n");
    BOOST_TEST(dead("dead-reason") == "exhausted");

    publish("y");
    auto command = begin(exec("echo begun; exit 75", {"--retry-after", "10h", "--json"}));
    BOOST_TEST(read_line(output.reading) == "begun");
    until("nothing but the waiting one", [&] { return !has_children(command.id()); });
    command.send(SIGTERM);
    auto const report = json_lines(command.end().err).at(0);
    BOOST_TEST(report.at("retried") == 1);
    BOOST_TEST(report.at("released") == 1);
}

BOOST_AUTO_TEST_CASE(whatever_else_it_returns_is_a_failed_attempt)
{
    publish("x");
    auto const end = drain("echo $STRANDLINE_ATTEMPT; test $STRANDLINE_ATTEMPT = 2");
    BOOST_TEST(end.out == "1\n2\n");
    BOOST_TEST(end.err == "strandline: handled 1, retried 1\n");

    publish("y");
    BOOST_TEST(drain("exit 7", {"--attempts", "1"}).err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(dead("dead-error") == "the command returned 7");
    server.command({"DEL", "{orders}:dead"});

    publish("z");
    BOOST_TEST(drain("kill -9 $$", {"--attempts", "1"}).err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(dead("dead-error") == "the command was ended by signal 9");
}

BOOST_AUTO_TEST_CASE(what_no_variable_can_hold_is_refused)
{
    server.command({"XADD", "orders", "*", "a", std::string_view("x\0y", 3), "body", "x"});
    BOOST_TEST(drain("true").err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(
        dead("dead-error") == "STRANDLINE_HEADER_A has a null character in it, which no variable can hold"
    );
}

BOOST_AUTO_TEST_CASE(what_the_system_does_not_take_is_a_failed_attempt)
{
    server.command({"XADD", "orders", "*", "a", std::string(1 << 20, 'x'), "body", "x"});
    BOOST_TEST(drain("true", {"--attempts", "1"}).err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(dead("dead-error").starts_with("the command cannot be run: Argument list too long"));
}

BOOST_AUTO_TEST_CASE(only_standard_descriptors_are_inherited)
{
    publish("x");
    BOOST_TEST(drain("ls /proc/$$/fd; true").out == "0\n1\n2\n");
}

BOOST_AUTO_TEST_CASE(pipelines_within_commands_end_as_usual)
{
    publish("x");
    auto const end = drain("yes | head -n 1");
    BOOST_TEST(end.out == "y\n");
    BOOST_TEST(end.err == "strandline: handled 1\n");
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_whole_group)
{
    publish("x");
    auto const end = drain(
        "(trap '' TERM; exec sleep 1000) & echo $$ $!; wait", {"--timeout", "200ms", "--attempts", "1"}
    );
    BOOST_TEST(end.err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(dead("dead-reason") == "exhausted");
    auto const ids = end.out.substr(0, end.out.find('\n'));
    auto const space = ids.find(' ');
    BOOST_TEST(!is_running(ids.substr(0, space)));
    until("the other is gone", [&] { return !is_running(ids.substr(space + 1)); });
}

BOOST_AUTO_TEST_CASE(a_command_is_asked_to_end_before_it_is_killed)
{
    publish("x");
    auto const end =
        drain("trap 'echo asked; exit 1' TERM; sleep 1000 & wait", {"--timeout", "200ms", "--attempts", "1"});
    BOOST_TEST(end.out == "asked\n");
    BOOST_TEST(end.err == "strandline: handled 0, dead 1\n");
}

BOOST_AUTO_TEST_CASE(a_command_that_does_not_want_to_end_is_killed)
{
    publish("x");
    auto const end = drain(
        "trap '' TERM; echo $$; while :; do read x < /dev/tty || exec sleep 1000; done 2> /dev/null",
        {"--timeout", "100ms", "--attempts", "1"}
    );
    BOOST_TEST(end.err == "strandline: handled 0, dead 1\n");
    BOOST_TEST(!is_running(end.out.substr(0, end.out.find('\n'))));
}

BOOST_AUTO_TEST_CASE(what_runs_may_end_after_a_signal)
{
    publish("x");
    auto command = begin(exec("echo begun; read x < " + gate.string()));
    BOOST_TEST(read_line(output.reading) == "begun");
    command.send(SIGTERM);
    open_gate();
    auto const end = command.end();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "strandline: handled 1\n");
}

BOOST_AUTO_TEST_CASE(what_still_runs_at_the_deadline_is_ended_and_handed_back)
{
    publish("x");
    auto command = begin(exec("echo $$; exec sleep 1000", {"--grace", "0s"}));
    auto const child = read_line(output.reading);
    command.send(SIGTERM);
    auto const end = command.end();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "strandline: handled 0, cancelled 1\n");
    BOOST_TEST(!is_running(child));
    // As if it had never been started.
    BOOST_TEST(drain("echo $STRANDLINE_ATTEMPT").out == "1\n");
}

BOOST_AUTO_TEST_CASE(a_command_that_is_killed_has_failed)
{
    publish("x");
    auto command = begin(exec("echo $$; test $STRANDLINE_ATTEMPT = 2 || exec sleep 1000", {"--count", "1"}));
    ::kill(std::stoi(read_line(output.reading)), SIGKILL);
    auto const end = command.end();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "strandline: handled 1, retried 1\n");
}

BOOST_AUTO_TEST_CASE(a_crash_takes_its_commands_with_it_and_loses_nothing)
{
    for (int i = 0; i != 20; ++i)
        publish(std::to_string(i));
    auto command =
        begin(exec("sleep 1000 & echo $$; echo $!; wait", {"--concurrency", "4", "--lease", "500ms"}));
    std::vector<std::string> children;
    for (int i = 0; i != 8; ++i)
        children.push_back(read_line(output.reading));
    command.kill();
    for (auto const& child : children)
        until("the command has ended", [&] { return !is_running(child); });

    auto other = start(exec("read x; echo $x", {"--count", "20", "--lease", "500ms"}));
    auto const end = other.end();
    BOOST_TEST(end.status == 0);
    auto const seen = lines_of(end.out);
    BOOST_TEST(std::set<std::string>(seen.begin(), seen.end()).size() == 20);
    BOOST_TEST(seen.size() == 20);
}

BOOST_AUTO_TEST_CASE(it_does_not_matter_what_is_ignored_by_who_starts_it)
{
    publish("x");
    std::vector<std::string> arguments{"/bin/sh", "-c", "trap '' CHLD HUP TERM; exec \"$@\"", "sh", COMMAND};
    auto const rest = exec("echo $$; exec sleep 1000", {"--timeout", "200ms", "--attempts", "1", "--drain"});
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    process command(
        std::move(arguments), {.out = output.writing.get(), .environment = {"STRANDLINE_URL=" + url}}
    );
    BOOST_TEST(command.wait() == 0);
    BOOST_TEST(!is_running(read_line(output.reading)));
    BOOST_TEST(dead("dead-reason") == "exhausted");
}

BOOST_AUTO_TEST_CASE(what_another_has_taken_over_is_ended)
{
    publish("x");
    auto command = begin(exec("echo $$; exec sleep 1000", {"--lease", "500ms"}));
    auto const child = read_line(output.reading);
    command.send(SIGSTOP);
    BOOST_TEST(run(exec("true", {"--lease", "500ms", "--count", "1"})).err == "strandline: handled 1\n");
    BOOST_TEST(is_running(child));
    command.send(SIGCONT);
    until("the command has ended", [&] { return !is_running(child); });
    command.send(SIGTERM);
    BOOST_TEST(command.end().err == "strandline: handled 0, lost 1\n");
}

BOOST_AUTO_TEST_CASE(so_many_run_at_the_same_time)
{
    for (int i = 0; i != 3; ++i)
        publish(std::to_string(i));
    auto command =
        begin(exec("echo begun; read x < " + gate.string(), {"--concurrency", "3", "--count", "3"}));
    for (int i = 0; i != 3; ++i)
        BOOST_TEST(read_line(output.reading) == "begun");
    open_gate(3);
    BOOST_TEST(command.end().err == "strandline: handled 3\n");
}

BOOST_AUTO_TEST_CASE(exactly_the_count_is_handled_by_commands)
{
    for (int i = 0; i != 10; ++i)
        publish(std::to_string(i));
    auto const end = run(exec("read x; echo $x", {"--count", "3"}));
    BOOST_TEST(lines_of(end.out).size() == 3);
    auto const rest = drain("read x; echo $x");
    BOOST_TEST(rest.err == "strandline: handled 7\n");
    BOOST_TEST(lines_of(rest.out).size() == 7);
}

BOOST_AUTO_TEST_SUITE_END()
