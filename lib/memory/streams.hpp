#pragma once

#include "memory/delayed_entries.hpp"
#include "memory/entry_log.hpp"
#include "memory/group.hpp"
#include "memory/once_marks.hpp"

#include <strandline/broker.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace strandline::memory {

/// A stream: its entries and its groups.
struct stream
{
    /// Stores the entry, and rings for one waiting read of each group.
    entry_id append(entry_view const& entry, instant now);

    /// Removes what is beyond the limits; tells how much.
    std::uint64_t trim(retention const& keep, instant now);

    /// Removes the entry, which that group has settled, if no other has it unread or pending.
    void remove_unneeded(entry_id id, group const& settled_by);

    /// Removes at most so many entries that no group has unread or pending.
    collection collect(std::size_t count);

    entry_log entries;
    /// Shared with the reads that wait, so that a group may be removed meanwhile.
    std::map<std::string, std::shared_ptr<group>, std::less<>> groups;
};

/// A group and the stream it belongs to, which is never removed.
struct place
{
    stream& in;
    std::shared_ptr<group> of;
};

/// All streams of an engine, by name: the rules of the contract, without its coroutines.
class streams
{
public:
    /// Each item, or with `all` all or none. `soon` is the first moment that is not before the clock's time:
    /// a delay begins there. Tells of which streams an entry was delayed that is due before all others.
    std::vector<std::string_view> append(std::span<appending> items, bool all, instant now, instant soon);

    promotion promote_due(std::string_view name, std::size_t count, instant now);

    bool cancel_delayed(std::string_view name, entry_id id);

    result<std::uint64_t> trim(std::string_view name, retention keep, instant now);

    failure ensure_group(std::string_view name, std::string_view group_name, start_position start);

    result<place> find(std::string_view name, std::string_view group_name);

    /// Fails also when another process has the name.
    result<place> find(membership who);

    failure join(membership who, std::chrono::milliseconds lease, bool take_over, instant now);

    failure leave(membership who);

    result<std::size_t> remove_idle(
        std::string_view name, std::string_view group_name, std::chrono::milliseconds idle, instant now
    );

    result<std::vector<pending_entry>> backlog(membership who, entry_id after, std::size_t count);

    failure take(membership who, std::span<taking> items, instant now);

    result<claimed>
    claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count, instant now);

    failure renew(membership who, std::span<entry_id const> ids, std::span<holding> states, instant now);

    failure settle(membership who, std::span<settlement> items, retention const& limits, instant now);

    failure replay(std::string_view name, std::span<replaying> letters, instant now);

    result<transferred> transfer(
        std::string_view name, std::string_view group_name, std::string_view from, std::string_view to,
        bool forced, entry_id cursor, std::size_t count, instant now
    );

    result<collection>
    collect(std::string_view name, std::span<std::string_view const> group_names, std::size_t count);

    result<std::size_t> remove(std::string_view name, std::span<entry_id const> ids);

    result<bool> remove_group(std::string_view name, std::string_view group_name);

    /// Null where there is none.
    stream const* find(std::string_view name) const;

    /// Has the bell rung whenever an entry comes into the stream, which need not exist yet.
    void follow(std::string_view name, bell& waiting);

    /// Harmless when it does not wait.
    void unfollow(std::string_view name, bell& waiting);

    std::vector<std::string> names() const;

    result<std::vector<listed_entry>>
    inspect_entries(std::string_view name, entry_id after, std::size_t count) const;

    stream_statistics measure(std::string_view name, instant now) const;

    result<stream_info> inspect_stream(std::string_view name) const;

    result<std::vector<group_info>> inspect_groups(std::string_view name) const;

    result<std::vector<consumer_info>>
    inspect_consumers(std::string_view name, std::string_view group_name, instant now);

    result<std::vector<pending_info>> inspect_pending(
        std::string_view name, std::string_view group_name, entry_id after, std::size_t count, instant now
    );

    std::vector<listed_entry> inspect_delayed(std::string_view name, entry_id after, std::size_t count) const;

    std::uint64_t count_delayed(std::string_view name) const;

private:
    struct hash : std::hash<std::string_view>
    {
        using is_transparent = void;
    };

    /// The stream of that good name, created when it is new. Its address stays.
    stream& open(std::string_view name);

    /// Stores the entry in the stream of that name, and rings for those who follow it.
    entry_id add(std::string_view name, stream& into, entry_view const& entry, instant now);

    /// Copies the entry to the dead letters, then acknowledges it.
    void bury(membership who, place where, consumer const* owner, settlement& item, instant now);

    template <class T>
    using by_name = std::unordered_map<std::string, T, hash, std::equal_to<>>;

    /// An item of which more than the entry is wanted.
    entry_id append_special(appending const& item, instant now, instant soon, bool& is_nearer);

    by_name<stream> streams_;
    // Apart: a stream exists from its first entry on.
    by_name<delayed_entries> delayed_;
    by_name<once_marks> marks_;
    by_name<std::vector<bell*>> followers_;
};

} // namespace strandline::memory
