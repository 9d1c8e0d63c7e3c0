#pragma once

#include "memory/instant.hpp"
#include "memory/stored_entry.hpp"

#include <strandline/entry_id.hpp>

#include <boost/container/deque.hpp>

#include <cstdint>
#include <ranges>

namespace strandline::memory {

/// The entries of a stream in the order of their ids. One removed from between others leaves a gap; gaps are
/// closed when there are more of them than entries.
class entry_log
{
public:
    struct record
    {
        entry_id id;
        /// Empty: it was removed, and the record is a gap.
        stored_entry content;

        bool is_gap() const noexcept { return content.is_empty(); }
    };

    /// Few large pieces of memory: a stream can be long.
    using record_deque = boost::container::deque<
        record, void, boost::container::deque_options_t<boost::container::block_bytes<8192>>>;

    /// Gives the entry the least id that is greater than all before and not older than `now`.
    entry_id append(entry_view const& entry, instant now);

    /// Null when it never existed or was removed.
    stored_entry const* find(entry_id id) const noexcept;

    /// The entries with greater ids, gaps among them; nothing where there are only gaps.
    std::ranges::subrange<record_deque::const_iterator> after(entry_id id) const noexcept;

    /// Removes the entries with lesser ids.
    void remove_before(entry_id id) noexcept;

    /// Removes the oldest until so many are left.
    void keep_newest(std::uint64_t count) noexcept;

    /// Removes one entry; harmless when there is none.
    void remove(entry_id id) noexcept;

    std::size_t size() const noexcept { return records_.size() - gaps_; }

    /// How many have greater ids.
    std::size_t count_after(entry_id id) const noexcept;

    /// The records, gaps among them, but neither at the beginning nor at the end.
    record_deque const& records() const noexcept { return records_; }

    /// The greatest id ever given.
    entry_id last_generated() const noexcept { return last_generated_; }

    /// How many there were ever.
    std::uint64_t appended() const noexcept { return appended_; }

private:
    stored_entry store(entry_view const& entry);
    void pop_front() noexcept;
    void drop_outer_gaps() noexcept;

    record_deque records_;
    std::size_t gaps_ = 0;
    /// Where the next entry goes if there is room.
    boost::intrusive_ptr<entry_block> block_;
    /// Of the next block: small streams shall be small.
    std::size_t block_size_ = 512;
    entry_id last_generated_;
    std::uint64_t appended_ = 0;
};

} // namespace strandline::memory
