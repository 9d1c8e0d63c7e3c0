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
/// - `redis://[[user]:password@]host[:port][,host[:port]…][/database]` — port 6379, database 0; several hosts
/// are tried in turn.
/// - `rediss://…` — the same over TLS, the server's certificate verified against the system's authorities and
/// the host.
/// - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database]` — the hosts are
/// sentinels, port 26379, which are asked for the server that is the master of that name at the moment;
/// `rediss+sentinel://…`: TLS to the sentinels and to the master.
/// - `unix:[//[user]:password@]/path/of/the.socket` — over a UNIX socket.
///
/// Behind these may stand `?name=value`, and further ones with `&`: `prefix` (`redis_options::key_prefix`);
/// with TLS `ca`, `cert` and `key` (`redis_options::tls_files`); with Sentinel `sentinel_user` and
/// `sentinel_password`; with `unix:` the database, `db`.
///
/// Names, paths, user and password may be percent-encoded, and must be where they hold characters that mean
/// something here. The files are read now. Nothing is connected yet: that begins with the first operation,
/// which fails with `unreachable` when there is no connection after the connect timeout (5 s); a publish
/// waits for as long as its producer says.
///
/// Throws `error` with `invalid_url`; its words say what is wrong and at which character, without the
/// password. With `invalid_option` where a member has a value that it cannot have, or a file cannot be used.
/// The broker must not outlive the executor's context.
broker_ptr open(asio::any_io_executor executor, std::string_view url);

/// The same, with the error as a value; null when there is one.
broker_ptr open(asio::any_io_executor executor, std::string_view url, failure& why);

/// The same, with times of its own. Errors: also `invalid_option`, for one that is out of range.
broker_ptr open(asio::any_io_executor executor, std::string_view url, connection_times times, failure& why);

/// What `open` would say of the URL; makes nothing.
failure check_url(std::string_view url);

} // namespace strandline
