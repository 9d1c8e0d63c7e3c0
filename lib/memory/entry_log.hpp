#pragma once

#include "memory/instant.hpp"
#include "memory/stored_entry.hpp"

#include <strandline/entry_id.hpp>

#include <deque>
#include <ranges>

namespace strandline::memory {

/// The entries of a stream in the order of their ids.
class entry_log
{
public:
    struct record
    {
        entry_id id;
        boost::intrusive_ptr<stored_entry const> content;
    };

    /// Gives the entry the least id that is greater than all before and not older than `now`.
    entry_id append(entry_view const& entry, instant now);

    /// Null when it never existed or was removed.
    stored_entry const* find(entry_id id) const noexcept;

    /// The entries with greater ids.
    std::ranges::subrange<std::deque<record>::const_iterator> after(entry_id id) const noexcept;

    /// Removes the entries with lesser ids.
    void remove_before(entry_id id) noexcept;

    /// Removes the oldest until so many are left.
    void keep_newest(std::uint64_t count) noexcept;

    std::deque<record> const& records() const noexcept { return records_; }

    /// The greatest id ever given.
    entry_id last_generated() const noexcept { return last_generated_; }

private:
    std::deque<record> records_;
    entry_id last_generated_;
};

} // namespace strandline::memory
