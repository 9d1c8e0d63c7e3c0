#include "command_tree.hpp"
#include "commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace {

/// A standard descriptor that is closed would become that of the next file or connection. Whoever uses it
/// gets an error instead.
void occupy_closed_descriptors()
{
    for (auto const standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(standard, F_GETFD) < 0) // the least that is free is taken
            ::open("/dev/null", standard == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

} // namespace

int main(int argc, char** argv)
{
    occupy_closed_descriptors();
    // A reader of our output that has gone is an error of the write.
    std::signal(SIGPIPE, SIG_IGN);
    strandline::tools::command_tree tree;
    strandline::tools::add_commands(tree);
    return tree.run(argc, argv);
}
