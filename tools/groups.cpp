#include "commands.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <memory>
#include <string>

namespace strandline::tools {

namespace {

asio::awaitable<void> list(session& at, std::string const& stream)
{
    listing table{"group", "consumers", "pending", "lowest_pending_age_ms", "last_delivered", "lag"};
    auto const told = co_await measure(at, stream);
    for (auto const& group : told.counted.groups)
        table.add(row_of(at, group, told));
    co_await table.print(at);
}

} // namespace

void add_groups(command_tree& tree)
{
    auto const stream = std::make_shared<std::string>();
    auto& command = tree.add("groups", "List the groups of a stream", [stream](session& at) {
        return list(at, *stream);
    });
    add_stream_argument(command, *stream);
    command.footer(R"(Shows how many consumers each has, how many entries are pending in it, for how
long the first of these is in the stream, and how many are not delivered yet.
A lag 10000+ is one that the server could not tell and that is greater than what
was counted.)");
}

} // namespace strandline::tools
