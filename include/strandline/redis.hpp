#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace strandline {

/// How to reach a Redis server.
struct redis_options
{
    std::string host = "localhost";
    std::uint16_t port = 6379;
    /// Path of a UNIX socket, at most 107 bytes; when set, host and port are not used.
    std::string unix_socket;
    /// TLS, the certificate verified against the system's authorities and `host`. Not with `unix_socket`.
    bool tls = false;
    /// Empty: the server's default user.
    std::string user;
    /// Never shown in an error or a log.
    std::string password;
    std::uint32_t database = 0;
    /// How long an operation waits for a connection; also the limit of each attempt to connect. At least 1
    /// ms, and like all times here at most 24 hours.
    std::chrono::milliseconds connect_timeout{5000};
    /// A connection on which the server has said nothing for twice this time is given up; blocked reads wait
    /// less than this. At least 100 ms.
    std::chrono::milliseconds health_check_interval{5000};
    /// Wait before the second attempt to connect; doubled for each further one up to `max_reconnect_delay`,
    /// and each wait is shortened by a random part of up to half, so that many clients do not come back
    /// together. At least 1 ms.
    std::chrono::milliseconds min_reconnect_delay{50};
    /// At least `min_reconnect_delay`.
    std::chrono::milliseconds max_reconnect_delay{5000};
};

/// Checks ranges and contradictions; the words name the member.
failure validate(redis_options const& options);

/// Reads `redis:`, `rediss:` and `unix:` URLs, as described at `open`.
result<redis_options> parse_redis_url(std::string_view url);

/// A broker on a Redis server, 7.0 or newer. Throws `error` with `invalid_option`.
broker_ptr make_redis_broker(asio::any_io_executor executor, redis_options options);

} // namespace strandline
