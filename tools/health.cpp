#include "commands.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <strandline/health.hpp>

#include <boost/json/array.hpp>

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline::tools {

namespace {

struct options
{
    std::vector<std::string> streams;
    health_options how;
};

std::string_view name_of(health verdict)
{
    switch (verdict) {
    case health::healthy:
        return "healthy";
    case health::degraded:
        return "degraded";
    case health::failing:
        return "failing";
    }
    return "";
}

std::string_view name_of(severity weight)
{
    switch (weight) {
    case severity::info:
        return "info";
    case severity::warning:
        return "warning";
    case severity::critical:
        return "critical";
    }
    return "";
}

std::string_view name_of(server_role role)
{
    return role == server_role::primary ? "primary" : "replica";
}

boost::json::object to_json(finding const& one)
{
    return {
        {"severity", name_of(one.weight)},
        {"problem", strandline::name_of(one.what)},
        {"where", one.where},
        {"words", one.words},
    };
}

/// What the findings are made of, but for the streams, which have a command of their own.
boost::json::object to_json(server_health const& server)
{
    boost::json::object thing;
    if (server.why)
        return thing;
    thing["round_trip_us"] = server.round_trip.count();
    if (server.info) {
        thing["version"] = server.info->version;
        thing["role"] = name_of(server.info->role);
        thing["used_memory"] = server.info->used_memory;
        thing["max_memory"] = server.info->max_memory;
        thing["memory_policy"] = server.info->memory_policy;
    }
    return thing;
}

std::string line_of(health_report const& report)
{
    boost::json::array findings;
    for (auto const& one : report.findings)
        findings.push_back(to_json(one));
    return json_line({
        {"verdict", name_of(report.verdict)},
        {"server", to_json(report.servers.front())},
        {"findings", std::move(findings)},
    });
}

asio::awaitable<void> print(session& at, health_report const& report)
{
    if (at.json) {
        co_await at.out.write(line_of(report));
        co_return;
    }
    co_await at.out.write(fmt::format("{}\n", name_of(report.verdict)));
    if (report.findings.empty())
        co_return;
    listing table{"severity", "problem", "where", "words"};
    for (auto const& one : report.findings)
        table.add(to_json(one));
    co_await at.out.write("\n");
    co_await table.print(at);
}

asio::awaitable<void> check(session& at, options const& wanted)
{
    auto const streams = wanted.streams.empty() ? co_await list_streams(at, false) : wanted.streams;
    health_check const checked(at.broker, streams, wanted.how);
    auto const report = co_await checked.async_check();
    co_await print(at, report);
    if (report.verdict == health::failing)
        throw std::runtime_error(
            fmt::format("{}: {}", report.findings.front().where, report.findings.front().words)
        );
}

} // namespace

void add_health(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add("health", "Check the server and its streams", [wanted](session& at) {
        return check(at, *wanted);
    });
    add_streams_argument(
        command, wanted->streams, "The streams; default: all but those that hold dead letters"
    );
    add_duration(command, "--timeout", wanted->how.timeout, "How long the server has to answer")
        ->default_str("5s");
    command.footer(R"(Prints a verdict, healthy, degraded or failing, and what it rests on, the gravest
first. Fails when the verdict is failing, and where the server cannot be reached.

That a backlog grows, or that a consumer does not read, takes more than one look:
the program that consumes checks it.)");
}

} // namespace strandline::tools
