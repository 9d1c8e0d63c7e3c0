#include "commands.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <boost/json/array.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace strandline::tools {

namespace {

/// Everything in one value.
boost::json::object whole(measurement const& of)
{
    boost::json::array groups;
    for (auto const& group : of.counted.groups) {
        boost::json::array consumers;
        for (auto const& consumer : group.consumers)
            consumers.push_back(to_json(consumer));
        auto thing = to_json(group, of);
        thing["consumers"] = std::move(consumers);
        groups.push_back(std::move(thing));
    }
    auto thing = to_json(of);
    thing["groups"] = std::move(groups);
    return thing;
}

asio::awaitable<void> print_lines(session& at, measurements const& all)
{
    std::string lines;
    for (auto const& one : all.of)
        lines += json_line(whole(one));
    co_await at.out.write(lines);
}

asio::awaitable<void> print_tables(session& at, measurements const& all)
{
    listing streams{"stream", "length", "appended", "first", "last", "oldest_age_ms", "delayed", "dead"};
    listing groups{
        "stream", "group", "consumers", "pending", "lowest_pending_age_ms", "last_delivered_age_ms", "lag"
    };
    listing consumers{"stream", "group", "consumer", "pending", "idle_ms"};
    for (auto const& one : all.of) {
        streams.add(to_json(one));
        for (auto const& group : one.counted.groups) {
            groups.add(row_of(at, group, one));
            for (auto const& consumer : group.consumers)
                consumers.add(row_of(consumer, group, one));
        }
    }
    co_await streams.print(at);
    co_await at.out.write("\n");
    co_await groups.print(at);
    co_await at.out.write("\n");
    co_await consumers.print(at);
}

asio::awaitable<void> show(session& at, std::vector<std::string> const& streams)
{
    auto const all = co_await measure_these_or_all(at, streams);
    co_await (at.json ? print_lines(at, all) : print_tables(at, all));
    check_complete(all);
}

} // namespace

void add_stats(command_tree& tree)
{
    auto const streams = std::make_shared<std::vector<std::string>>();
    auto& command = tree.add(
        "stats", "Show all that can be counted of streams, their groups and their consumers",
        [streams](session& at) { return show(at, *streams); }
    );
    add_streams_argument(command, *streams, "The streams; default: all but those that hold dead letters");
    command.footer(R"(With --json a line is a stream, with its groups and their consumers in it. Ages
are by the server's clock. Fails when a stream is missing, after having shown
the others.)");
}

} // namespace strandline::tools
