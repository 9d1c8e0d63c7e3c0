#include "commands.hpp"
#include "confirmation.hpp"
#include "event_json.hpp"
#include "exit_status.hpp"
#include "listing.hpp"
#include "option_values.hpp"

#include <strandline/dead_letters.hpp>
#include <strandline/statistics.hpp>

#include <boost/asio/as_tuple.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace strandline::tools {

namespace {

struct ls_options
{
    std::string stream;
    dead_letter_filter which;
    entry_id after = entry_id::min();
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

struct show_options
{
    std::string stream;
    entry_id id;
};

struct replay_command
{
    std::string stream;
    std::vector<entry_id> ids;
    bool all = false;
    dead_letter_filter which;
    replay_options how;
};

struct rm_options
{
    std::string stream;
    std::vector<entry_id> ids;
    confirmation confirmed;
};

struct purge_options
{
    std::string stream;
    dead_letter_filter which;
    confirmation confirmed;
};

std::vector<CLI::Option*> add_filter(CLI::App& to, dead_letter_filter& which)
{
    return {
        to.add_option("--group", which.group, "Only those that this group has given up")->type_name("NAME"),
        add_choice(
            to, "--reason", which.reason,
            {{"exhausted", "exhausted"}, {"rejected", "rejected"}, {"undecodable", "undecodable"}},
            "Only those that died of this"
        ),
        to.add_option("--type", which.type, "Only events of this type")->type_name("TEXT"),
        add_duration(to, "--older-than", which.older_than, "Only those that died at least so long ago"),
        add_duration(to, "--younger-than", which.younger_than, "Only those that died at most so long ago"),
    };
}

std::string describe(dead_letter_filter const& which)
{
    std::string what;
    auto const add = [&](std::string_view words, std::string const& value) {
        if (!value.empty())
            what += fmt::format(" {} {}", words, value);
    };
    add("of the group", which.group);
    add("that are", which.reason);
    add("of the type", which.type);
    if (which.older_than.count() != 0)
        add("older than", to_text(which.older_than));
    if (which.younger_than.count() != 0)
        add("younger than", to_text(which.younger_than));
    return what;
}

/// What a letter tells of its death.
boost::json::object to_json(dead_letter const& letter, std::string const& stream)
{
    return {
        {"stream", stream},
        {"id", letter.id.to_string()},
        {"at", to_text(letter.at())},
        {"origin_stream", letter.stream},
        {"origin_id", letter.entry.to_string()},
        {"group", letter.group},
        {"consumer", letter.consumer},
        {"reason", letter.reason},
        {"error", letter.error},
        {"attempts", letter.attempts},
    };
}

/// Where no letter was found it may be that the stream's name is wrong.
asio::awaitable<void> check_stream(session& at, std::string const& stream)
{
    auto const told = (co_await async_measure(at.broker, {stream})).front();
    if (told.why == errc::no_group && told.dead.value_or(0) == 0)
        throw std::runtime_error(fmt::format("there is no stream {}, and no dead letter of it", stream));
    if (told.why && told.why != errc::no_group)
        throw error(told.why);
}

asio::awaitable<void> ls(session& at, ls_options const& wanted)
{
    constexpr std::uint64_t page = 1'000;
    dead_letters const letters(at.broker);
    listing table{"id", "at", "group", "reason", "attempts", "type", "key", "error"};
    std::uint64_t shown = 0;
    std::optional<entry_id> after = wanted.after;
    while (after && shown != wanted.count) {
        auto const count = static_cast<std::size_t>(std::min(wanted.count - shown, page));
        auto const found = co_await letters.async_list(wanted.stream, wanted.which, *after, count);
        std::string lines;
        for (auto const& letter : found.letters) {
            auto thing = to_json(letter, wanted.stream);
            if (at.json)
                lines += event_line(std::move(thing), letter.content);
            else {
                add_texts(thing, letter.content);
                table.add(std::move(thing));
            }
        }
        if (at.json)
            co_await at.out.write(lines);
        else
            co_await table.print(at);
        shown += found.letters.size();
        after = found.next;
    }
    if (shown == 0)
        co_await check_stream(at, wanted.stream);
}

/// So that the terminal does not do what an event's author wanted it to do.
std::string printable(std::string_view text)
{
    std::string made(text);
    std::ranges::replace_if(
        made, [](unsigned char c) { return (c < ' ' && c != '\n' && c != '\t') || c == 127; }, ' '
    );
    return made;
}

std::string page_of(dead_letter const& letter)
{
    std::string text;
    auto const add = [&](std::string_view name, std::string_view value) {
        text += fmt::format("{:<10} {}\n", name, printable(value));
    };
    add("id", letter.id.to_string());
    add("at", to_text(letter.at()));
    add("origin", fmt::format("{} {}", letter.stream, letter.entry.to_string()));
    add("group", letter.group);
    add("consumer", letter.consumer);
    add("reason", letter.reason);
    add("error", letter.error);
    add("attempts", fmt::to_string(letter.attempts));
    for (auto const& one : letter.content.headers)
        add("header", one.name + ": " + one.value);
    if (letter.content.body)
        text += '\n' + printable(*letter.content.body) + '\n';
    return text;
}

asio::awaitable<void> show(session& at, show_options const& wanted)
{
    dead_letters const letters(at.broker);
    auto const letter = co_await letters.async_inspect(wanted.stream, wanted.id);
    co_await at.out.write(
        at.json ? event_line(to_json(letter, wanted.stream), letter.content) : page_of(letter)
    );
}

/// A line about each letter that was named, in their order.
std::string outcomes(session const& at, replay_command const& wanted, replay_report const& report)
{
    std::string lines;
    auto replayed = report.replayed.begin();
    auto missing = report.missing.begin();
    for (auto const id : wanted.ids) {
        boost::json::object thing{{"stream", wanted.stream}, {"id", id.to_string()}};
        auto const is_missing = missing != report.missing.end() && *missing == id;
        if (!is_missing && replayed == report.replayed.end())
            break; // not reached
        auto const became = is_missing ? std::string() : (replayed++)->to_string();
        missing += is_missing ? 1 : 0;
        thing["replayed"] = !is_missing;
        thing["as"] = is_missing ? boost::json::value() : boost::json::value(became);
        lines += at.json      ? json_line(thing)
                 : is_missing ? fmt::format("{} not found\n", id.to_string())
                              : fmt::format("{} replayed as {}\n", id.to_string(), became);
    }
    return lines;
}

std::string counts(session const& at, replay_command const& wanted, replay_report const& report)
{
    if (at.json)
        return json_line(
            {{"stream", wanted.stream},
             {"replayed", report.replayed.size()},
             {"missing", report.missing.size()}}
        );
    auto line = fmt::format("{} replayed", report.replayed.size());
    if (!report.missing.empty())
        line += fmt::format(", {} gone meanwhile", report.missing.size());
    return line + '\n';
}

void check_found(std::size_t missing, std::size_t named)
{
    if (missing != 0)
        throw std::runtime_error(
            fmt::format("{} of {} not found: replayed or removed before?", missing, named)
        );
}

/// Tells what was done also when it failed in the middle.
asio::awaitable<void> replay(session& at, replay_command const& wanted)
{
    dead_letters const letters(at.broker);
    auto const [why, report] =
        wanted.all
            ? co_await letters.async_replay_all(wanted.stream, wanted.which, wanted.how, asio::as_tuple)
            : co_await letters.async_replay(wanted.stream, wanted.ids, wanted.how, asio::as_tuple);
    co_await at.out.write(wanted.all ? counts(at, wanted, report) : outcomes(at, wanted, report));
    if (why)
        throw error(why);
    if (!wanted.all)
        check_found(report.missing.size(), wanted.ids.size());
    else if (report.replayed.empty() && report.missing.empty())
        co_await check_stream(at, wanted.stream);
}

std::string describe(rm_options const& wanted)
{
    return fmt::format(
        "remove {} dead letter{} of the stream {} for ever", wanted.ids.size(),
        wanted.ids.size() == 1 ? "" : "s", wanted.stream
    );
}

asio::awaitable<void> rm(session& at, rm_options const& wanted)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    dead_letters const letters(at.broker);
    std::size_t missing = 0;
    // One by one, so as to know which there were.
    for (auto const id : wanted.ids) {
        auto const removed = co_await letters.async_remove(wanted.stream, {id}) != 0;
        missing += removed ? 0 : 1;
        auto line = id.to_string() + (removed ? " removed\n" : " not found\n");
        if (at.json)
            line = json_line({{"stream", wanted.stream}, {"id", id.to_string()}, {"removed", removed}});
        co_await at.out.write(line);
    }
    check_found(missing, wanted.ids.size());
}

std::string describe(purge_options const& wanted)
{
    return fmt::format(
        "remove all dead letters of the stream {}{} for ever", wanted.stream, describe(wanted.which)
    );
}

asio::awaitable<void> purge(session& at, purge_options const& wanted)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    dead_letters const letters(at.broker);
    auto const [why, removed] = co_await letters.async_purge(wanted.stream, wanted.which, asio::as_tuple);
    co_await at.out.write(
        at.json ? json_line({{"stream", wanted.stream}, {"removed", removed}}) : fmt::format("{}\n", removed)
    );
    if (why)
        throw error(why);
    if (removed == 0)
        co_await check_stream(at, wanted.stream);
}

