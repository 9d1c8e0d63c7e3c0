#include "memory/group.hpp"

#include "core/refusals.hpp"

#include <algorithm>

namespace strandline::memory {

namespace {

/// How many pending entries `claim` looks at for each one it may take.
constexpr std::size_t looks_per_claim = 10;

/// The contract's limit.
constexpr std::size_t most_removed = 500;

/// Where no lease is known: older than one may be.
constexpr std::chrono::milliseconds very_old = std::chrono::hours(24);

/// An idle time that no lease reaches, and that no sum with a clock overflows.
constexpr std::chrono::milliseconds longest_idle{std::int64_t{1} << 52};

} // namespace

bool group::is_taken(membership who) const noexcept
{
    if (who.token.empty())
        return false;
    auto const found = consumers_.find(who.consumer);
    return found != consumers_.end() && !found->second.token.empty() && found->second.token != who.token;
}

failure group::enter(membership who, std::chrono::milliseconds lease, bool take_over, instant now)
{
    if (!take_over && is_taken(who))
        return name_taken(who);
    if (lease_ && *lease_ != lease) {
        std::vector<std::string_view> owned;
        for (auto const& [name, other] : consumers_)
            if (name != who.consumer && !other.token.empty())
                owned.push_back(name);
        if (!owned.empty())
            return lease_differs(who, *lease_, lease, owned);
    }
    lease_ = lease;
    auto* const known = find(who.consumer);
    (known ? *known : join(who.consumer, now)).token = who.token;
    return {};
}

failure group::leave(membership who)
{
    auto const found = consumers_.find(who.consumer);
    if (found == consumers_.end())
        return {};
    auto& own = found->second;
    if (!own.token.empty() && own.token != who.token)
        return name_taken(who);
    own.token.clear();
    if (own.pending == 0)
        consumers_.erase(found);
    return {};
}

std::size_t group::remove_idle(std::chrono::milliseconds idle, instant now)
{
    std::size_t removed = 0;
    for (auto next = consumers_.begin(); next != consumers_.end() && removed != most_removed;)
        if (next->second.pending == 0 && elapsed(next->second.seen, now) >= idle) {
            next = consumers_.erase(next);
            ++removed;
        }
        else
            ++next;
    return removed;
}

consumer& group::join(std::string_view name, instant now)
{
    auto found = consumers_.find(name);
    if (found == consumers_.end()) {
        found = consumers_.try_emplace(std::string(name)).first;
        found->second.name = found->first;
    }
    found->second.seen = now;
    return found->second;
}

consumer* group::find(std::string_view name) noexcept
{
    auto const found = consumers_.find(name);
    return found == consumers_.end() ? nullptr : &found->second;
}

void group::read(
    entry_log const& entries, consumer& reader, std::size_t count, instant now, std::uint32_t stream,
    std::vector<received>& out, read_as how
)
{
    auto unread = entries.after(last_delivered_);
    for (; !unread.empty() && count != 0; unread.advance(1)) {
        auto const& [id, content] = unread.front();
        if (content.is_empty())
            continue;
        --count;
        if (how == read_as::pending)
            pending_.add({id, now, &reader, 1});
        out.push_back({stream, id, content.view(), content.owner()});
        last_delivered_ = id;
    }
    if (!unread.empty())
        ring_next();
}

std::vector<pending_entry> group::backlog(consumer const& owner, entry_id after, std::size_t count) const
{
    std::vector<pending_entry> own;
    for (auto const& record : pending_.from(after)) {
        if (own.size() == count)
            break;
        if (record.owner == &owner && record.id != after)
            own.push_back({record.id, record.attempts});
    }
    return own;
}

pending_record* group::held(entry_log const& entries, consumer const* owner, entry_id id, holding& state)
{
    auto* const record = pending_.find(id);
    if (!record || record->owner != owner) {
        state = holding::lost;
        return nullptr;
    }
    if (!entries.find(id)) {
        pending_.remove(*record);
        state = holding::gone;
        return nullptr;
    }
    state = holding::held;
    return record;
}

holding group::check(entry_log const& entries, consumer const* owner, entry_id id)
{
    auto state = holding::lost;
    held(entries, owner, id, state);
    return state;
}

void group::take(entry_log const& entries, consumer const* taker, taking& item, instant now)
{
    auto* const record = held(entries, taker, item.id, item.state);
    if (!record)
        return;
    if (item.counted)
        ++record->attempts;
    record->since = now;
    auto const* const content = entries.find(item.id);
    item.attempt = record->attempts;
    item.entry = content->view();
    item.owner = content->owner();
}

claimed group::claim(
    entry_log const& entries, consumer& claimer, std::chrono::milliseconds lease, entry_id cursor,
    std::size_t count, instant now
)
{
    claimed taken;
    std::size_t looked = 0;
    for (auto& record : pending_.from(cursor)) {
        if (record.is_gap())
            continue;
        // What was removed counts too: the caller has to deal with it as well.
        if (looked / looks_per_claim == count || taken.entries.size() + taken.gone.size() == count) {
            taken.cursor = record.id;
            break;
        }
        ++looked;
        if (!entries.find(record.id)) {
            taken.gone.push_back(record.id);
        }
        else if (elapsed(record.since, now) >= lease) {
            --record.owner->pending;
            ++claimer.pending;
            record.owner = &claimer;
            record.since = now;
            taken.entries.push_back({record.id, record.attempts});
        }
    }
    for (auto const id : taken.gone)
        pending_.remove(*pending_.find(id));
    return taken;
}

holding group::renew(entry_log const& entries, consumer const* owner, entry_id id, instant now)
{
    auto state = holding::lost;
    if (auto* const record = held(entries, owner, id, state))
        record->since = now;
    return state;
}

holding group::acknowledge(consumer const* owner, entry_id id)
{
    auto* const record = pending_.find(id);
    if (!record || record->owner != owner)
        return holding::lost;
    pending_.remove(*record);
    return holding::held;
}

bool group::is_done_with(entry_id id) noexcept
{
    return id <= last_delivered_ && !pending_.find(id);
}

holding group::release(entry_log const& entries, consumer const* owner, settlement const& item, instant now)
{
    auto state = holding::lost;
    if (auto* const record = held(entries, owner, item.id, state)) {
        record->since = now - std::clamp(item.idle, std::chrono::milliseconds::zero(), longest_idle);
        record->attempts = item.attempts;
    }
    return state;
}

transferred group::transfer(
    entry_log const& entries, std::string_view from, std::string_view to, bool forced, entry_id cursor,
    std::size_t count, instant now
)
{
    transferred done;
    auto const* const giver = find(from);
    if (!giver || (!forced && !lease_))
        return done;
    std::vector<entry_id> gone;
    for (auto& record : pending_.from(cursor)) {
        if (record.owner != giver)
            continue;
        if (count-- == 0) {
            done.cursor = record.id;
            break;
        }
        if (!forced && elapsed(record.since, now) < *lease_)
            continue;
        if (!entries.find(record.id)) {
            gone.push_back(record.id);
            continue;
        }
        auto& taker = join(to, now);
        --record.owner->pending;
        ++taker.pending;
        record.owner = &taker;
        record.since = std::min(record.since, now - lease_.value_or(very_old));
        ++done.moved;
    }
    for (auto const id : gone)
        pending_.remove(*pending_.find(id));
    return done;
}

std::optional<entry_id> group::first_needed(entry_log const& entries)
{
    std::optional<entry_id> needed;
    for (auto const& [id, content] : entries.after(last_delivered_))
        if (!content.is_empty()) {
            needed = id;
            break;
        }
    std::vector<entry_id> gone;
    for (auto const& record : pending_.from(entry_id::min())) {
        if (record.is_gap())
            continue;
        if (entries.find(record.id)) {
            needed = std::min(needed.value_or(record.id), record.id);
            break;
        }
        gone.push_back(record.id);
    }
    for (auto const id : gone)
        pending_.remove(*pending_.find(id));
    return needed;
}

void group::remove()
{
    is_removed_ = true;
    while (!waiting_.empty())
        ring_next();
}

group_statistics group::measure(std::string_view name, entry_log const& entries, instant now) const
{
    group_statistics told;
    told.name = name;
    told.pending = pending_.size();
    auto const records = pending_.from(entry_id::min());
    if (auto const lowest = std::ranges::find(records, false, &pending_record::is_gap);
        lowest != records.end())
        told.lowest_pending = lowest->id;
    told.last_delivered = last_delivered_;
    told.lag = entries.count_after(last_delivered_);
    for (auto const& [consumer_name, one] : consumers_)
        told.consumers.push_back({consumer_name, one.pending, elapsed(one.seen, now)});
    return told;
}

void group::ring_next()
{
    if (waiting_.empty())
        return;
    auto* const next = waiting_.front();
    waiting_.pop_front();
    next->ring();
}

} // namespace strandline::memory
