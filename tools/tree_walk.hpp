#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

/// What completion and the page of the command read off its tree.
namespace strandline::tools {

/// A command or a group of commands, with all that stands before it: `strandline delayed ls`.
struct tree_node
{
    std::string path;
    CLI::App const* app;
};

/// The root first, then each command with those below it, in the order of the help.
std::vector<tree_node> walk(CLI::App const& root);

/// Of a group of commands.
std::vector<CLI::App const*> commands_below(CLI::App const& app);

/// `-y`, `--yes`; those that have names with dashes.
std::vector<CLI::Option const*> options_of(CLI::App const& app);

/// The arguments, which have none.
std::vector<CLI::Option const*> arguments_of(CLI::App const& app);

/// With their dashes.
std::vector<std::string> names_of(CLI::Option const& option);

/// What an option that is one of some words can be; nothing for others.
std::vector<std::string> choices_of(CLI::Option const& option);

/// Whether a value follows.
inline bool takes_value(CLI::Option const& option)
{
    return option.get_items_expected_max() != 0;
}

} // namespace strandline::tools
