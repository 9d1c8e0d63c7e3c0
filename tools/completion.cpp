#include "completion.hpp"

#include "commands.hpp"
#include "tree_walk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace strandline::tools {

namespace {

std::string shell_word(std::string_view text)
{
    std::string made = "'";
    for (auto const c : text)
        made += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return made + '\'';
}

/// `'strandline delayed'|'strandline delayed ls'`: all that is no argument but a command.
std::string paths(std::vector<tree_node> const& nodes)
{
    std::vector<std::string> all;
    all.reserve(nodes.size());
    for (auto const& node : nodes)
        all.push_back(shell_word(node.path));
    return fmt::format("{}", fmt::join(all, "|"));
}

std::vector<std::string> words_of(CLI::App const& app)
{
    std::vector<std::string> words;
    for (auto const* const below : commands_below(app))
        words.push_back(below->get_name());
    for (auto const* const option : options_of(app))
        std::ranges::copy(names_of(*option), std::back_inserter(words));
    return words;
}

/// Branches of a `case` over the word before, for options whose value follows. `complete` makes shell code of
/// the words that the value can be.
template <class F>
std::string values(CLI::App const& app, std::string_view indent, F complete)
{
    std::string text;
    for (auto const* const option : options_of(app))
        if (takes_value(*option))
            text += fmt::format(
                "{}{}) {} ;;\n", indent, fmt::join(names_of(*option), "|"), complete(choices_of(*option))
            );
    return text;
}

/// `name:description` as zsh's _describe reads it.
std::string described(std::string_view name, std::string_view description)
{
    std::string made;
    for (auto const c : name)
        made += c == ':' ? std::string("\\:") : std::string(1, c);
    return shell_word(made + ':' + std::string(description));
}

std::string zsh_words(CLI::App const& app)
{
    std::string text;
    auto const add = [&](std::string_view name, std::string_view description) {
        text += fmt::format("            {}\n", described(name, description));
    };
    for (auto const* const below : commands_below(app))
        add(below->get_name(), below->get_description());
    for (auto const* const option : options_of(app))
        for (auto const& name : names_of(*option))
            add(name, option->get_description());
    return text;
}

} // namespace

std::string bash_completion(CLI::App const& root)
{
    auto const nodes = walk(root);
    auto text = fmt::format(
        R"(# Completion of {0} for bash, made by `{0} completion bash`.
_{0}() {{
    local at={0} i word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in
        {1}) at="$at ${{COMP_WORDS[i]}}" ;;
        esac
    done
    case $at in
)",
        root.get_name(), paths(nodes)
    );
    for (auto const& node : nodes) {
        text += fmt::format("    {})\n        case $before in\n", shell_word(node.path));
        text += values(*node.app, "        ", [](std::vector<std::string> const& choices) {
            return choices.empty() ? std::string("return")
                                   : fmt::format(
                                         "mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return",
                                         fmt::join(choices, " ")
                                     );
        });
        text += fmt::format(
            "        esac\n        mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n        ;;\n",
            fmt::join(words_of(*node.app), " ")
        );
    }
    return text + fmt::format("    esac\n}}\ncomplete -o default -F _{0} {0}\n", root.get_name());
}

std::string zsh_completion(CLI::App const& root)
{
    auto const nodes = walk(root);
    auto text = fmt::format(
        R"(#compdef {0}
# Completion of {0} for zsh, made by `{0} completion zsh`.
_{0}() {{
    local at={0} before=${{words[CURRENT - 1]}}
    local -i i
    local -a choices
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${{words[i]}}" in
        ({1}) at="$at ${{words[i]}}" ;;
        esac
    done
    case $at in
)",
        root.get_name(), paths(nodes)
    );
    for (auto const& node : nodes) {
        text += fmt::format("    ({})\n        case $before in\n", shell_word(node.path));
        text += values(*node.app, "        (", [](std::vector<std::string> const& choices) {
            return choices.empty() ? std::string("_default; return")
                                   : fmt::format("compadd -- {}; return", fmt::join(choices, " "));
        });
        text += fmt::format(
            "        esac\n        choices=(\n{}        )\n        _describe -o {} choices\n        ;;\n",
            zsh_words(*node.app), root.get_name()
        );
    }
    return text + fmt::format("    esac\n}}\n_{0} \"$@\"\n", root.get_name());
}

void add_completion(command_tree& tree)
{
    auto const shell = std::make_shared<std::string>();
    auto& command =
        tree.add_local("completion", "Print a script that completes this command", [&tree, shell] {
            auto const text = *shell == "bash" ? bash_completion(tree.root()) : zsh_completion(tree.root());
            fmt::print("{}", text);
        });
    command.add_option("shell", *shell, "The shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}))
        ->type_name("bash|zsh");
    command.footer(R"(Installed with the command. By hand:

    source <(strandline completion bash))");
}

} // namespace strandline::tools
