#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <span>
#include <string_view>

/// What every engine refuses in the same words.
namespace strandline {

failure name_taken(membership who);

/// `owned`: the names of the group's other consumers.
failure lease_differs(
    membership who, std::chrono::milliseconds set, std::chrono::milliseconds wanted,
    std::span<std::string_view const> owned
);

/// All of an item but its stream's name.
failure check_item(appending const& item, bool is_atomic);

failure check_retention(retention keep);

/// Whether more than the entry alone is wanted.
inline bool is_plain(appending const& item) noexcept
{
    return item.once.empty() && !item.due && item.delay == item.delay.zero() && item.keep == retention{};
}

/// What an atomic `append` cannot do at all.
failure check_transaction(std::size_t items);

failure check_join(membership who, std::chrono::milliseconds lease);

failure check_lock(std::string_view name);

failure check_lock(std::string_view name, std::string_view token);

failure check_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl);

failure check_replay(std::string_view stream, std::span<replaying const> letters);

failure no_letter(std::string_view stream, entry_id id);

failure
check_transfer(std::string_view stream, std::string_view from, std::string_view to, std::size_t count);

failure check_collect(std::size_t count);

failure no_group_to_collect(std::string_view group);

failure check_remove(std::size_t ids);

failure check_inspect_entries(std::size_t count);

} // namespace strandline
