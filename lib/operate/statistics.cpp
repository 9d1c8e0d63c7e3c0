#include <strandline/statistics.hpp>

#include <string_view>

namespace strandline {

asio::awaitable<result<std::vector<stream_statistics>>>
detail::measure(broker& of, std::span<std::string const> streams)
{
    std::vector<std::string_view> const names(streams.begin(), streams.end());
    co_return co_await of.measure(names);
}

std::chrono::milliseconds age_of(entry_id id, stream_statistics const& at) noexcept
{
    // An id may be of any time, also of one that no clock reaches.
    auto const now = at.now.time_since_epoch().count();
    if (now <= 0 || id.ms >= static_cast<std::uint64_t>(now))
        return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(now - static_cast<std::int64_t>(id.ms));
}

std::optional<std::chrono::milliseconds> oldest_age(stream_statistics const& at) noexcept
{
    if (!at.first)
        return std::nullopt;
    return age_of(*at.first, at);
}

std::optional<std::chrono::milliseconds>
last_delivered_age(group_statistics const& of, stream_statistics const& at) noexcept
{
    if (of.last_delivered == entry_id::min())
        return std::nullopt;
    return age_of(of.last_delivered, at);
}

std::optional<std::chrono::milliseconds>
lowest_pending_age(group_statistics const& of, stream_statistics const& at) noexcept
{
    if (!of.lowest_pending)
        return std::nullopt;
    return age_of(*of.lowest_pending, at);
}

} // namespace strandline
