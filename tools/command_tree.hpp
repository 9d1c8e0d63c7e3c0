#pragma once

#include "session.hpp"

#include <boost/asio/awaitable.hpp>

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace strandline::tools {

/// The command line: its commands and their options, and what was chosen of them.
class command_tree
{
public:
    /// Starts a command. What is wrong with its options it says before it returns, by throwing `usage_error`;
    /// the coroutine that it returns then works on the session's strand, and fails by what it throws.
    using action = std::function<asio::awaitable<void>(session&)>;

    command_tree();
    command_tree(command_tree const&) = delete;
    command_tree& operator=(command_tree const&) = delete;

    CLI::App& root() noexcept { return root_; }

    /// When a command begins.
    enum class begins
    {
        /// With a connection; without one it fails.
        connected,
        /// Whether there is a server or not, and says so itself.
        at_once,
    };

    /// Adds a command that works on a server: it has the options --url and --json, and is run with a broker.
    CLI::App&
    add(std::string const& name, std::string const& description, action run, begins when = begins::connected)
    {
        return add(root_, name, description, std::move(run), when);
    }

    /// The same, as a command of a group of commands.
    CLI::App&
    add(CLI::App& group, std::string const& name, std::string const& description, action run,
        begins when = begins::connected);

    /// Adds a command that consists of others: `strandline delayed ls`.
    CLI::App& add_group(std::string const& name, std::string const& description);

    /// Adds a command that needs no server; it writes to standard output by itself.
    CLI::App& add_local(std::string const& name, std::string const& description, std::function<void()> run);

    /// Understands the arguments, and does what they say; the process' exit status.
    int run(int argc, char** argv);

private:
    void add_connection(CLI::App& to);
    void run_on_server();
    void run_chosen();

    CLI::App root_;
    std::string url_;
    bool json_ = false;
    action chosen_;
    begins when_ = begins::connected;
    std::function<void()> local_;
};

} // namespace strandline::tools
