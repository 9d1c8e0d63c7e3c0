#include "commands.hpp"
#include "confirmation.hpp"
#include "listing.hpp"
#include "option_values.hpp"

#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

namespace strandline::tools {

namespace {

struct create_options
{
    std::string stream;
    std::string group;
    start_position from;
};

struct rm_options
{
    std::string stream;
    std::string group;
    confirmation confirmed;
};

/// False where there is no such stream, too.
asio::awaitable<bool> exists(session& at, std::string const& stream, std::string const& group)
{
    auto const groups = co_await at.broker->inspect_groups(stream);
    if (!groups && groups.error() != errc::no_group)
        throw error(groups.error());
    co_return groups&& std::ranges::find(*groups, group, &group_info::name) != groups->end();
}

asio::awaitable<void> create(session& at, create_options const& wanted)
{
    // The other way round it would always be there.
    auto const created = !co_await exists(at, wanted.stream, wanted.group);
    if (auto why = co_await at.broker->ensure_group(wanted.stream, wanted.group, wanted.from))
        throw error(why);
    boost::json::object thing{{"stream", wanted.stream}, {"group", wanted.group}, {"created", created}};
    co_await at.out.write(
        at.json ? json_line(thing)
                : fmt::format("{} {}\n", wanted.group, created ? "created" : "exists already")
    );
}

std::string describe(rm_options const& wanted)
{
    return fmt::format(
        "remove the group {} of the stream {} with all that is pending in it", wanted.group, wanted.stream
    );
}

asio::awaitable<void> rm(session& at, rm_options const& wanted)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    if (!(co_await at.broker->remove_group(wanted.stream, wanted.group)).value())
        throw std::runtime_error(
            fmt::format("there is no group {} of a stream {}", detail::quoted(wanted.group), wanted.stream)
        );
    boost::json::object thing{{"stream", wanted.stream}, {"group", wanted.group}, {"removed", true}};
    co_await at.out.write(at.json ? json_line(thing) : fmt::format("{} removed\n", wanted.group));
}

} // namespace

void add_group(command_tree& tree)
{
    auto& group = tree.add_group("group", "Create and remove groups of streams");

    auto const creating = std::make_shared<create_options>();
    auto& create_command =
        tree.add(group, "create", "Create a group, and its stream if need be", [creating](session& at) {
            return create(at, *creating);
        });
    add_stream_argument(create_command, creating->stream);
    add_group_argument(create_command, creating->group)->required();
    add_value(
        create_command, "--from", "beginning|end|ID", creating->from,
        "It gets what is in the stream already, only what comes from now on, or what comes after that entry",
        parse_start
    )
        ->default_str("beginning");
    create_command.footer("A group that exists already is left as it is, and where it has got to.");

    auto const removing = std::make_shared<rm_options>();
    auto& rm_command =
        tree.add(group, "rm", "Remove a group, and forget what is pending in it", [removing](session& at) {
            removing->confirmed.check(describe(*removing));
            return rm(at, *removing);
        });
    add_stream_argument(rm_command, removing->stream);
    add_group_argument(rm_command, removing->group)->required();
    removing->confirmed.add_to(rm_command);
    rm_command.footer(R"(The entries stay in the stream. A consumer of the group that still runs creates
it again, at the beginning of the stream.)");
}

} // namespace strandline::tools
