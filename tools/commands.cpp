#include "commands.hpp"

namespace strandline::tools {

void add_commands(command_tree& tree)
{
    add_publish(tree);
    add_consume(tree);
    add_tail(tree);
    add_streams(tree);
    add_groups(tree);
    add_consumers(tree);
    add_pending(tree);
    add_stats(tree);
    add_top(tree);
    add_health(tree);
    add_dead(tree);
    add_delayed(tree);
    add_group(tree);
    add_transfer(tree);
    add_collect(tree);
    add_trim(tree);
    add_completion(tree);
    add_help_markdown(tree);
}

} // namespace strandline::tools
