#include "commands.hpp"
#include "confirmation.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

namespace strandline::tools {

namespace {

struct options
{
    std::string stream;
    std::string group;
    std::string from;
    std::string to;
    bool forced = false;
    confirmation confirmed;
};

std::string describe(options const& wanted)
{
    return fmt::format(
        "take all that is pending for {} in the group {} of the stream {}, also what it works on",
        wanted.from, wanted.group, wanted.stream
    );
}

/// A name that is wrong has nothing pending, and would not be noticed.
asio::awaitable<void> check_names(session& at, options const& wanted)
{
    auto const told = co_await measure(at, wanted.stream);
    auto const& consumers = find_group(told, wanted.group).consumers;
    if (std::ranges::find(consumers, wanted.from, &consumer_info::name) == consumers.end())
        throw std::runtime_error(fmt::format(
            "the group {} of the stream {} has no consumer {}", wanted.group, wanted.stream,
            detail::quoted(wanted.from)
        ));
}

asio::awaitable<void> transfer(session& at, options const& wanted)
{
    constexpr std::size_t in_step = 500;
    if (wanted.forced)
        co_await wanted.confirmed.ask(at, describe(wanted));
    co_await check_names(at, wanted);
    std::uint64_t moved = 0;
    auto cursor = entry_id::min();
    do {
        auto const step =
            (co_await at.broker->transfer(
                 wanted.stream, wanted.group, wanted.from, wanted.to, wanted.forced, cursor, in_step
             ))
                .value();
        moved += step.moved;
        cursor = step.cursor;
    } while (cursor != entry_id::min());
    boost::json::object thing{
        {"stream", wanted.stream}, {"group", wanted.group}, {"from", wanted.from},
        {"to", wanted.to},         {"moved", moved},
    };
    co_await at.out.write(at.json ? json_line(thing) : fmt::format("{}\n", moved));
}

} // namespace

void add_transfer(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add(
        "transfer", "Move what is pending for a consumer to another one of its group",
        [wanted](session& at) {
            if (wanted->forced)
                wanted->confirmed.check(describe(*wanted));
            return transfer(at, *wanted);
        }
    );
    add_stream_argument(command, wanted->stream);
    add_group_argument(command, wanted->group)->required();
    command.add_option("--from", wanted->from, "Who has it")->required()->type_name("NAME");
    command.add_option("--to", wanted->to, "Who gets it; the name is created if need be")
        ->required()
        ->type_name("NAME");
    command.add_flag("--forced", wanted->forced, "Also what a handler may be working on");
    wanted->confirmed.add_to(command);
    command.footer(R"(Prints how many entries were moved. They keep their attempts, and are at once
there for any consumer of the group to claim.

Moved is what was handed back, or not renewed for the group's lease. The rest is
being worked on: with --forced it goes, too, and its handlers, which may be in
the middle of it, lose it. Asks before that.)");
}

} // namespace strandline::tools
