#include "memory/once_marks.hpp"

namespace strandline::memory {

std::optional<entry_id> once_marks::find(std::string_view key, instant now) const
{
    auto const found = marks_.find(key);
    if (found == marks_.end() || found->second.until <= now)
        return std::nullopt;
    return found->second.id;
}

void once_marks::set(std::string_view key, entry_id id, instant now, std::chrono::milliseconds window)
{
    // Two for one: what has run out gets less.
    constexpr int most_dropped = 2;
    for (int i = 0; i != most_dropped && !ends_.empty() && ends_.begin()->first <= now; ++i) {
        marks_.erase(ends_.begin()->second);
        ends_.erase(ends_.begin());
    }
    auto const [place, is_new] = marks_.try_emplace(std::string(key));
    if (!is_new) {
        // It has run out, and was not dropped yet.
        auto [end, last] = ends_.equal_range(place->second.until);
        while (end->second != place)
            ++end;
        ends_.erase(end);
    }
    place->second = {id, now + window};
    ends_.emplace(now + window, place);
}

} // namespace strandline::memory
