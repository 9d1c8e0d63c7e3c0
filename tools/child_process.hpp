#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::tools {

namespace asio = boost::asio;

/// How a process ended.
struct process_end
{
    /// What it returned; nothing when a signal ended it.
    int status = 0;
    /// 0: none.
    int signal = 0;
};

/// A shell's command in a process group of its own, with our standard output and error. All of the group is
/// killed with this object, and as soon as our process ends, however that ends.
class child_process
{
public:
    /// Starts it with these variables, `NAME=VALUE`, and no others. Throws std::system_error.
    child_process(
        asio::any_io_executor const& executor, std::string command, std::vector<std::string> environment
    );
    ~child_process();

    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;

    /// Gives it the input, which it need not read, and waits for its end. To be called once; the input stays
    /// until it has returned. Throws std::system_error when the command could not be run.
    ///
    /// Cancellation: asks all of its process group to end, kills what has not half a second later, and throws
    /// `operation_aborted` when it has ended. Further cancellations of the coroutine are of no effect.
    asio::awaitable<process_end> finish(std::string_view input);

private:
    void send(int signal) const;
    asio::awaitable<void> end_early();
    process_end reap();

    /// Of the process that guards the shell.
    pid_t id_ = -1;
    /// Shared with the write to it.
    std::shared_ptr<asio::posix::stream_descriptor> input_;
    /// Why the shell did not start: an errno, or nothing.
    asio::posix::stream_descriptor trouble_;
    /// Readable when it has ended.
    asio::posix::stream_descriptor end_;
};

} // namespace strandline::tools
