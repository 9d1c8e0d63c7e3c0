#include "tree_walk.hpp"

namespace strandline::tools {

namespace {

void walk(CLI::App const& app, std::string path, std::vector<tree_node>& into)
{
    into.push_back({path, &app});
    for (auto const* const below : commands_below(app))
        walk(*below, path + ' ' + below->get_name(), into);
}

} // namespace

std::vector<tree_node> walk(CLI::App const& root)
{
    std::vector<tree_node> nodes;
    walk(root, root.get_name(), nodes);
    return nodes;
}

std::vector<CLI::App const*> commands_below(CLI::App const& app)
{
    // With a filter it lists those that there are, without one those that were chosen.
    return app.get_subcommands([](CLI::App const*) { return true; });
}

std::vector<CLI::Option const*> options_of(CLI::App const& app)
{
    return app.get_options([](CLI::Option const* option) { return option->nonpositional(); });
}

std::vector<CLI::Option const*> arguments_of(CLI::App const& app)
{
    return app.get_options([](CLI::Option const* option) { return option->get_positional(); });
}

std::vector<std::string> names_of(CLI::Option const& option)
{
    std::vector<std::string> names;
    for (auto const& name : option.get_snames())
        names.push_back('-' + name);
    for (auto const& name : option.get_lnames())
        names.push_back("--" + name);
    return names;
}

std::vector<std::string> choices_of(CLI::Option const& option)
{
    auto const form = option.get_type_name();
    return form.find('|') == form.npos ? std::vector<std::string>() : CLI::detail::split(form, '|');
}

} // namespace strandline::tools
