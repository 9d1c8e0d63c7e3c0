#include "confirmation.hpp"

#include "exit_status.hpp"
#include "line_reader.hpp"
#include "standard_error.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

namespace strandline::tools {

void confirmation::add_to(CLI::App& command)
{
    command.add_flag("-y,--yes", yes_, "Do it without asking; needed where there is no terminal");
}

void confirmation::check(std::string const& what) const
{
    if (!yes_ && (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1))
        throw usage_error(fmt::format("this would {}; say --yes, as there is no terminal to ask at", what));
}

asio::awaitable<void> confirmation::ask(session& at, std::string what) const
{
    if (yes_)
        co_return;
    write_error(what + "? [y/N] ");
    line_reader input(at.broker->get_executor());
    auto const answer = co_await input.next();
    if (answer != "y" && answer != "Y" && answer != "yes")
        throw std::runtime_error("nothing was done");
}

} // namespace strandline::tools
