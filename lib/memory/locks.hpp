#pragma once

#include "memory/instant.hpp"

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace strandline::memory {

/// Locks by name: who has them, until when, and how many had them. A lock that nobody has keeps its number.
class locks
{
public:
    result<std::uint64_t>
    lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl, instant now);

    failure renew(std::string_view name, std::string_view token, std::chrono::milliseconds ttl, instant now);

    failure unlock(std::string_view name, std::string_view token, instant now);

    lock_info inspect(std::string_view name, instant now) const;

private:
    struct holder
    {
        std::uint64_t fence = 0;
        std::string token;
        instant until;
    };

    /// Null when another one has it, or nobody.
    holder* held(std::string_view name, std::string_view token, instant now);

    std::map<std::string, holder, std::less<>> locks_;
};

} // namespace strandline::memory
