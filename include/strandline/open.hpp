#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace strandline {

/// How patient a broker is with its server. What is not set is as the engine has it: 5 s each. The engine in
/// this process has no server and needs none of it.
struct connection_times
{
    /// How long an operation waits for a connection. From 1 ms to 24 hours.
    std::optional<std::chrono::milliseconds> connect_timeout = {};
    /// A connection on which the server has said nothing for twice this time is given up. From 100 ms to 24
    /// hours.
    std::optional<std::chrono::milliseconds> health_check_interval = {};
};

/// Makes a broker for the engine that the URL names; all of it runs on a new strand of `executor`.
///
/// - `memory:` — streams in this process, gone with the broker.
/// - `redis://[[user]:password@]host[:port][/database]` — port 6379, database 0.
/// - `rediss://…` — the same over TLS, the server's certificate verified against the system's authorities and
/// the host.
/// - `unix:[//[user]:password@]/path/of/the.socket[?db=N]` — over a UNIX socket.
///
/// User and password may be percent-encoded. Nothing is connected yet: that begins with the first operation,
/// which fails with `unreachable` when there is no connection after the connect timeout (5 s).
///
/// Throws `error` with `invalid_url`; its words say what is wrong and at which character, without the
/// password. The broker must not outlive the executor's context.
broker_ptr open(asio::any_io_executor executor, std::string_view url);

/// The same, with the error as a value; null when there is one.
broker_ptr open(asio::any_io_executor executor, std::string_view url, failure& why);

/// The same, with times of its own. Errors: also `invalid_option`, for one that is out of range.
broker_ptr open(asio::any_io_executor executor, std::string_view url, connection_times times, failure& why);

/// What `open` would say of the URL; makes nothing.
failure check_url(std::string_view url);

} // namespace strandline
