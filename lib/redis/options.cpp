#include "redis/option_limits.hpp"

#include <strandline/redis.hpp>

#include <fmt/format.h>

namespace strandline {

namespace {

using std::chrono::milliseconds;

failure invalid(std::string_view member, std::string_view rule)
{
    return {errc::invalid_option, fmt::format("redis_options::{} {}", member, rule)};
}

failure check_wait(std::string_view member, milliseconds value, milliseconds least)
{
    if (value >= least && value <= redis::longest_wait)
        return {};
    return invalid(
        member, fmt::format("must be from {} ms to 24 hours, and is {} ms", least.count(), value.count())
    );
}

bool has_null(std::string_view text)
{
    return text.find('\0') != text.npos;
}

failure check_addresses(std::string_view member, std::vector<redis_address> const& addresses)
{
    for (std::size_t i = 0; i != addresses.size(); ++i) {
        auto const name = fmt::format("{}[{}].host", member, i);
        if (addresses[i].host.empty())
            return invalid(name, "must not be empty");
        if (has_null(addresses[i].host))
            return invalid(name, "must not contain a null character");
    }
    return {};
}

/// The socket, the sentinels or the addresses.
failure check_place(redis_options const& options)
{
    auto const& socket = options.unix_socket;
    auto const& sentinel = options.sentinel;
    if (!socket.empty()) {
        if (options.tls)
            return invalid("tls", "is not possible with unix_socket");
        if (!sentinel.addresses.empty())
            return invalid("sentinel.addresses", "must be empty with unix_socket");
        if (socket.size() > redis::longest_unix_socket)
            return invalid(
                "unix_socket",
                fmt::format(
                    "must have at most {} bytes, and has {}", redis::longest_unix_socket, socket.size()
                )
            );
        if (has_null(socket))
            return invalid("unix_socket", "must not contain a null character");
        return {};
    }
    if (!sentinel.addresses.empty()) {
        if (sentinel.master.empty())
            return invalid("sentinel.master", "must not be empty");
        return check_addresses("sentinel.addresses", sentinel.addresses);
    }
    if (!sentinel.master.empty() || !sentinel.user.empty() || !sentinel.password.empty() || sentinel.tls)
        return invalid("sentinel.addresses", "must not be empty when something else of sentinel is set");
    if (options.addresses.empty())
        return invalid("addresses", "must not be empty when there is neither unix_socket nor sentinel");
    return check_addresses("addresses", options.addresses);
}

failure check_tls(redis_options const& options)
{
    auto const& files = options.tls_files;
    auto const uses_tls = options.tls || options.sentinel.tls;
    if (!uses_tls && !(files.ca.empty() && files.certificate.empty() && files.key.empty()))
        return invalid("tls", "must be set when tls_files are");
    if (files.certificate.empty() != files.key.empty())
        return invalid(
            files.key.empty() ? "tls_files.key" : "tls_files.certificate",
            "must not be empty when the other of the two is not"
        );
    if (has_null(files.ca) || has_null(files.certificate) || has_null(files.key))
        return invalid("tls_files", "must not contain a null character");
    return {};
}

} // namespace

failure validate(redis_options const& options)
{
    if (auto wrong = check_place(options))
        return wrong;
    if (auto wrong = check_tls(options))
        return wrong;
    if (options.key_prefix.find_first_of("{}") != std::string::npos)
        return invalid("key_prefix", "must not contain { or }");
    if (options.database > redis::greatest_database)
        return invalid(
            "database",
            fmt::format("must be at most {}, and is {}", redis::greatest_database, options.database)
        );
    if (auto wrong = check_wait("connect_timeout", options.connect_timeout, milliseconds(1)))
        return wrong;
    if (auto wrong = check_wait("health_check_interval", options.health_check_interval, milliseconds(100)))
        return wrong;
    if (auto wrong = check_wait("min_reconnect_delay", options.min_reconnect_delay, milliseconds(1)))
        return wrong;
    if (auto wrong = check_wait("max_reconnect_delay", options.max_reconnect_delay, milliseconds(1)))
        return wrong;
    if (options.max_reconnect_delay < options.min_reconnect_delay)
        return invalid(
            "max_reconnect_delay",
            fmt::format(
                "must be at least min_reconnect_delay ({} ms), and is {} ms",
                options.min_reconnect_delay.count(), options.max_reconnect_delay.count()
            )
        );
    return {};
}

} // namespace strandline
