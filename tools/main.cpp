#include "command_tree.hpp"
#include "commands.hpp"

#include <csignal>

int main(int argc, char** argv)
{
    // A reader of our output that has gone is an error of the write.
    std::signal(SIGPIPE, SIG_IGN);
    strandline::tools::command_tree tree;
    strandline::tools::add_commands(tree);
    return tree.run(argc, argv);
}
