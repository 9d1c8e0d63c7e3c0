#include "memory/locks.hpp"

#include <algorithm>

namespace strandline::memory {

namespace {

instant end_of(std::chrono::milliseconds ttl, instant now)
{
    return now + std::min(ttl, instant::max() - now);
}

failure lost(std::string_view name)
{
    return {errc::lock_lost, std::string(name)};
}

} // namespace

locks::holder* locks::held(std::string_view name, std::string_view token, instant now)
{
    auto const found = locks_.find(name);
    return found != locks_.end() && found->second.token == token && now < found->second.until ? &found->second
                                                                                              : nullptr;
}

result<std::uint64_t>
locks::lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl, instant now)
{
    auto found = locks_.find(name);
    if (found == locks_.end())
        found = locks_.try_emplace(std::string(name)).first;
    auto& [fence, owner, until] = found->second;
    auto const is_free = owner.empty() || until <= now;
    if (!is_free && owner != token)
        return failure(errc::locked, std::string(name));
    if (is_free) {
        ++fence;
        owner = token;
    }
    until = end_of(ttl, now);
    return fence;
}

failure
locks::renew(std::string_view name, std::string_view token, std::chrono::milliseconds ttl, instant now)
{
    auto* const own = held(name, token, now);
    if (!own)
        return lost(name);
    own->until = end_of(ttl, now);
    return {};
}

failure locks::unlock(std::string_view name, std::string_view token, instant now)
{
    auto* const own = held(name, token, now);
    if (!own)
        return lost(name);
    own->token.clear();
    return {};
}

lock_info locks::inspect(std::string_view name, instant now) const
{
    auto const found = locks_.find(name);
    if (found == locks_.end() || found->second.token.empty() || found->second.until <= now)
        return {};
    return {found->second.until - now};
}

} // namespace strandline::memory
