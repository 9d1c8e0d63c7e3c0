#pragma once

#include "command_tree.hpp"

/// Each adds a command, or a group of commands, in a file of its own.
namespace strandline::tools {

void add_collect(command_tree& tree);
void add_completion(command_tree& tree);
void add_consume(command_tree& tree);
void add_consumers(command_tree& tree);
void add_dead(command_tree& tree);
void add_delayed(command_tree& tree);
void add_group(command_tree& tree);
void add_groups(command_tree& tree);
void add_health(command_tree& tree);
void add_help_markdown(command_tree& tree);
void add_pending(command_tree& tree);
void add_publish(command_tree& tree);
void add_stats(command_tree& tree);
void add_streams(command_tree& tree);
void add_tail(command_tree& tree);
void add_top(command_tree& tree);
void add_transfer(command_tree& tree);
void add_trim(command_tree& tree);

/// All of them, in the order in which help shows them.
void add_commands(command_tree& tree);

} // namespace strandline::tools
