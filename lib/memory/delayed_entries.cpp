#include "memory/delayed_entries.hpp"

#include <utility>

namespace strandline::memory {

entry_id delayed_entries::add(entry_view const& entry, retention keep, instant due)
{
    entry_id const id{static_cast<std::uint64_t>(due.time_since_epoch().count()), ++last_number_};
    // Each has its memory to itself: they leave in any order.
    auto const block = entry_block::of_size(stored_entry::size_of(entry));
    entries_.try_emplace(id, delayed{stored_entry(entry, *block), keep});
    return id;
}

std::optional<delayed_entries::delayed> delayed_entries::pop_due(instant now)
{
    auto const due = next();
    if (!due || *due > now)
        return std::nullopt;
    return std::move(entries_.extract(entries_.begin()).mapped());
}

std::vector<listed_entry> delayed_entries::after(entry_id id, std::size_t count) const
{
    std::vector<listed_entry> found;
    for (auto each = entries_.upper_bound(id); each != entries_.end() && found.size() != count; ++each)
        found.push_back({each->first, each->second.content.view(), each->second.content.owner()});
    return found;
}

std::optional<instant> delayed_entries::next() const
{
    if (entries_.empty())
        return std::nullopt;
    return instant(std::chrono::milliseconds(entries_.begin()->first.ms));
}

} // namespace strandline::memory
