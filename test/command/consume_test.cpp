#include "command/invocation.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <csignal>
#include <fstream>
#include <set>
#include <string>
#include <vector>

using namespace strandline::testing;
namespace json = boost::json;

namespace {

/// Whether a signal waits for the process to look at it.
bool has_pending_signals(pid_t id)
{
    std::ifstream status("/proc/" + std::to_string(id) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("ShdPnd:") || line.starts_with("SigPnd:"))
            if (line.find_first_not_of("0 \t", line.find(':') + 1) != line.npos)
                return true;
    return false;
}

struct consuming : with_server
{
    void publish(std::string const& body, std::vector<std::string> options = {})
    {
        std::vector<std::string> arguments{"publish", "orders", body, "-q"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        BOOST_REQUIRE(run(arguments).status == 0);
    }

    /// Numbers from 1.
    void publish_many(int count)
    {
        std::string input;
        for (int i = 1; i <= count; ++i)
            input += std::to_string(i) + '\n';
        BOOST_REQUIRE(run({"publish", "orders", "-q"}, input).status == 0);
    }

    static std::vector<std::string> consume(std::vector<std::string> options)
    {
        options.insert(options.begin(), {"consume", "orders", "--group", "g"});
        return options;
    }

    said drain(std::vector<std::string> options = {}, std::string_view input = {})
    {
        options.emplace_back("--drain");
        return run(consume(options), input);
    }

    std::string pending() const
    {
        auto const text = server.command({"XPENDING", "orders", "g"});
        return text.substr(0, text.find('\n'));
    }

    std::set<std::string> ids_of(std::string const& output) const
    {
        std::set<std::string> ids;
        for (auto const& line : json_lines(output))
            ids.insert(std::string(line.at("id").as_string()));
        return ids;
    }

    std::string dead_header(std::string const& name) const
    {
        auto const lines = lines_of(server.command({"XRANGE", "{orders}:dead", "-", "+"}));
        for (std::size_t i = 0; i + 1 < lines.size(); ++i)
            if (lines[i] == name)
                return lines[i + 1];
        return "no " + name;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(consuming_from_the_shell, consuming)

BOOST_AUTO_TEST_CASE(a_delivery_is_a_line_of_json)
{
    publish(
        "{\"total\": 9.50,\n \"n\": 12345678901234567890123}",
        {"--key", "k", "--type", "t", "--header", "a=b"}
    );
    auto const end = drain({"--name", "me"});
    BOOST_TEST(end.status == 0);
    auto const id = lines_of(server.command({"XRANGE", "orders", "-", "+"})).at(0);
    BOOST_TEST(
        end.out == "{\"stream\":\"orders\",\"id\":\"" + id +
                       "\",\"group\":\"g\",\"consumer\":\"me\",\"attempt\":1,\"type\":\"t\",\"key\":\"k\","
                       "\"headers\":{\"type\":\"t\",\"key\":\"k\",\"a\":\"b\"},"
                       "\"body\":{\"total\": 9.50,  \"n\": 12345678901234567890123}}\n"
    );
    BOOST_TEST(end.err == "strandline: handled 1\n");
    BOOST_TEST(pending() == "0");
}

BOOST_AUTO_TEST_CASE(bodies_of_all_kinds_are_printed)
{
    server.command({"XADD", "orders", "1-0", "body", "plain \"text\"\n"});
    server.command({"XADD", "orders", "2-0", "body", std::string_view("\xFF\0\xFE", 3)});
    server.command({"XADD", "orders", "3-0", "body", ""});
    server.command({"XADD", "orders", "4-0", "only", "a \xFF header"});
    server.command({"XADD", "orders", "5-0", "body", "null"});
    server.command({"XADD", "orders", "6-0", "body", "{\"a\":1} {\"b\":2}"});
    auto const end = drain({"--order", "strict"});
    auto const lines = json_lines(end.out);
    BOOST_REQUIRE(lines.size() == 6);
    BOOST_TEST(lines[0].at("body") == "plain \"text\"\n");
    BOOST_TEST(lines[1].at("body_base64") == "/wD+");
    BOOST_TEST(!lines[1].as_object().contains("body"));
    BOOST_TEST(lines[2].at("body") == "");
    BOOST_TEST(!lines[3].as_object().contains("body"));
    BOOST_TEST(lines[3].at("headers").at("only") == "a \xEF\xBF\xBD header");
    BOOST_TEST(lines[3].at("type").is_null());
    BOOST_TEST(lines[4].at("body").is_null());
    BOOST_TEST(lines[5].at("body") == "{\"a\":1} {\"b\":2}");
}

BOOST_AUTO_TEST_CASE(it_is_the_same_through_a_socket)
{
    url = "unix:" + server.socket();
    publish_many(10);
    BOOST_TEST(ids_of(drain().out).size() == 10);
}

BOOST_AUTO_TEST_CASE(several_streams_are_read_together)
{
    publish("a");
    run({"publish", "bills", "b", "-q"});
    auto const lines = json_lines(run({"consume", "orders", "bills", "--group", "g", "--drain"}).out);
    BOOST_TEST(lines.size() == 2);
}

BOOST_AUTO_TEST_CASE(exactly_the_count_is_acknowledged)
{
    publish_many(1'000);
    std::set<std::string> seen;
    for (int const count : {1, 7, 100}) {
        auto const end = run(consume({"--count", std::to_string(count), "--lease", "500ms"}));
        BOOST_TEST(end.status == 0);
        auto const ids = ids_of(end.out);
        BOOST_TEST(ids.size() == static_cast<std::size_t>(count));
        seen.insert(ids.begin(), ids.end());
    }
    // What was handed back comes again, as if it had never been read.
    auto const rest = drain({"--lease", "500ms"});
    for (auto const& line : json_lines(rest.out))
        BOOST_REQUIRE(line.at("attempt") == 1);
    auto const ids = ids_of(rest.out);
    BOOST_TEST(ids.size() == 892);
    seen.insert(ids.begin(), ids.end());
    BOOST_TEST(seen.size() == 1'000);
    BOOST_TEST(pending() == "0");
}

BOOST_AUTO_TEST_CASE(to_look_acknowledges_nothing)
{
    publish_many(10);
    auto const end = run(consume({"--ack-none", "--count", "3", "--json"}));
    BOOST_TEST(end.status == 0);
    BOOST_TEST(ids_of(end.out).size() == 3);
    auto const report = json_lines(end.err).at(0);
    BOOST_TEST(report.at("handled") == 0);
    BOOST_TEST(drain().err == "strandline: handled 10\n");

    BOOST_TEST(run(consume({"--ack-none", "--drain"})).status == 2);
}

BOOST_AUTO_TEST_CASE(a_group_begins_where_it_is_told_to)
{
    server.command({"XADD", "orders", "1-0", "body", "1"});
    server.command({"XADD", "orders", "2-0", "body", "2"});
    BOOST_TEST(lines_of(drain({"--from", "1-0"}).out).size() == 1);
    auto const at_end = run({"consume", "orders", "--group", "h", "--from", "end", "--drain"});
    BOOST_TEST(at_end.out == "");
    BOOST_TEST(run({"consume", "orders", "--group", "h", "--from", "middle"}).status == 2);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_misuse)
{
    for (auto const& options : std::vector<std::vector<std::string>>{
             {"--lease", "1ms"},
             {"--concurrency", "0"},
             {"--order", "any"},
             {"--retry-after", "1s"},
             {"--attempts", "0"},
             {"--batch", "200000"},
             {"--timeout", "100h"},
             {"--exec", ""},
             {"--name", ""}
         })
    {
        auto const end = run(consume(options));
        BOOST_TEST_CONTEXT(options[0] << end.err)
        {
            BOOST_TEST(end.status == 2);
        }
    }
    BOOST_TEST(run(consume({"--lease", "0s"})).complains("lease"));
    BOOST_TEST(run({"consume", "orders"}).status == 2);
    BOOST_TEST(run({"consume", "--group", "g"}).status == 2);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_no_stream_is_told_at_once)
{
    server.command({"SET", "text", "x"});
    auto const end = run({"consume", "text", "--group", "g", "--drain"});
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("stream text: WRONGTYPE"), end.err);
}

BOOST_AUTO_TEST_CASE(signals_drain_it)
{
    for (auto const signal : {SIGTERM, SIGINT}) {
        publish_many(100);
        auto command = start(consume({}));
        until("100 lines", [&] { return lines_of(command.out()).size() == 100; });
        command.send(signal);
        auto const end = command.end();
        BOOST_TEST(end.status == 0);
        BOOST_TEST(end.err == "strandline: handled 100\n");
        BOOST_TEST(pending() == "0");
    }
}

BOOST_AUTO_TEST_CASE(a_full_disk_acknowledges_nothing)
{
    publish_many(10);
    owned_descriptor const full(::open("/dev/full", O_WRONLY));
    auto const end = start(consume({}), {.out = full.get()}).end();
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("standard output"));
    BOOST_TEST(pending() == "10");
    for (auto const& line : json_lines(drain().out))
        BOOST_TEST(line.at("attempt") == 1);
    BOOST_TEST(pending() == "0");
}

BOOST_AUTO_TEST_CASE(a_reader_that_has_gone_loses_nothing)
{
    publish_many(10'000);
    auto pipe = make_pipe();
    auto command = start(consume({}), {.out = pipe.writing.get()});
    pipe.writing.close();
    std::set<std::string> seen;
    for (int i = 0; i != 10; ++i)
        seen.merge(ids_of(read_line(pipe.reading)));
    pipe.reading.close();
    BOOST_TEST(command.end().status == 1);
    // What was written counts as handled, whether it was read or not.
    auto const handled =
        10'000 - std::stoi(pending()) -
        static_cast<int>(number({"EVAL", "return redis.call('XINFO', 'GROUPS', 'orders')[1][12]", "0"}));
    auto const rest = ids_of(drain().out);
    BOOST_TEST(static_cast<int>(rest.size()) + handled == 10'000);
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_read_does_not_hold_up_the_end)
{
    publish_many(10'000);
    auto pipe = make_pipe();
    auto command = start(consume({"--grace", "0s"}), {.out = pipe.writing.get()});
    BOOST_TEST(!read_line(pipe.reading).empty());
    command.send(SIGTERM);
    BOOST_TEST(command.end().status == 0);
    BOOST_TEST(pending() != "0");
}

BOOST_AUTO_TEST_CASE(a_second_signal_stops_at_once)
{
    publish_many(10'000);
    auto pipe = make_pipe();
    auto command = start(consume({"--grace", "1h"}), {.out = pipe.writing.get()});
    BOOST_TEST(!read_line(pipe.reading).empty());
    command.send(SIGTERM);
    // Two that come together are one.
    until("it has got the first", [&] { return !has_pending_signals(command.id()); });
    command.send(SIGTERM);
    BOOST_TEST(command.end().status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
