#pragma once

#include "memory/instant.hpp"

#include <strandline/entry_id.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::memory {

/// A consumer of a group.
struct consumer
{
    std::string_view name;
    /// Of the process that has the name; empty: none has joined.
    std::string token;
    /// How many entries are pending for it.
    std::size_t pending = 0;
    /// Its last read or claim.
    instant seen;
};

/// An entry that was delivered and not acknowledged yet.
struct pending_record
{
    entry_id id;
    /// When it was delivered, claimed or renewed.
    instant since;
    /// Null: it was settled, and the record is a gap.
    consumer* owner = nullptr;
    std::uint32_t attempts = 0;

    bool is_gap() const noexcept { return owner == nullptr; }
};

/// What is pending in a group, in the order of ids, for consumers of all names.
///
/// A group reads entries in the order of their ids, so new ones go to the end; settled ones leave gaps, which
/// are closed when there are more gaps than records. Both cost a constant time per entry, and there are no
/// nodes to allocate.
class pending_list
{
public:
    /// Its id is greater than all before.
    void add(pending_record const& record);

    /// Null when it is not pending. Quick for ids asked for in ascending order.
    pending_record* find(entry_id id) noexcept;

    /// The records, gaps among them, from that id on.
    std::span<pending_record> from(entry_id id) noexcept;
    std::span<pending_record const> from(entry_id id) const noexcept;

    /// Takes the entry out of the list, and from its owner. Pointers to records do not outlive this.
    void remove(pending_record& record) noexcept;

    /// Without the gaps.
    std::size_t size() const noexcept { return records_.size() - gaps_; }

private:
    void close_gaps() noexcept;

    std::vector<pending_record> records_;
    std::size_t gaps_ = 0;
    /// Where the next id that is asked for will probably be.
    std::size_t next_ = 0;
};

} // namespace strandline::memory
