#include "commands.hpp"

namespace strandline::tools {

void add_commands(command_tree& tree)
{
    add_publish(tree);
    add_consume(tree);
    add_tail(tree);
    add_delayed(tree);
    add_trim(tree);
    add_completion(tree);
    add_help_markdown(tree);
}

} // namespace strandline::tools
