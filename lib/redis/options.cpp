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

} // namespace

failure validate(redis_options const& options)
{
    if (options.unix_socket.empty()) {
        if (options.host.empty())
            return invalid("host", "must not be empty when there is no unix_socket");
        if (options.port == 0)
            return invalid("port", "must be from 1 to 65535, and is 0");
    }
    else {
        if (options.tls)
            return invalid("tls", "is not possible with unix_socket");
        if (options.unix_socket.size() > redis::longest_unix_socket)
            return invalid(
                "unix_socket", fmt::format(
                                   "must have at most {} bytes, and has {}", redis::longest_unix_socket,
                                   options.unix_socket.size()
                               )
            );
        if (options.unix_socket.find('\0') != std::string::npos)
            return invalid("unix_socket", "must not contain a null character");
    }
    if (options.host.find('\0') != std::string::npos)
        return invalid("host", "must not contain a null character");
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