void add_ls(command_tree& tree, CLI::App& group)
{
    auto const wanted = std::make_shared<ls_options>();
    auto& command = tree.add(
        group, "ls", "List the dead letters of a stream, in the order in which they died",
        [wanted](session& at) { return ls(at, *wanted); }
    );
    add_stream_argument(command, wanted->stream);
    add_filter(command, wanted->which);
    add_entry_id(command, "--after", wanted->after, "Only those behind this one");
    add_count(command, "--count", wanted->count, "At most so many; default: all");
}

void add_show(command_tree& tree, CLI::App& group)
{
    auto const wanted = std::make_shared<show_options>();
    auto& command = tree.add(group, "show", "Show a dead letter with its event", [wanted](session& at) {
        return show(at, *wanted);
    });
    add_stream_argument(command, wanted->stream);
    add_entry_id(command, "id", wanted->id, "The letter, as dead ls prints it")->required()->type_name("");
    command.footer("Control characters are replaced by spaces; with --json nothing is.");
}

void add_replay(command_tree& tree, CLI::App& group)
{
    auto const wanted = std::make_shared<replay_command>();
    auto& command =
        tree.add(group, "replay", "Put dead letters back into their stream", [wanted](session& at) {
            if (wanted->ids.empty() && !wanted->all)
                throw usage_error("say which letters: their ids, or --all");
            return replay(at, *wanted);
        });
    add_stream_argument(command, wanted->stream);
    auto* const ids = add_entry_ids(command, "id", wanted->ids, "The letters, as dead ls prints them");
    auto* const all =
        command.add_flag("--all", wanted->all, "All, or those that the options below let through");
    all->excludes(ids);
    for (auto* const option : add_filter(command, wanted->which))
        option->needs(all);
    command.add_flag(
        "--for-all", wanted->how.for_all, "For every group, not only for the one that has given it up"
    );
    add_count(
        command, "--rate", wanted->how.per_second, "At most so many in a second; default: as fast as can be"
    );
    command.footer(R"(Events get new ids and begin without attempts. Several who replay at the same
time replay each letter once.

Prints what became of each letter that was named, and fails when one was not
found, after having tried all. With --all prints how many were replayed; letters
that somebody else has replayed or removed meanwhile are no failure.)");
}

