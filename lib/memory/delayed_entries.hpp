#pragma once

#include "memory/instant.hpp"
#include "memory/stored_entry.hpp"

#include <strandline/broker.hpp>

#include <map>
#include <optional>
#include <vector>

namespace strandline::memory {

/// The entries of a stream that are not due yet, in the order in which they will be.
class delayed_entries
{
public:
    struct delayed
    {
        stored_entry content;
        retention keep;
    };

    /// Keeps a copy; its id rises with each one of the same due time.
    entry_id add(entry_view const& entry, retention keep, instant due);

    /// Takes out the first one that is due.
    std::optional<delayed> pop_due(instant now);

    /// False when there is none of that id.
    bool remove(entry_id id) { return entries_.erase(id) != 0; }

    /// Those with greater ids, at most `count`.
    std::vector<listed_entry> after(entry_id id, std::size_t count) const;

    /// When the first one is due.
    std::optional<instant> next() const;

    bool is_first(entry_id id) const noexcept { return !entries_.empty() && entries_.begin()->first == id; }

    std::size_t size() const noexcept { return entries_.size(); }

private:
    std::map<entry_id, delayed> entries_;
    std::uint64_t last_number_ = 0;
};

} // namespace strandline::memory
