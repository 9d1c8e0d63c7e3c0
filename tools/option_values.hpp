#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/duration.hpp>
#include <strandline/entry_id.hpp>
#include <strandline/error.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Values of options beyond texts. A text that is none is a usage error that names the option.
namespace strandline::tools {

/// As the ids of entries have it.
using time_point = std::chrono::sys_time<std::chrono::milliseconds>;

/// `2030-01-31T12:00:00Z`, with a fraction of the second or without; or milliseconds since 1970. The words of
/// the failure show the form.
result<time_point> parse_time(std::string_view text);

/// `2030-01-31T12:00:00.000Z`. For times from 1970 to 9999.
std::string to_text(time_point when);

/// The least unit that says it exactly: `250ms`, `30s`, `1m`, `2h`.
std::string to_text(std::chrono::milliseconds duration);

/// `beginning`, `end`, or the id of an entry.
result<start_position> parse_start(std::string_view text);

/// Decimal digits and nothing else.
result<std::uint64_t> parse_count(std::string_view text);

/// Adds an option, or without dashes an argument, whose text `parse` understands. `out` is anything that the
/// value can be assigned to, and stays as long as the command.
template <class Out, class Value>
CLI::Option* add_value(
    CLI::App& to, std::string const& name, std::string const& form, Out& out, std::string const& description,
    result<Value> (*parse)(std::string_view)
)
{
    auto const read = [&out, name, parse](std::string const& text) {
        auto const value = parse(text);
        if (!value)
            throw CLI::ValidationError(name, std::string(value.error().words()));
        out = *value;
    };
    return to.add_option_function<std::string>(name, read, description)->type_name(form);
}

template <class Out>
CLI::Option* add_duration(CLI::App& to, std::string const& name, Out& out, std::string const& description)
{
    return add_value(to, name, "DURATION", out, description, detail::parse_duration);
}

template <class Out>
CLI::Option* add_time(CLI::App& to, std::string const& name, Out& out, std::string const& description)
{
    return add_value(to, name, "TIME", out, description, parse_time);
}

template <class Out>
CLI::Option* add_entry_id(CLI::App& to, std::string const& name, Out& out, std::string const& description)
{
    return add_value(to, name, "ID", out, description, entry_id::parse);
}

/// A number of things, from 1.
template <class Number>
CLI::Option* add_count(
    CLI::App& to, std::string const& name, Number& out, std::string const& description,
    std::uint32_t most = std::numeric_limits<std::uint32_t>::max()
)
{
    auto const read = [&out, name, most](std::string const& text) {
        auto const value = parse_count(text);
        if (!value || *value < 1 || *value > most)
            throw CLI::ValidationError(name, "expected a number from 1 to " + std::to_string(most));
        out = static_cast<std::uint32_t>(*value);
    };
    return to.add_option_function<std::string>(name, read, description)->type_name("N");
}

/// An option that is one of some words, which help and completion show.
template <class Out>
CLI::Option* add_choice(
    CLI::App& to, std::string const& name, Out& out, std::vector<std::pair<std::string, Out>> choices,
    std::string const& description
)
{
    std::string form;
    for (auto const& [word, value] : choices)
        form += (form.empty() ? "" : "|") + word;
    auto const read = [&out, name, form, choices = std::move(choices)](std::string const& text) {
        auto const found = std::ranges::find(choices, text, &std::pair<std::string, Out>::first);
        if (found == choices.end())
            throw CLI::ValidationError(name, "expected " + form);
        out = found->second;
    };
    return to.add_option_function<std::string>(name, read, description)->type_name(form);
}

/// For texts that mean nothing when they are empty, as those of variables that are not set.
CLI::Validator not_empty();

/// For arguments that are names of streams.
CLI::Validator stream_name();

/// Adds the argument that is the stream a command is about.
void add_stream_argument(CLI::App& to, std::string& out);

/// The same with streams, none or more.
CLI::Option*
add_streams_argument(CLI::App& to, std::vector<std::string>& out, std::string const& description);

/// Adds the argument that is the group of that stream.
template <class Out>
CLI::Option* add_group_argument(CLI::App& to, Out& out, std::string const& description = "The group")
{
    return to.add_option("group", out, description)->type_name("");
}

/// Adds an argument that is ids of entries, none or more.
CLI::Option* add_entry_ids(
    CLI::App& to, std::string const& name, std::vector<entry_id>& out, std::string const& description
);

} // namespace strandline::tools
