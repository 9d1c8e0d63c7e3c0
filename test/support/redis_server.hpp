#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::testing {

/// A Redis server of the test's own: the `redis-server` found on PATH, in a temporary folder, reached through
/// a UNIX socket there. It ends with this object, with the folder; and with the process, however that ends.
///
/// Everything here blocks, and throws std::runtime_error that says why.
class redis_server
{
public:
    /// PEM files.
    struct tls_files
    {
        std::string certificate;
        std::string key;
        /// When there is one, clients must show a certificate of this authority.
        std::string ca_of_clients = {};
    };

    struct options
    {
        /// Listens on a free port of 127.0.0.1, too.
        bool tcp = false;
        /// Further arguments of the server: {"--maxmemory", "4mb"}.
        std::vector<std::string> arguments = {};
        /// Speaks nothing but TLS on its port; through the socket it is as always.
        std::optional<tls_files> tls = {};
        /// Lines of a Sentinel's configuration: then it is one.
        std::string sentinel = {};
    };

    /// Returns when the server answers.
    redis_server() : redis_server(options{}) {}

    explicit redis_server(options wanted);
    ~redis_server();

    redis_server(redis_server const&) = delete;
    redis_server& operator=(redis_server const&) = delete;

    /// One for the test to use later.
    static std::uint16_t free_port();

    std::string const& socket() const noexcept { return socket_; }

    /// 0 without TCP. The same after another start.
    std::uint16_t port() const noexcept { return port_; }

    /// Ends the server as its operator would. Without "--appendonly yes" its data are gone.
    void stop();

    /// Ends it as a crash would.
    void kill();

    /// After `stop` or `kill`.
    void start();

    /// The same, but returns as soon as it reads what `SAVE` has written; until it has, it refuses commands.
    void start_loading();

    /// It goes on existing, but neither reads nor answers until `resume`.
    void suspend();
    void resume();

    /// Runs one command on a connection of its own. The reply as text: elements of arrays one in a line,
    /// errors with their leading dash, null empty.
    std::string command(std::initializer_list<std::string_view> words) const;

private:
    std::vector<std::string> command_line() const;
    void start_until(std::string_view log);
    void end(int signal);

    options wanted_;
    std::filesystem::path folder_;
    std::string socket_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

} // namespace strandline::testing
