#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strandline {

/// Where a server listens.
struct redis_address
{
    /// A name, or an IPv4 or IPv6 address without brackets.
    std::string host = "localhost";
    /// 0: the usual one, which is 6379, and 26379 of a Sentinel.
    std::uint16_t port = 0;

    friend bool operator==(redis_address const&, redis_address const&) = default;
};

/// PEM files for TLS. Each is read once, when the broker is made.
struct redis_tls_files
{
    /// Certificates of the authorities to be trusted; empty: the system's.
    std::string ca;
    /// The client's own certificate, if the server asks for one, and behind it those between it and its
    /// authority.
    std::string certificate;
    /// The key that belongs to `certificate`, not encrypted; neither is of use without the other.
    std::string key;
};

/// Sentinels that know the master of a group of servers.
struct redis_sentinel
{
    /// Asked in turn, beginning with the one that answered last. Empty: there is no Sentinel.
    std::vector<redis_address> addresses;
    /// What the sentinels call the group.
    std::string master;
    /// Of the sentinels, not of the master. Empty: the default user.
    std::string user;
    /// Never shown in an error or a log.
    std::string password;
    /// TLS to the sentinels, with the same files as to the master.
    bool tls = false;
};

/// How to reach a Redis server.
struct redis_options
{
    /// Tried in turn, from the one that was connected last, until one is a server that lets us in. One that
    /// turns out to be a replica is left for the next. Not used with `unix_socket` or `sentinel`.
    std::vector<redis_address> addresses{redis_address()};
    /// Path of a UNIX socket, at most 107 bytes. Empty: none. Not with `sentinel`.
    std::string unix_socket;
    /// When it has addresses, the server is the master that a sentinel names, and another after a failover.
    redis_sentinel sentinel;
    /// TLS. The certificate is verified against the authorities, and against the host of the address that is
    /// tried: with Sentinel the one that the sentinel named. Not with `unix_socket`.
    bool tls = false;
    /// Only with `tls` or `sentinel.tls`.
    redis_tls_files tls_files;
    /// Empty: the server's default user.
    std::string user;
    /// Never shown in an error or a log.
    std::string password;
    std::uint32_t database = 0;
    /// Stands before the names of all streams and locks on the server, and of the channels of hints; nobody
    /// else sees it. In a name that begins with a `{tag}` it stands inside the braces, so that with `p:` the
    /// dead letters `{orders}:dead` are `{p:orders}:dead`. Without `{` and `}`.
    std::string key_prefix;
    /// How long an operation waits for a connection. The attempts of one round through the addresses share
    /// it: of two, each may take half of it. At least 1 ms, and like all times here at most 24 hours.
    std::chrono::milliseconds connect_timeout{5000};
    /// A connection on which the server has said nothing for twice this time is given up; blocked reads wait
    /// less than this. At least 100 ms.
    std::chrono::milliseconds health_check_interval{5000};
    /// Wait before the second round of attempts to connect; doubled for each further one up to
    /// `max_reconnect_delay`, and each wait is shortened by a random part of up to half, so that many clients
    /// do not come back together. At least 1 ms.
    std::chrono::milliseconds min_reconnect_delay{50};
    /// At least `min_reconnect_delay`.
    std::chrono::milliseconds max_reconnect_delay{5000};
};

/// Checks ranges and contradictions; the words name the member.
failure validate(redis_options const& options);

/// Reads URLs of Redis servers, as described at `open`.
result<redis_options> parse_redis_url(std::string_view url);

/// A broker on a Redis server, 7.0 or newer. Throws `error` with `invalid_option`; the words name the member,
/// and for a file that cannot be used the file and why.
broker_ptr make_redis_broker(asio::any_io_executor executor, redis_options options);

/// The same, with the error as a value; null when there is one.
broker_ptr make_redis_broker(asio::any_io_executor executor, redis_options options, failure& why);

} // namespace strandline
