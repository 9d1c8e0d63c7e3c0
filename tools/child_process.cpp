#include "child_process.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

namespace strandline::tools {

namespace {

/// What is cancelled has ended within a second, or the consumer counts its handler as stuck.
constexpr std::chrono::milliseconds time_to_end{500};

int checked(int status, char const* what)
{
    if (status < 0)
        throw std::system_error(errno, std::generic_category(), what);
    return status;
}

struct pipe_ends
{
    asio::posix::stream_descriptor reading;
    asio::posix::stream_descriptor writing;
};

pipe_ends make_pipe(asio::any_io_executor const& executor)
{
    int ends[2];
    checked(::pipe2(ends, O_CLOEXEC), "pipe");
    return {
        asio::posix::stream_descriptor(executor, ends[0]), asio::posix::stream_descriptor(executor, ends[1])
    };
}

std::vector<char*> pointers(std::vector<std::string>& words)
{
    std::vector<char*> raw;
    for (auto& word : words)
        raw.push_back(word.data());
    raw.push_back(nullptr);
    return raw;
}

struct prepared
{
    pid_t parent;
    int input;
    int trouble;
    char* const* arguments;
    char* const* environment;
};

/// Those that the guard is told.
constexpr int end_softly = SIGTERM;
constexpr int end_at_once = SIGHUP;

/// Of the guard, for its signal handlers.
pid_t volatile guarded = 0;
sig_atomic_t volatile is_ending = 0;

void block_all_signals(sigset_t* before)
{
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, before);
}

void allow_all_signals()
{
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What follows runs in new processes with all signals blocked, and does only what a signal handler may do, as
// ours may have other threads.

[[noreturn]] void become_shell(prepared const& with)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != with.parent)
        ::_exit(1);
    ::setpgid(0, 0);
    for (auto const one : {SIGHUP, SIGINT, SIGPIPE, SIGTERM})
        std::signal(one, SIG_DFL);
    allow_all_signals();
    ::dup2(with.input, STDIN_FILENO);
    // What somebody else opened without that flag, too.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execve(with.arguments[0], with.arguments, with.environment);
    auto const why = errno;
    [[maybe_unused]] auto const written = ::write(with.trouble, &why, sizeof why);
    ::_exit(127);
}

void end_group(int signal)
{
    is_ending = 1;
    ::kill(-guarded, signal == end_softly ? SIGTERM : SIGKILL);
}

/// Ends as the shell did.
[[noreturn]] void end_as(int status)
{
    if (WIFSIGNALED(status)) {
        ::prctl(PR_SET_DUMPABLE, 0);
        std::signal(WTERMSIG(status), SIG_DFL);
        ::raise(WTERMSIG(status));
    }
    ::_exit(WEXITSTATUS(status));
}

/// Starts the shell, and ends all of its process group when it is told to, or when our process ends: of that
/// the system tells children only, and what the shell starts is none of ours.
[[noreturn]] void guard_shell(prepared with)
{
    ::prctl(PR_SET_PDEATHSIG, end_at_once);
    if (::getppid() != with.parent)
        ::_exit(1);
    // What a terminal says to us is not said to it.
    ::setpgid(0, 0);
    with.parent = ::getpid();
    guarded = ::_Fork();
    if (guarded == 0)
        become_shell(with);
    if (guarded < 0) {
        auto const why = errno;
        [[maybe_unused]] auto const written = ::write(with.trouble, &why, sizeof why);
        ::_exit(127);
    }
    // Here and there, so that it is done whoever comes first.
    ::setpgid(guarded, guarded);
    ::close_range(3, ~0U, 0);
    std::signal(end_softly, end_group);
    std::signal(end_at_once, end_group);
    std::signal(SIGINT, SIG_IGN);
    allow_all_signals();

    siginfo_t ignored{};
    while (::waitid(P_PID, static_cast<id_t>(guarded), &ignored, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    // The number of the group is not another's as long as the shell has not been reaped.
    if (is_ending)
        ::kill(-guarded, SIGKILL);
    int status = 0;
    while (::waitpid(guarded, &status, 0) < 0 && errno == EINTR)
        ;
    end_as(status);
}

} // namespace

child_process::child_process(
    asio::any_io_executor const& executor, std::string command, std::vector<std::string> environment
)
    : trouble_(executor)
    , end_(executor)
{
    std::vector<std::string> words{"/bin/sh", "-c", std::move(command)};
    auto const arguments = pointers(words);
    auto const variables = pointers(environment);
    auto [input_reading, input_writing] = make_pipe(executor);
    auto [trouble_reading, trouble_writing] = make_pipe(executor);

    prepared const with{
        ::getpid(), input_reading.native_handle(), trouble_writing.native_handle(), arguments.data(),
        variables.data()
    };
    // Handlers of ours are not to run in the new process.
    sigset_t before;
    block_all_signals(&before);
    id_ = ::fork();
    if (id_ == 0)
        guard_shell(with);
    auto const why_not = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (id_ < 0)
        throw std::system_error(why_not, std::generic_category(), "fork");
    auto const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
    if (descriptor < 0) {
        auto const why = errno;
        send(end_at_once);
        reap();
        throw std::system_error(why, std::generic_category(), "pidfd_open");
    }
    end_.assign(descriptor);
    input_ = std::make_shared<asio::posix::stream_descriptor>(std::move(input_writing));
    trouble_ = std::move(trouble_reading);
}

child_process::~child_process()
{
    if (id_ < 0)
        return;
    send(end_at_once);
    reap();
}

asio::awaitable<process_end> child_process::finish(std::string_view input)
{
    auto const given = [to = input_](boost::system::error_code, std::size_t) {
        boost::system::error_code ignored;
        to->close(ignored);
    };
    asio::async_write(*input_, asio::buffer(input), given);

    int trouble = 0;
    auto const read =
        co_await asio::async_read(trouble_, asio::buffer(&trouble, sizeof trouble), asio::as_tuple);
    auto const ended = co_await end_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple);
    if (std::get<0>(ended)) {
        // Or the next wait would throw instead of waiting.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await end_early();
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    auto const how = reap();
    if (std::get<1>(read) == sizeof trouble)
        throw std::system_error(trouble, std::generic_category(), "the command cannot be run");
    co_return how;
}

asio::awaitable<void> child_process::end_early()
{
    send(end_softly);
    co_await end_.async_wait(
        asio::posix::stream_descriptor::wait_read, asio::cancel_after(time_to_end, asio::as_tuple)
    );
    send(end_at_once);
    co_await end_.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple);
    reap();
}

void child_process::send(int signal) const
{
    // The number is not another's as long as it has not been reaped.
    ::kill(id_, signal);
}

process_end child_process::reap()
{
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR)
        ;
    id_ = -1;
    boost::system::error_code ignored;
    if (input_)
        input_->close(ignored);
    return WIFEXITED(status) ? process_end{WEXITSTATUS(status), 0} : process_end{0, WTERMSIG(status)};
}

} // namespace strandline::tools
