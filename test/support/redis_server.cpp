#include "support/redis_server.hpp"

#include "support/resp2.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace strandline::testing {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// Longer than a loaded machine needs to start or to end a server.
constexpr std::chrono::seconds patience{20};

[[noreturn]] void fail(std::string const& what)
{
    throw std::runtime_error("redis-server: " + what);
}

[[noreturn]] void fail_with_errno(char const* what)
{
    throw std::system_error(errno, std::generic_category(), std::string("redis-server: ") + what);
}

fs::path find_on_path(std::string_view program)
{
    char const* const path = std::getenv("PATH");
    for (std::string_view rest = path ? path : ""; !rest.empty();) {
        auto const colon = rest.find(':');
        auto const candidate = fs::path(rest.substr(0, colon)) / program;
        if (::access(candidate.c_str(), X_OK) == 0)
            return candidate;
        rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
    }
    fail("not found on PATH; these tests need one (./scripts/setup installs it)");
}

fs::path make_folder()
{
    auto pattern = (fs::temp_directory_path() / "strandline-redis-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        fail_with_errno("no temporary folder");
    return pattern;
}

/// Waits until the descriptor is readable; false when it took too long.
bool wait_readable(int descriptor)
{
    pollfd waiting{descriptor, POLLIN, 0};
    auto const limit = static_cast<int>(std::chrono::milliseconds(patience).count());
    int ready;
    do
        ready = ::poll(&waiting, 1, limit);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/// Reads the server's log until it says that.
void await(int log, std::string_view words)
{
    std::string text;
    while (text.find(words) == text.npos) {
        if (!wait_readable(log))
            fail("not ready after " + std::to_string(patience.count()) + " s; its log:\n" + text);
        char part[4096];
        auto const size = ::read(log, part, sizeof part);
        if (size <= 0)
            fail("ended while it started; its log:\n" + text);
        text.append(part, static_cast<std::size_t>(size));
    }
}

} // namespace

redis_server::redis_server(options wanted)
    : wanted_(std::move(wanted))
    , folder_(make_folder())
    , socket_(folder_ / "redis.sock")
    , port_(wanted_.tcp ? free_port() : std::uint16_t{0})
{
    try {
        start();
    }
    catch (...) {
        end(SIGKILL);
        fs::remove_all(folder_);
        throw;
    }
}

redis_server::~redis_server()
{
    end(SIGKILL);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::uint16_t redis_server::free_port()
{
    asio::io_context context;
    asio::ip::tcp::acceptor const acceptor(context, {asio::ip::address_v4::loopback(), 0});
    return acceptor.local_endpoint().port();
}

void redis_server::start()
{
    // "Ready", or "now ready" without TCP.
    start_until(wanted_.sentinel.empty() ? "eady to accept connections" : "Sentinel ID is");
}

void redis_server::start_loading()
{
    start_until("Loading RDB");
}

std::vector<std::string> redis_server::command_line() const
{
    std::vector<std::string> words{find_on_path("redis-server").string()};
    auto const add = [&](std::vector<std::string> const& more) {
        words.insert(words.end(), more.begin(), more.end());
    };
    if (!wanted_.sentinel.empty()) {
        // It writes into its configuration what it learns.
        auto const file = folder_ / "sentinel.conf";
        if (!fs::exists(file))
            std::ofstream(file) << wanted_.sentinel;
        add({file.string(), "--sentinel"});
    }
    auto const port = std::to_string(port_);
    add({"--bind", "127.0.0.1", "--unixsocket", socket_, "--dir", folder_.string()});
    if (wanted_.sentinel.empty())
        add({"--save", ""});
    if (wanted_.tls) {
        add({"--port", "0", "--tls-port", port});
        add({"--tls-cert-file", wanted_.tls->certificate, "--tls-key-file", wanted_.tls->key});
        if (wanted_.tls->ca_of_clients.empty())
            add({"--tls-auth-clients", "no"});
        else
            add({"--tls-ca-cert-file", wanted_.tls->ca_of_clients});
    }
    else
        add({"--port", port});
    add(wanted_.arguments);
    return words;
}

void redis_server::start_until(std::string_view words)
{
    if (process_ >= 0)
        fail("runs already");
    auto arguments = command_line();
    std::vector<char*> raw;
    for (auto& argument : arguments)
        raw.push_back(argument.data());
    raw.push_back(nullptr);

    int log[2];
    if (::pipe2(log, O_CLOEXEC) != 0)
        fail_with_errno("pipe");
    auto const parent = ::getpid();
    process_ = ::fork();
    if (process_ == 0) {
        // Only what a signal handler may do, as the process may have other threads.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(1);
        ::dup2(log[1], STDOUT_FILENO);
        ::dup2(log[1], STDERR_FILENO);
        // The process' own connections are none of the server's.
        ::close_range(3, ~0U, 0);
        ::execv(raw[0], raw.data());
        ::_exit(127);
    }
    ::close(log[1]);
    if (process_ < 0) {
        ::close(log[0]);
        fail_with_errno("fork");
    }
    // What it logs later is lost, and does not disturb it: it ignores SIGPIPE.
    struct closing
    {
        int descriptor;
        ~closing() { ::close(descriptor); }
    } const close_log{log[0]};
    await(log[0], words);
}

void redis_server::end(int signal)
{
    if (process_ < 0)
        return;
    auto const process = std::exchange(process_, -1);
    auto const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
    ::kill(process, signal);
    ::kill(process, SIGCONT);
    if (descriptor >= 0) {
        if (!wait_readable(descriptor))
            ::kill(process, SIGKILL);
        ::close(descriptor);
    }
    ::waitpid(process, nullptr, 0);
}

void redis_server::stop()
{
    end(SIGTERM);
}

void redis_server::kill()
{
    end(SIGKILL);
}

void redis_server::suspend()
{
    ::kill(process_, SIGSTOP);
}

void redis_server::resume()
{
    ::kill(process_, SIGCONT);
}

std::string redis_server::command(std::initializer_list<std::string_view> words) const
{
    return resp2::command(socket_, {words.begin(), words.size()});
}

} // namespace strandline::testing
