#include "commands.hpp"
#include "listing.hpp"
#include "option_values.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace strandline::tools {

namespace {

struct options
{
    std::string stream;
    std::string group;
    std::string consumer;
    entry_id after = entry_id::min();
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

asio::awaitable<void> list(session& at, options const& wanted)
{
    constexpr std::size_t page = 1'000;
    listing table{"id", "consumer", "idle_ms", "attempts"};
    auto after = wanted.after;
    auto left = wanted.count;
    for (auto at_end = false; !at_end && left != 0;) {
        auto const found =
            (co_await at.broker->inspect_pending(wanted.stream, wanted.group, after, page)).value();
        for (auto const& one : found) {
            after = one.id;
            if (left == 0 || (!wanted.consumer.empty() && one.consumer != wanted.consumer))
                continue;
            --left;
            table.add({
                {"stream", wanted.stream},
                {"group", wanted.group},
                {"id", one.id.to_string()},
                {"consumer", one.consumer},
                {"idle_ms", one.idle.count()},
                {"attempts", one.attempts},
            });
        }
        co_await table.print(at);
        at_end = found.size() < page;
    }
}

} // namespace

void add_pending(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command =
        tree.add("pending", "List what was delivered to a group and is not settled", [wanted](session& at) {
            return list(at, *wanted);
        });
    add_stream_argument(command, wanted->stream);
    add_group_argument(command, wanted->group)->required();
    command.add_option("--consumer", wanted->consumer, "Only what this consumer has")->type_name("NAME");
    add_entry_id(command, "--after", wanted->after, "Only entries behind this one");
    add_count(command, "--count", wanted->count, "At most so many; default: all");
    command.footer(R"(Shows who has each, since when it was not delivered, claimed or renewed, and how
often a handler has started with it, in the order of ids.)");
}

} // namespace strandline::tools
