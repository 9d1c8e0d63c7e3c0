#include "memory/entry_log.hpp"

#include <algorithm>

namespace strandline::memory {

namespace {

/// Closing fewer gaps than this is not worth it.
constexpr std::size_t few = 64;

/// A delivery that is held for long keeps its whole block.
constexpr std::size_t largest_block = 32 * 1024;

} // namespace

entry_id entry_log::append(entry_view const& entry, instant now)
{
    auto const ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
    // There is always a next one: the clock's number is signed, so no id comes near the last.
    auto const id = ms > last_generated_.ms ? entry_id{ms, 0} : *last_generated_.next();
    records_.push_back({id, store(entry)});
    last_generated_ = id;
    ++appended_;
    return id;
}

stored_entry entry_log::store(entry_view const& entry)
{
    auto const size = stored_entry::size_of(entry);
    // One that is large has a block to itself, so that the rest of the current one is not lost.
    if (size > largest_block / 4)
        return {entry, *entry_block::of_size(size)};
    if (!block_ || !block_->has_room_for(size)) {
        block_size_ = std::clamp(block_size_ * 2, size, largest_block);
        block_ = entry_block::of_size(block_size_);
    }
    return {entry, *block_};
}

stored_entry const* entry_log::find(entry_id id) const noexcept
{
    auto const found = std::ranges::lower_bound(records_, id, {}, &record::id);
    return found == records_.end() || found->id != id || found->is_gap() ? nullptr : &found->content;
}

std::ranges::subrange<entry_log::record_deque::const_iterator> entry_log::after(entry_id id) const noexcept
{
    // The common question, asked by readers that have read everything.
    if (id >= last_generated_)
        return {records_.end(), records_.end()};
    return {std::ranges::upper_bound(records_, id, {}, &record::id), records_.end()};
}

void entry_log::remove_before(entry_id id) noexcept
{
    while (!records_.empty() && records_.front().id < id)
        pop_front();
    drop_outer_gaps();
}

void entry_log::keep_newest(std::uint64_t count) noexcept
{
    while (size() > count)
        pop_front();
    drop_outer_gaps();
}

void entry_log::remove(entry_id id) noexcept
{
    // The common case: what was read first is settled first.
    if (!records_.empty() && records_.front().id == id)
        pop_front();
    else {
        auto const found = std::ranges::lower_bound(records_, id, {}, &record::id);
        if (found == records_.end() || found->id != id || found->is_gap())
            return;
        found->content.clear();
        ++gaps_;
    }
    drop_outer_gaps();
    if (gaps_ > few && gaps_ > size()) {
        records_.erase(std::ranges::remove_if(records_, &record::is_gap).begin(), records_.end());
        gaps_ = 0;
    }
}

std::size_t entry_log::count_after(entry_id id) const noexcept
{
    auto const rest = after(id);
    if (gaps_ == 0)
        return rest.size();
    return static_cast<std::size_t>(std::ranges::count(rest, false, &record::is_gap));
}

void entry_log::pop_front() noexcept
{
    if (records_.front().is_gap())
        --gaps_;
    records_.pop_front();
}

void entry_log::drop_outer_gaps() noexcept
{
    while (!records_.empty() && records_.front().is_gap())
        pop_front();
    while (!records_.empty() && records_.back().is_gap()) {
        --gaps_;
        records_.pop_back();
    }
}

} // namespace strandline::memory
