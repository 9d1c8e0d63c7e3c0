#include "rates.hpp"

#include <algorithm>
#include <chrono>

namespace strandline::tools {

namespace {

double difference(std::uint64_t now, std::uint64_t before)
{
    return static_cast<double>(now) - static_cast<double>(before);
}

group_rates
between(group_statistics const& before, group_statistics const& now, double appended, double seconds)
{
    if (before.lag_is_at_least || now.lag_is_at_least)
        return {};
    auto const delivered = std::max(0.0, appended - difference(now.lag, before.lag));
    auto const acknowledged = std::max(0.0, delivered - difference(now.pending, before.pending));
    return {delivered / seconds, acknowledged / seconds};
}

stream_rates between(stream_statistics const& before, stream_statistics const& now)
{
    stream_rates told;
    told.groups.resize(now.groups.size());
    auto const seconds = std::chrono::duration<double>(now.now - before.now).count();
    // The server's clock may be set back, and the stream may be removed and begin again.
    if (seconds <= 0 || now.appended < before.appended)
        return told;
    auto const appended = difference(now.appended, before.appended);
    told.appended = appended / seconds;
    for (std::size_t i = 0; i != now.groups.size(); ++i) {
        auto const old = std::ranges::find(before.groups, now.groups[i].name, &group_statistics::name);
        if (old != before.groups.end())
            told.groups[i] = between(*old, now.groups[i], appended, seconds);
    }
    return told;
}

} // namespace

stream_rates rates::update(measurement const& now)
{
    auto const [before, is_new] = before_.try_emplace(now.stream, now.counted);
    stream_rates told;
    told.groups.resize(now.counted.groups.size());
    if (!is_new) {
        told = between(before->second, now.counted);
        before->second = now.counted;
    }
    return told;
}

} // namespace strandline::tools
