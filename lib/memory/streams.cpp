#include "memory/streams.hpp"

#include "core/refusals.hpp"
#include "memory/dead_letter.hpp"
#include "memory/replayed_letter.hpp"

#include <strandline/names.hpp>

#include <algorithm>

namespace strandline::memory {

namespace {

// The words of the servers.
failure no_stream(std::string_view name)
{
    return {errc::no_group, "NOGROUP No such key '" + std::string(name) + "'"};
}

failure no_group(std::string_view name, std::string_view group_name)
{
    return {
        errc::no_group,
        "NOGROUP No such key '" + std::string(name) + "' or consumer group '" + std::string(group_name) + "'"
    };
}

failure check_all(std::span<appending> items)
{
    if (auto invalid = check_transaction(items.size()))
        return invalid;
    for (auto const& item : items) {
        if (auto invalid = check_stream_name(item.stream))
            return invalid;
        if (auto invalid = check_item(item, true))
            return invalid;
    }
    return {};
}

/// What is there under that name, made when it is new.
template <class Map>
auto& at(Map& all, std::string_view name)
{
    auto found = all.find(name);
    if (found == all.end())
        found = all.try_emplace(std::string(name)).first;
    return found->second;
}

} // namespace

entry_id stream::append(entry_view const& entry, instant now)
{
    auto const id = entries.append(entry, now);
    for (auto& [name, group] : groups)
        group->ring_next();
    return id;
}

std::uint64_t stream::trim(retention const& keep, instant now)
{
    auto const before = entries.size();
    if (keep.count != 0)
        entries.keep_newest(keep.count);
    auto const oldest = now.time_since_epoch() - std::min(keep.age, now.time_since_epoch());
    if (keep.age > keep.age.zero())
        entries.remove_before({static_cast<std::uint64_t>(oldest.count()), 0});
    return before - entries.size();
}

void stream::remove_unneeded(entry_id id, group const& settled_by)
{
    auto const is_done = [&](auto& each) {
        return each.second.get() == &settled_by || each.second->is_done_with(id);
    };
    if (std::ranges::all_of(groups, is_done))
        entries.remove(id);
}

collection stream::collect(std::size_t count)
{
    collection done;
    if (groups.empty())
        return done;
    auto end = entry_id::max();
    for (auto& [name, group] : groups)
        end = std::min(end, group->first_needed(entries).value_or(entry_id::max()));
    for (auto const& [id, content] : entries.records()) {
        if (id >= end)
            break;
        if (content.is_empty())
            continue;
        if (done.removed == count) {
            end = id;
            done.more = true;
            break;
        }
        ++done.removed;
    }
    entries.remove_before(end);
    return done;
}

entry_id streams::add(std::string_view name, stream& into, entry_view const& entry, instant now)
{
    auto const id = into.append(entry, now);
    if (!followers_.empty())
        if (auto const found = followers_.find(name); found != followers_.end())
            for (auto* waiting : found->second)
                waiting->ring();
    return id;
}

stream& streams::open(std::string_view name)
{
    return at(streams_, name);
}

result<place> streams::find(std::string_view name, std::string_view group_name)
{
    auto const in = streams_.find(name);
    if (in == streams_.end())
        return no_group(name, group_name);
    auto const of = in->second.groups.find(group_name);
    if (of == in->second.groups.end())
        return no_group(name, group_name);
    return place{in->second, of->second};
}

result<place> streams::find(membership who)
{
    auto found = find(who.stream, who.group);
    if (found && found->of->is_taken(who))
        return name_taken(who);
    return found;
}

failure streams::join(membership who, std::chrono::milliseconds lease, bool take_over, instant now)
{
    auto const where = find(who.stream, who.group);
    return where ? where->of->enter(who, lease, take_over, now) : where.error();
}

failure streams::leave(membership who)
{
    auto const where = find(who.stream, who.group);
    return where ? where->of->leave(who) : where.error();
}

result<std::size_t> streams::remove_idle(
    std::string_view name, std::string_view group_name, std::chrono::milliseconds idle, instant now
)
{
    auto const where = find(name, group_name);
    if (!where)
        return where.error();
    return where->of->remove_idle(idle, now);
}

std::vector<std::string_view> streams::append(std::span<appending> items, bool all, instant now, instant soon)
{
    std::vector<std::string_view> nearer;
    if (all)
        if (auto const refused = check_all(items)) {
            for (auto& item : items)
                item.outcome = refused;
            return nearer;
        }
    stream* into = nullptr;
    std::string_view last;
    for (auto& item : items) {
        if (!into || item.stream != last) {
            into = nullptr;
            if (auto invalid = check_stream_name(item.stream)) {
                item.outcome = std::move(invalid);
                continue;
            }
        }
        if (auto invalid = check_item(item, false)) {
            item.outcome = std::move(invalid);
            continue;
        }
        if (!is_plain(item)) {
            auto is_nearer = false;
            item.outcome.emplace(append_special(item, now, soon, is_nearer));
            if (is_nearer && std::ranges::find(nearer, item.stream) == nearer.end())
                nearer.push_back(item.stream);
            continue;
        }
        if (!into) {
            into = &open(item.stream);
            last = item.stream;
        }
        item.outcome.emplace(add(item.stream, *into, item.entry, now));
    }
    return nearer;
}

entry_id streams::append_special(appending const& item, instant now, instant soon, bool& is_nearer)
{
    auto* const marks = item.once.empty() ? nullptr : &at(marks_, item.stream);
    if (marks)
        if (auto const first = marks->find(item.once, now))
            return *first;
    entry_id id;
    if (item.due || item.delay != item.delay.zero()) {
        auto& delayed = at(delayed_, item.stream);
        id = delayed.add(item.entry, item.keep, item.due ? *item.due : soon + item.delay);
        is_nearer = delayed.is_first(id);
    }
    else {
        auto& in = open(item.stream);
        id = add(item.stream, in, item.entry, now);
        in.trim(item.keep, now);
    }
    if (marks)
        marks->set(item.once, id, now, item.window);
    return id;
}

promotion streams::promote_due(std::string_view name, std::size_t count, instant now)
{
    promotion done;
    auto const found = delayed_.find(name);
    if (found == delayed_.end())
        return done;
    auto& delayed = found->second;
    for (; done.moved != count; ++done.moved) {
        auto const due = delayed.pop_due(now);
        if (!due)
            break;
        auto& in = open(name);
        add(name, in, due->content.view(), now);
        in.trim(due->keep, now);
    }
    if (auto const next = delayed.next())
        done.next = std::max(*next - now, std::chrono::milliseconds(0));
    return done;
}

bool streams::cancel_delayed(std::string_view name, entry_id id)
{
    auto const found = delayed_.find(name);
    return found != delayed_.end() && found->second.remove(id);
}

result<std::uint64_t> streams::trim(std::string_view name, retention keep, instant now)
{
    if (auto invalid = check_retention(keep))
        return invalid;
    auto const found = streams_.find(name);
    return found == streams_.end() ? 0 : found->second.trim(keep, now);
}

std::vector<listed_entry>
streams::inspect_delayed(std::string_view name, entry_id after, std::size_t count) const
{
    auto const found = delayed_.find(name);
    return found == delayed_.end() ? std::vector<listed_entry>() : found->second.after(after, count);
}

std::uint64_t streams::count_delayed(std::string_view name) const
{
    auto const found = delayed_.find(name);
    return found == delayed_.end() ? 0 : found->second.size();
}

failure streams::ensure_group(std::string_view name, std::string_view group_name, start_position start)
{
    if (auto invalid = check_stream_name(name))
        return invalid;
    auto& in = open(name);
    auto& of = in.groups[std::string(group_name)];
    if (!of)
        of = std::make_shared<group>(start.after.value_or(in.entries.last_generated()));
    return {};
}

result<std::vector<pending_entry>> streams::backlog(membership who, entry_id after, std::size_t count)
{
    auto const where = find(who.stream, who.group);
    if (!where)
        return where.error();
    auto const* const owner = where->of->find(who.consumer);
    return owner ? where->of->backlog(*owner, after, count) : std::vector<pending_entry>();
}

failure streams::take(membership who, std::span<taking> items, instant now)
{
    auto const where = find(who);
    if (!where)
        return where.error();
    auto const* const taker = where->of->find(who.consumer);
    for (auto& item : items)
        where->of->take(where->in.entries, taker, item, now);
    return {};
}

result<claimed> streams::claim(
    membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count, instant now
)
{
    auto const where = find(who);
    if (!where)
        return where.error();
    return where->of->claim(where->in.entries, where->of->join(who.consumer, now), lease, cursor, count, now);
}

failure streams::renew(membership who, std::span<entry_id const> ids, std::span<holding> states, instant now)
{
    auto const where = find(who);
    if (!where)
        return where.error();
    // That the name is in use.
    if (ids.empty())
        where->of->join(who.consumer, now);
    auto const* const owner = where->of->find(who.consumer);
    for (std::size_t i = 0; i != ids.size(); ++i)
        states[i] = where->of->renew(where->in.entries, owner, ids[i], now);
    return {};
}

failure streams::settle(membership who, std::span<settlement> items, retention const& limits, instant now)
{
    auto const where = find(who);
    if (!where)
        return where.error();
    auto const* const owner = where->of->find(who.consumer);
    auto buried = false;
    for (auto& item : items) {
        item.error_of_item = {};
        switch (item.as) {
        case settle_as::acknowledged:
            item.state = where->of->acknowledge(owner, item.id);
            if (item.remove && item.state == holding::held)
                where->in.remove_unneeded(item.id, *where->of);
            break;
        case settle_as::released:
            item.state = where->of->release(where->in.entries, owner, item, now);
            break;
        case settle_as::dead:
            bury(who, *where, owner, item, now);
            buried |= item.state == holding::held;
            break;
        }
    }
    if (buried)
        open(dead_letter_stream(who.stream)).trim(limits, now);
    return {};
}

void streams::bury(membership who, place where, consumer const* owner, settlement& item, instant now)
{
    item.state = where.of->check(where.in.entries, owner, item.id);
    if (item.state != holding::held)
        return;
    auto const& entry = where.in.entries.find(item.id)->view();
    dead_letter const letter(who, item, entry, now);
    auto const dead_stream = dead_letter_stream(who.stream);
    add(dead_stream, open(dead_stream), letter.view(), now);
    where.of->acknowledge(owner, item.id);
}

failure streams::replay(std::string_view name, std::span<replaying> letters, instant now)
{
    if (auto invalid = check_replay(name, letters))
        return invalid;
    auto const found = streams_.find(dead_letter_stream(name));
    // Not the place in the map, which a stream that is new would move.
    auto* const buried = found == streams_.end() ? nullptr : &found->second.entries;
    for (auto& letter : letters) {
        auto const* const stored = buried ? buried->find(letter.id) : nullptr;
        if (!stored) {
            letter.outcome = no_letter(name, letter.id);
            continue;
        }
        replayed_letter const again(stored->view(), letter.for_all);
        if (auto const group = again.group())
            if (auto const reader = find(name, *group); !reader) {
                letter.outcome = reader.error();
                continue;
            }
        if (again.is_empty()) {
            letter.outcome =
                failure(errc::server_error, "ERR the letter has no fields but those of its death");
            continue;
        }
        letter.outcome.emplace(add(name, open(name), again.view(), now));
        buried->remove(letter.id);
    }
    return {};
}

result<transferred> streams::transfer(
    std::string_view name, std::string_view group_name, std::string_view from, std::string_view to,
    bool forced, entry_id cursor, std::size_t count, instant now
)
{
    if (auto invalid = check_transfer(name, from, to, count))
        return invalid;
    auto const where = find(name, group_name);
    if (!where)
        return where.error();
    return where->of->transfer(where->in.entries, from, to, forced, cursor, count, now);
}

result<collection>
streams::collect(std::string_view name, std::span<std::string_view const> group_names, std::size_t count)
{
    if (auto invalid = check_collect(count))
        return invalid;
    auto const found = streams_.find(name);
    for (auto const group_name : group_names)
        if (found == streams_.end() || !found->second.groups.contains(group_name))
            return no_group_to_collect(group_name);
    return found == streams_.end() ? collection() : found->second.collect(count);
}

result<std::size_t> streams::remove(std::string_view name, std::span<entry_id const> ids)
{
    if (auto invalid = check_remove(ids.size()))
        return invalid;
    auto const found = streams_.find(name);
    if (found == streams_.end())
        return 0;
    auto& entries = found->second.entries;
    auto const before = entries.size();
    for (auto const id : ids)
        entries.remove(id);
    return before - entries.size();
}

result<bool> streams::remove_group(std::string_view name, std::string_view group_name)
{
    if (auto invalid = check_stream_name(name))
        return invalid;
    auto const where = find(name, group_name);
    if (!where)
        return false;
    auto& groups = where->in.groups;
    groups.erase(groups.find(group_name));
    where->of->remove();
    return true;
}

stream const* streams::find(std::string_view name) const
{
    auto const found = streams_.find(name);
    return found == streams_.end() ? nullptr : &found->second;
}

void streams::follow(std::string_view name, bell& waiting)
{
    at(followers_, name).push_back(&waiting);
}

void streams::unfollow(std::string_view name, bell& waiting)
{
    auto const found = followers_.find(name);
    if (found == followers_.end())
        return;
    std::erase(found->second, &waiting);
    if (found->second.empty())
        followers_.erase(found);
}

std::vector<std::string> streams::names() const
{
    std::vector<std::string> all;
    for (auto const& [name, in] : streams_)
        all.push_back(name);
    return all;
}

result<std::vector<listed_entry>>
streams::inspect_entries(std::string_view name, entry_id after, std::size_t count) const
{
    if (auto invalid = check_inspect_entries(count))
        return invalid;
    std::vector<listed_entry> listed;
    auto const* const in = find(name);
    if (!in)
        return listed;
    for (auto const& [id, content] : in->entries.after(after)) {
        if (listed.size() == count)
            break;
        if (!content.is_empty())
            listed.push_back({id, content.view(), content.owner()});
    }
    return listed;
}

stream_statistics streams::measure(std::string_view name, instant now) const
{
    stream_statistics told;
    told.now = now;
    if (told.why = check_stream_name(name); told.why)
        return told;
    told.delayed = count_delayed(name);
    auto const letters = streams_.find(dead_letter_stream(name));
    told.dead = letters == streams_.end() ? 0 : letters->second.entries.size();
    auto const found = streams_.find(name);
    if (found == streams_.end()) {
        told.why = no_stream(name);
        return told;
    }
    auto const& [entries, groups] = found->second;
    told.length = entries.size();
    if (!entries.records().empty()) {
        told.first = entries.records().front().id;
        told.last = entries.records().back().id;
    }
    told.last_generated = entries.last_generated();
    told.appended = entries.appended();
    for (auto const& [group_name, group] : groups)
        told.groups.push_back(group->measure(group_name, entries, now));
    return told;
}

result<stream_info> streams::inspect_stream(std::string_view name) const
{
    auto const found = streams_.find(name);
    if (found == streams_.end())
        return no_stream(name);
    auto const& [entries, groups] = found->second;
    stream_info info;
    info.length = entries.size();
    info.groups = groups.size();
    if (!entries.records().empty()) {
        info.first = entries.records().front().id;
        info.last = entries.records().back().id;
    }
    info.last_generated = entries.last_generated();
    return info;
}

result<std::vector<group_info>> streams::inspect_groups(std::string_view name) const
{
    auto const found = streams_.find(name);
    if (found == streams_.end())
        return no_stream(name);
    std::vector<group_info> infos;
    for (auto const& [group_name, group] : found->second.groups) {
        auto const lag = found->second.entries.count_after(group->last_delivered());
        infos.push_back(
            {group_name, group->members().size(), group->pending().size(), group->last_delivered(), lag}
        );
    }
    return infos;
}

result<std::vector<consumer_info>>
streams::inspect_consumers(std::string_view name, std::string_view group_name, instant now)
{
    auto const where = find(name, group_name);
    if (!where)
        return where.error();
    std::vector<consumer_info> infos;
    for (auto const& [consumer_name, consumer] : where->of->members())
        infos.push_back({consumer_name, consumer.pending, elapsed(consumer.seen, now)});
    return infos;
}

result<std::vector<pending_info>> streams::inspect_pending(
    std::string_view name, std::string_view group_name, entry_id after, std::size_t count, instant now
)
{
    auto const where = find(name, group_name);
    if (!where)
        return where.error();
    std::vector<pending_info> infos;
    for (auto const& record : where->of->pending().from(after)) {
        if (infos.size() == count)
            break;
        if (!record.is_gap() && record.id != after)
            infos.push_back(
                {record.id, std::string(record.owner->name), elapsed(record.since, now), record.attempts}
            );
    }
    return infos;
}

} // namespace strandline::memory