void add_rm(command_tree& tree, CLI::App& group)
{
    auto const wanted = std::make_shared<rm_options>();
    auto& command = tree.add(group, "rm", "Remove dead letters for ever", [wanted](session& at) {
        wanted->confirmed.check(describe(*wanted));
        return rm(at, *wanted);
    });
    add_stream_argument(command, wanted->stream);
    add_entry_ids(command, "id", wanted->ids, "The letters, as dead ls prints them")->required();
    wanted->confirmed.add_to(command);
    command.footer("Prints what became of each. Fails when one was not found, after having tried all.");
}

void add_purge(command_tree& tree, CLI::App& group)
{
    auto const wanted = std::make_shared<purge_options>();
    auto& command = tree.add(
        group, "purge", "Remove all dead letters for ever, or those that the options let through",
        [wanted](session& at) {
            wanted->confirmed.check(describe(*wanted));
            return purge(at, *wanted);
        }
    );
    add_stream_argument(command, wanted->stream);
    add_filter(command, wanted->which);
    wanted->confirmed.add_to(command);
    command.footer("Prints how many were removed.");
}

} // namespace

void add_dead(command_tree& tree)
{
    auto& group = tree.add_group("dead", "Look at dead letters, replay and remove them");
    add_ls(tree, group);
    add_show(tree, group);
    add_replay(tree, group);
    add_rm(tree, group);
    add_purge(tree, group);
}

} // namespace strandline::tools
