#include "command_tree.hpp"

#include "exit_status.hpp"
#include "secrets.hpp"
#include "standard_error.hpp"

#include <strandline/error.hpp>
#include <strandline/open.hpp>
#include <strandline/version.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>
#include <utility>

namespace strandline::tools {

namespace {

/// How long a server has to let us in.
constexpr std::chrono::seconds connect_timeout{5};

constexpr auto about = R"(Publishes and consumes events of strandline's streams, and looks after them.

Exit status: 0 done, 1 failed, 2 wrong usage. What failed stands on standard
error, in a line that begins with "strandline: ".)";

constexpr auto about_url = R"(The server is named by --url or by the environment's STRANDLINE_URL:

    redis://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/DATABASE]
    rediss://...                     the same over TLS
    redis+sentinel://HOST[:PORT][,HOST[:PORT]...]/MASTER[/DATABASE]
    unix:[//[USER]:PASSWORD@]/PATH/OF/THE.SOCKET

Behind it may stand ?prefix=TEXT, which then stands before all names on the server.

What stands on a command line can be seen by other users of the machine, so a
password is better kept in the variable.

Durations are written as 250ms, 30s, 1m or 2h; times as 2030-01-31T12:00:00Z
or in milliseconds since 1970; ids of entries as 1700000000000-0.)";

/// Whether the error says that what was asked for makes no sense, whatever the server's state.
bool is_misuse(failure const& why)
{
    return why == errc::invalid_option || why == errc::invalid_url || why == errc::invalid_name ||
           why == errc::invalid_entry_id;
}

int end_with(exit_status status, std::string_view words)
{
    tell(words);
    return status;
}

/// What is left over says more than what is missing in its stead.
std::string describe(CLI::App const& root, CLI::ParseError const& wrong)
{
    auto const left_over = root.remaining(true);
    return left_over.empty() ? without_secrets(wrong.what())
                             : "not understood: " + without_secrets(left_over.front());
}

asio::awaitable<void> connect_and(broker_ptr of, asio::awaitable<void> work)
{
    if (auto why = co_await of->ready(connect_timeout))
        throw error(why);
    co_await std::move(work);
}

} // namespace

command_tree::command_tree() : root_(about, "strandline")
{
    root_.set_version_flag("--version", std::string("strandline ") + version());
    root_.set_help_flag("-h,--help", "Print this help and exit");
    root_.footer(about_url);
    root_.require_subcommand(1);
    add_connection(root_);
}

void command_tree::add_connection(CLI::App& to)
{
    to.add_option("--url", url_, "The server; default: the environment's STRANDLINE_URL")->type_name("URL");
    to.add_flag("--json", json_, "Print JSON, one value in a line");
}

CLI::App& command_tree::add(
    CLI::App& group, std::string const& name, std::string const& description, action run, begins when
)
{
    auto& command = *group.add_subcommand(name, description);
    command.footer(""); // else it has the root's
    add_connection(command);
    command.callback([this, run = std::move(run), when] {
        chosen_ = run;
        when_ = when;
    });
    return command;
}

CLI::App& command_tree::add_group(std::string const& name, std::string const& description)
{
    auto& group = *root_.add_subcommand(name, description);
    group.footer("");
    group.require_subcommand(1);
    return group;
}

CLI::App&
command_tree::add_local(std::string const& name, std::string const& description, std::function<void()> run)
{
    auto& command = *root_.add_subcommand(name, description);
    command.footer("");
    command.callback([this, run = std::move(run)] { local_ = run; });
    return command;
}

int command_tree::run(int argc, char** argv)
try {
    root_.parse(argc, argv);
    run_chosen();
    return done;
}
catch (CLI::Success const& asked) {
    // For its help or its version.
    auto const status = root_.exit(asked);
    if (!std::cout.flush())
        return end_with(failed, "standard output: " + std::generic_category().message(errno));
    return status == 0 ? done : failed;
}
catch (CLI::ParseError const& wrong) {
    return end_with(misused, describe(root_, wrong) + "\nMore: strandline --help");
}
catch (usage_error const& wrong) {
    return end_with(misused, wrong.what());
}
catch (error const& thrown) {
    return end_with(is_misuse(thrown.cause()) ? misused : failed, thrown.cause().message());
}
catch (std::exception const& thrown) {
    return end_with(failed, thrown.what());
}

void command_tree::run_chosen()
{
    if (local_) {
        local_();
        if (std::fflush(stdout) != 0)
            throw std::system_error(errno, std::generic_category(), "standard output");
    }
    else
        run_on_server();
}

void command_tree::run_on_server()
{
    if (url_.empty())
        if (auto const* const set = std::getenv("STRANDLINE_URL"))
            url_ = set;
    if (url_.empty())
        throw usage_error("no server: give its URL with --url, or in the variable STRANDLINE_URL");

    asio::io_context context(1);
    failure why;
    auto const broker = open(context.get_executor(), url_, {.connect_timeout = connect_timeout}, why);
    if (why)
        throw error(why);
    standard_output out(broker->get_executor());
    session at{broker, out, json_};

    std::exception_ptr thrown;
    auto work = chosen_(at);
    if (when_ == begins::connected)
        work = connect_and(broker, std::move(work));
    asio::co_spawn(broker->get_executor(), std::move(work), [&](std::exception_ptr failed) {
        thrown = std::move(failed);
        // These would keep the loop running.
        out.close();
        broker->close();
    });
    context.run();
    if (thrown)
        std::rethrow_exception(thrown);
}

} // namespace strandline::tools
