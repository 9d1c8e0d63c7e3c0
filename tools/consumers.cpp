#include "commands.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <memory>
#include <optional>
#include <string>

namespace strandline::tools {

namespace {

struct options
{
    std::string stream;
    std::optional<std::string> group;
};

void add(listing& to, measurement const& of, group_statistics const& group)
{
    for (auto const& consumer : group.consumers)
        to.add(row_of(consumer, group, of));
}

asio::awaitable<void> list(session& at, options const& wanted)
{
    listing table{"group", "consumer", "pending", "idle_ms"};
    auto const told = co_await measure(at, wanted.stream);
    if (wanted.group)
        add(table, told, find_group(told, *wanted.group));
    else
        for (auto const& group : told.counted.groups)
            add(table, told, group);
    co_await table.print(at);
}

} // namespace

void add_consumers(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add("consumers", "List the consumers of a stream's groups", [wanted](session& at) {
        return list(at, *wanted);
    });
    add_stream_argument(command, wanted->stream);
    add_group_argument(command, wanted->group, "The group; default: all");
    command.footer(R"(Shows how many entries each has pending, and for how long it has not been seen:
since its last read or claim, as the server counts it.)");
}

} // namespace strandline::tools
