// The health of a server and its streams, as the command tells it.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace json = boost::json;
using namespace strandline::testing;

namespace {

struct checked : with_server
{
    checked() { server.command({"XADD", "orders", "*", "body", "x"}); }

    /// What it printed, when it ended with that status.
    json::value check(int status, std::vector<std::string> const& streams = {}) const
    {
        std::vector<std::string> arguments{"health", "--json"};
        arguments.insert(arguments.end(), streams.begin(), streams.end());
        auto const end = run(arguments);
        BOOST_TEST(end.status == status, end.err);
        return json_lines(end.out).at(0);
    }

    /// Of the first finding.
    static std::string problem_of(json::value const& report)
    {
        return std::string(report.at("findings").at(0).at("problem").as_string());
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(checking_health, checked)

BOOST_AUTO_TEST_CASE(a_server_without_findings_is_healthy)
{
    auto const report = check(0);
    BOOST_TEST(report.at("verdict").as_string() == "healthy");
    BOOST_TEST(report.at("findings").as_array().empty());
    auto const& at = report.at("server").as_object();
    BOOST_TEST((at.at("version").as_string().starts_with("redis ")));
    BOOST_TEST(at.at("role").as_string() == "primary");
    BOOST_TEST(at.at("used_memory").to_number<long>() > 0);
    BOOST_TEST(at.at("max_memory").to_number<long>() == 0);
    BOOST_TEST(at.at("round_trip_us").to_number<long>() > 0);
    BOOST_TEST(run({"health"}).out == "healthy\n");
}

BOOST_AUTO_TEST_CASE(what_asks_for_attention_is_no_failure)
{
    server.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    auto const report = check(0);
    BOOST_TEST(report.at("verdict").as_string() == "degraded");
    BOOST_TEST(problem_of(report) == "evicting");
    auto const lines = lines_of(run({"health"}).out);
    BOOST_REQUIRE(lines.size() == 4U);
    BOOST_TEST(lines[0] == "degraded");
    BOOST_TEST(lines[2].starts_with("SEVERITY  PROBLEM"));
    BOOST_TEST(lines[3].starts_with("warning   evicting"));
}

BOOST_AUTO_TEST_CASE(a_full_memory_makes_it_fail)
{
    server.command({"CONFIG", "SET", "maxmemory", "1"});
    auto const report = check(1);
    BOOST_TEST(report.at("verdict").as_string() == "failing");
    BOOST_TEST(problem_of(report) == "memory_nearly_full");
    BOOST_TEST(run({"health"}).complains("bytes are used"));
}

BOOST_AUTO_TEST_CASE(streams_can_be_named)
{
    server.command({"SET", "text", "x"});
    BOOST_TEST(check(0).at("verdict").as_string() == "healthy");
    BOOST_TEST(problem_of(check(0, {"orders", "text"})) == "stream_unusable");
}

BOOST_AUTO_TEST_CASE(a_server_that_cannot_be_reached_makes_it_fail)
{
    server.stop();
    auto const report = check(1);
    BOOST_TEST(report.at("verdict").as_string() == "failing");
    BOOST_TEST(problem_of(report) == "unreachable");
    auto const end = run({"health"});
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("cannot be reached"), end.err);
}

BOOST_AUTO_TEST_SUITE_END()
