#include "commands.hpp"
#include "listing.hpp"
#include "measurements.hpp"

#include <memory>

namespace strandline::tools {

namespace {

struct options
{
    bool all = false;
};

asio::awaitable<void> list(session& at, options const& wanted)
{
    listing table{"stream", "length", "groups", "delayed", "dead", "oldest_age_ms"};
    auto all = co_await measure(at, co_await list_streams(at, wanted.all));
    for (auto const& one : all.of) {
        auto thing = to_json(one);
        thing["groups"] = one.counted.groups.size();
        table.add(std::move(thing));
    }
    co_await table.print(at);
    check_complete(all);
}

} // namespace

void add_streams(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command =
        tree.add("streams", "List the streams", [wanted](session& at) { return list(at, *wanted); });
    command.add_flag("-a,--all", wanted->all, "Those that hold dead letters, too");
    command.footer(R"(Shows how many entries, groups, delayed events and dead letters each has, and how
old its oldest entry is. A stream exists from its first entry or group on: one
that has nothing but delayed events is not listed.)");
}

} // namespace strandline::tools
