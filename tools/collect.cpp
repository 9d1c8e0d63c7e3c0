#include "commands.hpp"
#include "confirmation.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::tools {

namespace {

struct options
{
    std::vector<std::string> streams;
    std::vector<std::string> groups;
    confirmation confirmed;
};

std::string describe(options const& wanted)
{
    return fmt::format("remove from {} what all groups have acknowledged", fmt::join(wanted.streams, ", "));
}

/// Until there is nothing more.
asio::awaitable<std::uint64_t> collect(session& at, std::string const& stream, options const& wanted)
{
    constexpr std::size_t in_step = 10'000;
    // Of a stream that does not exist there is nothing to collect, but its name may be wrong.
    (void)co_await measure(at, stream);
    std::vector<std::string_view> const groups(wanted.groups.begin(), wanted.groups.end());
    std::uint64_t removed = 0;
    for (auto more = true; more;) {
        auto const step = co_await at.broker->collect(stream, groups, in_step);
        if (!step)
            throw std::runtime_error(fmt::format("{}: {}", stream, step.error().message()));
        removed += step->removed;
        more = step->more;
    }
    co_return removed;
}

asio::awaitable<void> collect_all(session& at, options const& wanted)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    listing table{"stream", "removed"};
    for (auto const& stream : wanted.streams) {
        table.add({{"stream", stream}, {"removed", co_await collect(at, stream, wanted)}});
        co_await table.print(at);
    }
}

} // namespace

void add_collect(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command =
        tree.add("collect", "Remove what all groups of a stream have acknowledged", [wanted](session& at) {
            wanted->confirmed.check(describe(*wanted));
            return collect_all(at, *wanted);
        });
    add_streams_argument(command, wanted->streams, "The streams")->required();
    command
        .add_option(
            "--group", wanted->groups, "A group that must exist, else nothing is removed; may be repeated"
        )
        ->type_name("NAME")
        ->allow_extra_args(false);
    wanted->confirmed.add_to(command);
    command.footer(R"(Prints how many entries were removed of each stream; ends at the first one where
it fails.

Nothing goes that is pending in a group or that a group has not read, and nothing
where there is no group. A group that is made later does not see what is gone:
name those that are to come, and nothing goes until they exist.)");
}

} // namespace strandline::tools
