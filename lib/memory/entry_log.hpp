#pragma once

#include "memory/instant.hpp"
#include "memory/stored_entry.hpp"

#include <strandline/entry_id.hpp>

#include <boost/container/deque.hpp>

#include <ranges>

namespace strandline::memory {

/// The entries of a stream in the order of their ids.
class entry_log
{
public:
    struct record
    {
        entry_id id;
        stored_entry content;
    };

    /// Few large pieces of memory: a stream can be long.
    using record_deque = boost::container::deque<
        record, void, boost::container::deque_options_t<boost::container::block_bytes<4096>>>;

    /// Gives the entry the least id that is greater than all before and not older than `now`.
    entry_id append(entry_view const& entry, instant now);

    /// Null when it never existed or was removed.
    stored_entry const* find(entry_id id) const noexcept;

    /// The entries with greater ids.
    std::ranges::subrange<record_deque::const_iterator> after(entry_id id) const noexcept;

    /// Removes the entries with lesser ids.
    void remove_before(entry_id id) noexcept;

    /// Removes the oldest until so many are left.
    void keep_newest(std::uint64_t count) noexcept;

    record_deque const& records() const noexcept { return records_; }

    /// The greatest id ever given.
    entry_id last_generated() const noexcept { return last_generated_; }

private:
    stored_entry store(entry_view const& entry);

    record_deque records_;
    /// Where the next entry goes if there is room.
    boost::intrusive_ptr<entry_block> block_;
    /// Of the next block: small streams shall be small.
    std::size_t block_size_ = 512;
    entry_id last_generated_;
};

} // namespace strandline::memory
