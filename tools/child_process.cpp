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
    raw.reserve(words.size() + 1);
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

/// What the guard is told.
constexpr int end_softly = SIGTERM;
constexpr int end_at_once = SIGHUP;

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
    // Those that we have changed.
    for (auto const one : {SIGINT, SIGPIPE, SIGTERM})
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

/// Ends as the shell did.
[[noreturn]] void end_as(int status)
{
    if (WIFSIGNALED(status)) {
        auto const signal = WTERMSIG(status);
        ::prctl(PR_SET_DUMPABLE, 0);
        std::signal(signal, SIG_DFL);
        sigset_t one;
        ::sigemptyset(&one);
        ::sigaddset(&one, signal);
        ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
        ::raise(signal);
    }
    ::_exit(WEXITSTATUS(status));
}

bool has_ended(pid_t shell)
{
    siginfo_t end{};
    return ::waitid(P_PID, static_cast<id_t>(shell), &end, WEXITED | WNOWAIT | WNOHANG) == 0 &&
           end.si_pid != 0;
}

/// Until the shell has ended; ends all of its process group where it is told to.
void guard(pid_t shell)
{
    sigset_t told;
    ::sigemptyset(&told);
    for (auto const one : {SIGCHLD, end_softly, end_at_once})
        ::sigaddset(&told, one);
    auto is_ending = false;
    while (!has_ended(shell)) {
        auto const signal = ::sigwaitinfo(&told, nullptr);
        if (signal == end_softly || signal == end_at_once) {
            is_ending = true;
            ::kill(-shell, signal == end_softly ? SIGTERM : SIGKILL);
        }
    }
    // Others of the group may not want to end. Its number is not another's as long as the shell has not been
    // reaped.
    if (is_ending)
        ::kill(-shell, SIGKILL);
}

/// Starts the shell, and guards it: of the end of our process the system tells children only, and what the
/// shell starts is none of ours.
[[noreturn]] void start_and_guard(prepared with)
{
    ::prctl(PR_SET_PDEATHSIG, end_at_once);
    if (::getppid() != with.parent)
        ::_exit(1);
    // What a terminal says to us is not said to it.
    ::setpgid(0, 0);
    // It may have been ignored by who started us, and so would be the end of the shell.
    std::signal(SIGCHLD, SIG_DFL);
    with.parent = ::getpid();
    auto const shell = ::_Fork();
    if (shell == 0)
        become_shell(with);
    if (shell < 0) {
        auto const why = errno;
        [[maybe_unused]] auto const written = ::write(with.trouble, &why, sizeof why);
        ::_exit(127);
    }
    // Here and there, so that it is done whoever comes first.
    ::setpgid(shell, shell);
    ::close_range(3, ~0U, 0);
    guard(shell);
    int status = 0;
    ::waitpid(shell, &status, 0);
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
        start_and_guard(with);
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
