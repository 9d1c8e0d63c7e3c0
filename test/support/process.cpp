#include "support/process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace strandline::testing {

namespace {

/// Longer than a program needs to end on a loaded machine.
constexpr std::chrono::milliseconds patience{20'000};

[[noreturn]] void fail_with_errno(char const* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

/// False when it took too long.
bool wait_for_end_of(pid_t id)
{
    auto const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, id, 0));
    if (descriptor < 0)
        fail_with_errno("pidfd_open");
    pollfd waiting{descriptor, POLLIN, 0};
    int ready;
    do
        ready = ::poll(&waiting, 1, static_cast<int>(patience.count()));
    while (ready < 0 && errno == EINTR);
    ::close(descriptor);
    return ready > 0;
}

} // namespace

process::process(std::vector<std::string> command, surroundings const& with)
{
    auto const pointers = [](std::vector<std::string>& words) {
        std::vector<char*> raw;
        for (auto& word : words)
            raw.push_back(word.data());
        raw.push_back(nullptr);
        return raw;
    };
    auto const arguments = pointers(command);
    // The first of the same name counts.
    auto variables = with.environment;
    for (auto const* const* one = environ; *one; ++one)
        variables.emplace_back(*one);
    auto const environment = pointers(variables);

    auto const parent = ::getpid();
    id_ = ::fork();
    if (id_ < 0)
        fail_with_errno("fork");
    if (id_ == 0) {
        // Only what a signal handler may do, as the process may have other threads.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(1);
        int standard = 0;
        for (auto const given : {with.in, with.out, with.err}) {
            if (given >= 0)
                ::dup2(given, standard);
            ++standard;
        }
        ::close_range(3, ~0U, 0);
        ::execve(arguments[0], arguments.data(), environment.data());
        ::_exit(127);
    }
}

process::~process()
{
    if (id_ < 0)
        return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
}

void process::send(int signal) const
{
    // kill() takes a negative number for many processes.
    if (id_ < 0)
        throw std::runtime_error("the process has been waited for");
    if (::kill(id_, signal) != 0)
        fail_with_errno("kill");
}

bool process::has_ended() const
{
    if (id_ < 0)
        return true;
    siginfo_t end{};
    if (::waitid(P_PID, static_cast<id_t>(id_), &end, WEXITED | WNOHANG | WNOWAIT) != 0)
        fail_with_errno("waitid");
    return end.si_pid != 0;
}

int process::wait()
{
    if (id_ < 0)
        throw std::runtime_error("the process has been waited for");
    if (!wait_for_end_of(id_))
        throw std::runtime_error("a process has not ended after " + std::to_string(patience.count()) + " ms");
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void process::kill()
{
    send(SIGKILL);
    wait();
}

} // namespace strandline::testing
