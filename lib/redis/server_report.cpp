#include "redis/server_report.hpp"

#include <charconv>

namespace strandline::redis {

namespace {

std::uint64_t number_of(std::string_view text)
{
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

server_info read_server_report(std::string_view report)
{
    server_info info;
    std::string_view redis_version;
    std::string_view valkey_version;
    while (!report.empty()) {
        auto const end = report.find_first_of("\r\n");
        auto const line = report.substr(0, end);
        report.remove_prefix(end == report.npos ? report.size() : end + 1);
        auto const colon = line.find(':');
        if (colon == line.npos)
            continue;
        auto const name = line.substr(0, colon);
        auto const value = line.substr(colon + 1);
        if (name == "redis_version")
            redis_version = value;
        else if (name == "valkey_version")
            valkey_version = value;
        else if (name == "role")
            info.role = value == "slave" ? server_role::replica : server_role::primary;
        else if (name == "used_memory")
            info.used_memory = number_of(value);
        else if (name == "maxmemory")
            info.max_memory = number_of(value);
        else if (name == "maxmemory_policy")
            info.memory_policy = value;
    }
    // Valkey also names the Redis that it is like.
    if (!valkey_version.empty())
        info.version.append("valkey ").append(valkey_version);
    else if (!redis_version.empty())
        info.version.append("redis ").append(redis_version);
    return info;
}

} // namespace strandline::redis
