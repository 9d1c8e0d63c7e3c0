#pragma once

#include "memory/entry_log.hpp"
#include "memory/pending_list.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace strandline::memory {

/// What wakes a read that waits. It may ring although there is nothing to read.
class bell
{
public:
    virtual void ring() = 0;

protected:
    ~bell() = default;
};

/// A consumer group of one stream: how far it has read, and what is pending for whom.
///
/// Functions that need the stream's entries are given them; `now` is the engine's clock.
class group
{
public:
    using consumers = std::map<std::string, consumer, std::less<>>;

    /// Reads what comes after that entry.
    explicit group(entry_id start) noexcept : last_delivered_(start) {}

    group(group const&) = delete;
    group& operator=(group const&) = delete;

    /// Makes the name the process's own and the lease the group's, or tells why not.
    failure enter(membership who, std::chrono::milliseconds lease, bool take_over, instant now);

    /// Takes the token from the name, and removes the name when nothing is pending for it.
    failure leave(membership who);

    /// Removes names, at most as many as one call may; tells how many.
    std::size_t remove_idle(std::chrono::milliseconds idle, instant now);

    /// Whether another process has the name.
    bool is_taken(membership who) const noexcept;

    /// The consumer of that name, created when it is new. Its address stays until it is removed.
    consumer& join(std::string_view name, instant now);

    /// Null when it never read nor claimed.
    consumer* find(std::string_view name) noexcept;

    /// Delivers at most `count` new entries to the consumer. When some are left, rings for the next read that
    /// waits.
    void read(
        entry_log const& entries, consumer& reader, std::size_t count, instant now, std::uint32_t stream,
        std::vector<received>& out, read_as how = read_as::pending
    );

    std::vector<pending_entry> backlog(consumer const& owner, entry_id after, std::size_t count) const;

    void take(entry_log const& entries, consumer const* taker, taking& item, instant now);

    claimed claim(
        entry_log const& entries, consumer& claimer, std::chrono::milliseconds lease, entry_id cursor,
        std::size_t count, instant now
    );

    holding renew(entry_log const& entries, consumer const* owner, entry_id id, instant now);

    holding acknowledge(consumer const* owner, entry_id id);

    holding release(entry_log const& entries, consumer const* owner, settlement const& item, instant now);

    /// Whether the entry was read and settled, or lies before the group's start.
    bool is_done_with(entry_id id) noexcept;

    /// Whether the consumer holds the entry. One that was removed from the stream leaves the pending entries
    /// list.
    holding check(entry_log const& entries, consumer const* owner, entry_id id);

    /// Moves what is pending for `from` and has outlived the lease, or all of it, to the consumer `to`, so
    /// that it can be claimed at once.
    transferred transfer(
        entry_log const& entries, std::string_view from, std::string_view to, bool forced, entry_id cursor,
        std::size_t count, instant now
    );

    /// The first entry that is pending or unread; nothing when all are done with. What is pending in front of
    /// it and was removed from the stream leaves the pending entries list.
    std::optional<entry_id> first_needed(entry_log const& entries);

    /// Ends the waits: the group is no more.
    void remove();

    bool is_removed() const noexcept { return is_removed_; }

    /// The next call of `ring_next` that finds it first in the queue takes it out and rings.
    void wait(bell& waiting) { waiting_.push_back(&waiting); }

    /// Harmless when it does not wait.
    void leave(bell& waiting) { std::erase(waiting_, &waiting); }

    void ring_next();

    group_statistics measure(std::string_view name, entry_log const& entries, instant now) const;

    entry_id last_delivered() const noexcept { return last_delivered_; }

    consumers const& members() const noexcept { return consumers_; }

    pending_list const& pending() const noexcept { return pending_; }

private:
    /// The record of an entry that the consumer holds, or null and `state` says why.
    pending_record* held(entry_log const& entries, consumer const* owner, entry_id id, holding& state);

    entry_id last_delivered_;
    consumers consumers_;
    std::optional<std::chrono::milliseconds> lease_;
    pending_list pending_;
    bool is_removed_ = false;
    /// Reads that wait, in the order in which they began to.
    std::deque<bell*> waiting_;
};

} // namespace strandline::memory
