#include "commands.hpp"
#include "tree_walk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

/// The page doc/command.md.
namespace strandline::tools {

namespace {

/// `STREAM`, `[BODY]`, `ID...`.
std::string usage_of(CLI::Option const& argument)
{
    auto name = argument.get_name(true);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    if (argument.get_expected_max() > 1)
        name += "...";
    return argument.get_required() ? name : '[' + name + ']';
}

std::string line_of(CLI::Option const& option, std::string const& name)
{
    auto text = fmt::format("- `{}`", name);
    if (!option.get_description().empty())
        text += ": " + option.get_description();
    if (!option.get_default_str().empty())
        text += fmt::format(" (default {})", option.get_default_str());
    return text + '\n';
}

std::string section_of(tree_node const& node)
{
    auto const& app = *node.app;
    auto usage = node.path;
    std::string arguments;
    for (auto const* const one : arguments_of(app)) {
        usage += ' ' + usage_of(*one);
        arguments += line_of(*one, usage_of(*one));
    }
    std::string options;
    for (auto const* const one : options_of(app)) {
        auto name = fmt::format("{}", fmt::join(names_of(*one), "`, `"));
        if (takes_value(*one))
            name += ' ' + one->get_type_name();
        if (one->get_required())
            usage += ' ' + name;
        options += line_of(*one, name);
    }
    auto const below = commands_below(app);
    usage += below.empty() ? " [OPTION...]" : " COMMAND";

    auto text = fmt::format("{}\n\n    {}\n", app.get_description(), usage);
    for (auto const* const one : below)
        text += fmt::format(
            "{}- `{}`: {}\n", one == below.front() ? "\n" : "", one->get_name(), one->get_description()
        );
    if (!arguments.empty())
        text += '\n' + arguments;
    if (!options.empty())
        text += '\n' + options;
    if (!app.get_footer().empty())
        text += '\n' + app.get_footer() + '\n';
    return text;
}

} // namespace

void add_help_markdown(command_tree& tree)
{
    tree.add_local("help-markdown", "Print the help of all commands as one page", [&tree] {
        std::string page = "<!-- Made by `strandline help-markdown`. -->\n";
        auto heading = "#";
        for (auto const& node : walk(tree.root())) {
            page += fmt::format("{} {}\n\n{}\n", heading, node.path, section_of(node));
            heading = "##";
        }
        page.pop_back();
        fmt::print("{}", page);
    });
}

} // namespace strandline::tools
