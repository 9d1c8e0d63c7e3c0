#include "memory/pending_list.hpp"

#include <algorithm>

namespace strandline::memory {

namespace {

/// Closing fewer gaps than this is not worth it.
constexpr std::size_t few = 64;

} // namespace

void pending_list::add(pending_record const& record)
{
    records_.push_back(record);
    ++record.owner->pending;
}

pending_record* pending_list::find(entry_id id) noexcept
{
    auto found = next_;
    if (found >= records_.size() || records_[found].id != id) {
        auto const position = std::ranges::lower_bound(records_, id, {}, &pending_record::id);
        if (position == records_.end() || position->id != id)
            return nullptr;
        found = static_cast<std::size_t>(position - records_.begin());
    }
    next_ = found + 1;
    return records_[found].is_gap() ? nullptr : &records_[found];
}

std::span<pending_record> pending_list::from(entry_id id) noexcept
{
    return {std::ranges::lower_bound(records_, id, {}, &pending_record::id), records_.end()};
}

std::span<pending_record const> pending_list::from(entry_id id) const noexcept
{
    return {std::ranges::lower_bound(records_, id, {}, &pending_record::id), records_.end()};
}

void pending_list::remove(pending_record& record) noexcept
{
    --record.owner->pending;
    record.owner = nullptr;
    if (++gaps_ > few && gaps_ > size())
        close_gaps();
}

void pending_list::close_gaps() noexcept
{
    std::erase_if(records_, [](auto const& record) { return record.is_gap(); });
    gaps_ = 0;
    next_ = 0;
}

} // namespace strandline::memory
