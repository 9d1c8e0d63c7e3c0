// Streams watched by the command, on a terminal and elsewhere.

#include "command/invocation.hpp"
#include "command/terminal.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace json = boost::json;
using namespace strandline::testing;

namespace {

/// Milliseconds since 1970 of a text that the command has made.
std::int64_t time_of(json::value const& text)
{
    std::tm date{};
    int ms = 0;
    BOOST_REQUIRE(
        std::sscanf(
            text.as_string().c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &date.tm_year, &date.tm_mon, &date.tm_mday,
            &date.tm_hour, &date.tm_min, &date.tm_sec, &ms
        ) == 7
    );
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    return std::int64_t{::timegm(&date)} * 1'000 + ms;
}

double value_of(json::value const& of, char const* member)
{
    return of.at(member).to_number<double>();
}

/// What the numbers of two rounds say about the second one's rates.
void check_rates(json::value const& before, json::value const& now)
{
    auto const seconds = static_cast<double>(time_of(now.at("now")) - time_of(before.at("now"))) / 1'000;
    auto const difference = [&](char const* member) {
        return value_of(now, member) - value_of(before, member);
    };
    auto const appended = difference("appended");
    auto const delivered = appended - difference("lag");
    auto const acknowledged = delivered - difference("pending");
    // They are rounded to tenths.
    BOOST_TEST(std::abs(value_of(now, "appended_per_second") - appended / seconds) < 0.051);
    BOOST_TEST(std::abs(value_of(now, "delivered_per_second") - delivered / seconds) < 0.051);
    BOOST_TEST(std::abs(value_of(now, "acknowledged_per_second") - acknowledged / seconds) < 0.051);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(watching, with_server)

BOOST_AUTO_TEST_CASE(so_many_rounds_are_printed)
{
    server.command({"XADD", "orders", "*", "body", "x"});
    server.command({"XGROUP", "CREATE", "orders", "billing", "0"});
    server.command({"XADD", "payments", "*", "body", "x"});
    auto const end = run({"top", "--count", "2", "--interval", "100ms"});
    BOOST_TEST(end.status == 0, end.err);
    auto const lines = lines_of(end.out);
    // A headline, two streams, and an empty line, twice.
    BOOST_REQUIRE(lines.size() == 8U);
    BOOST_TEST(lines[0] == lines[4]);
    BOOST_TEST(lines[0].starts_with("STREAM    GROUP    LENGTH  APPENDED/S"));
    BOOST_TEST(lines[1].starts_with("orders    billing  1       0.0 "));
    BOOST_TEST(lines[6].starts_with("payments  -        1       0.0 "));

    auto const values =
        json_lines(run({"top", "payments", "--count", "1", "--interval", "100ms", "--json"}).out);
    BOOST_REQUIRE(values.size() == 1U);
    BOOST_TEST(value_of(values[0], "appended_per_second") == 0);
    BOOST_TEST(values[0].at("group").is_null());
    BOOST_TEST(values[0].at("delivered_per_second").is_null());
}

BOOST_AUTO_TEST_CASE(rates_are_the_differences_of_rounds)
{
    server.command({"XADD", "orders", "*", "body", "x"});
    server.command({"XGROUP", "CREATE", "orders", "billing", "0"});
    auto ends = make_pipe();
    auto top = start({"top", "orders", "--interval", "100ms", "--json"}, {.out = ends.writing.get()});
    auto before = json_lines(read_line(ends.reading)).at(0);
    auto const read_rounds_until = [&](char const* member, double value) {
        for (auto reached = false; !reached;) {
            auto const now = json_lines(read_line(ends.reading)).at(0);
            check_rates(before, now);
            reached = value_of(now, member) == value;
            before = now;
        }
    };
    for (int i = 0; i != 20; ++i)
        server.command({"XADD", "orders", "*", "body", "x"});
    read_rounds_until("appended", 21);
    server.command({"XREADGROUP", "GROUP", "billing", "alice", "COUNT", "15", "STREAMS", "orders", ">"});
    read_rounds_until("pending", 15);
    auto const first = lines_of(server.command({"XRANGE", "orders", "-", "+", "COUNT", "1"})).at(0);
    server.command({"XACK", "orders", "billing", first});
    read_rounds_until("pending", 14);
    // What is removed is no event that has come or gone.
    server.command({"XTRIM", "orders", "MAXLEN", "18"});
    read_rounds_until("length", 18);
    top.send(SIGINT);
    BOOST_TEST(top.end().status == 0);
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_shown_until_it_is_there)
{
    auto ends = make_pipe();
    auto top = start({"top", "orders", "--interval", "100ms"}, {.out = ends.writing.get()});
    (void)read_line(ends.reading);
    BOOST_TEST(read_line(ends.reading) == "there is no stream orders");
    server.command({"XADD", "orders", "*", "body", "x"});
    for (std::string line; !line.starts_with("orders  -"); line = read_line(ends.reading))
        BOOST_TEST((line.empty() || line.starts_with("STREAM") || line.starts_with("there is no stream")));
    top.send(SIGTERM);
    BOOST_TEST(top.end().status == 0);
}

BOOST_AUTO_TEST_CASE(a_server_that_goes_ends_it_where_nobody_looks)
{
    server.command({"XADD", "orders", "*", "body", "x"});
    auto ends = make_pipe();
    auto top = start({"top", "--interval", "100ms", "--json"}, {.out = ends.writing.get()});
    (void)read_line(ends.reading);
    server.kill();
    auto const end = top.end();
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("strandline: "));
}

BOOST_AUTO_TEST_CASE(a_terminal_is_drawn_on_until_q_and_is_then_as_before)
{
    server.command({"XADD", "orders", "*", "body", "x"});
    terminal const at;
    auto top = start({"top", "--interval", "100ms"}, {.in = at.theirs(), .out = at.theirs()});
    auto const first = at.read_until("orders");
    BOOST_TEST(first.starts_with("\x1B[?1049h"));
    BOOST_TEST((first.find("q: quit") != std::string::npos));
    BOOST_TEST(!at.is_as_usual());
    server.command({"XADD", "payments", "*", "body", "x"});
    at.read_until("payments");
    at.type("xq");
    BOOST_TEST(top.end().status == 0);
    at.read_until("\x1B[?1049l");
    BOOST_TEST(at.is_as_usual());
}

BOOST_AUTO_TEST_CASE(a_terminal_shows_no_more_than_it_has_room_for)
{
    for (int i = 0; i != 30; ++i)
        server.command({"XADD", "stream-of-a-long-name-" + std::to_string(100 + i), "*", "body", "x"});
    terminal const at;
    auto top = start({"top", "--interval", "100ms"}, {.in = at.theirs(), .out = at.theirs()});
    at.read_until("name-106");
    auto const next = at.read_until("name-106");
    for (auto const& line : lines_of(next)) {
        BOOST_TEST(line.size() <= 60 + 16, line); // with what clears the rest of the line
        BOOST_TEST((line.find("name-107") == std::string::npos));
    }
    top.send(SIGTERM);
    BOOST_TEST(top.end().status == 0);
    at.read_until("\x1B[?1049l");
    BOOST_TEST(at.is_as_usual());
}

BOOST_AUTO_TEST_CASE(a_terminal_shows_that_the_server_is_gone_and_goes_on)
{
    server.command({"XADD", "orders", "*", "body", "x"});
    terminal const at;
    auto top = start({"top", "--interval", "100ms"}, {.in = at.theirs(), .out = at.theirs()});
    at.read_until("orders");
    server.kill();
    at.read_until("strandline top: ");
    server.start();
    server.command({"XADD", "payments", "*", "body", "x"});
    at.read_until("payments");
    at.type("q");
    BOOST_TEST(top.end().status == 0);
}

BOOST_AUTO_TEST_CASE(an_interval_has_a_length)
{
    auto const end = run({"top", "--interval", "1ms"});
    BOOST_TEST(end.status == 2);
    BOOST_TEST(end.complains("--interval: at least 100ms"));
}

BOOST_AUTO_TEST_SUITE_END()
