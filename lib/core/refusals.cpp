#include "core/refusals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace strandline {

namespace {

/// So many names stand in an error.
constexpr std::size_t most_named = 3;

} // namespace

failure name_taken(membership who)
{
    return {errc::name_taken, fmt::format("{} of the group {} of {}", who.consumer, who.group, who.stream)};
}

failure lease_differs(
    membership who, std::chrono::milliseconds set, std::chrono::milliseconds wanted,
    std::span<std::string_view const> owned
)
{
    return {
        errc::lease_differs, fmt::format(
                                 "the group {} of {} has a lease of {} ms, not of {} ms: use that one, or "
                                 "stop its other consumers "
                                 "first ({}{})",
                                 who.group, who.stream, set.count(), wanted.count(),
                                 fmt::join(owned.first(std::min(owned.size(), most_named)), ", "),
                                 owned.size() > most_named ? ", ..." : ""
                             )
    };
}

failure check_join(membership who, std::chrono::milliseconds lease)
{
    if (who.token.empty())
        return {errc::invalid_option, "the token of a consumer must not be empty"};
    if (lease < std::chrono::milliseconds(1))
        return {errc::invalid_option, fmt::format("a lease of {} ms is too short", lease.count())};
    return {};
}

failure check_lock(std::string_view name, std::string_view token)
{
    if (name.empty())
        return {errc::invalid_name, "a lock's name must not be empty"};
    if (token.empty())
        return {errc::invalid_option, "the token of a lock must not be empty"};
    return {};
}

failure check_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    if (ttl < std::chrono::milliseconds(1))
        return {errc::invalid_option, fmt::format("a lock for {} ms is too short", ttl.count())};
    return check_lock(name, token);
}

} // namespace strandline
