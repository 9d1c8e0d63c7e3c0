#include "core/refusals.hpp"

#include <strandline/names.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

namespace strandline {

namespace {

/// So many names stand in an error.
constexpr std::size_t most_named = 3;

/// A server's scripts cannot handle more.
constexpr std::size_t most_headers = 3000;

/// The greatest number of a server.
constexpr std::uint64_t most_kept = std::numeric_limits<std::int64_t>::max();

/// Due times are ordered as texts of 13 digits.
constexpr std::chrono::milliseconds latest_due{9'999'999'999'999};

/// Items of one call; a server does nothing else meanwhile.
constexpr std::size_t most_in_call = 500;

constexpr std::size_t most_collected = 100'000;
constexpr std::size_t most_shown = 1'000;

failure check_range(std::string_view what, std::size_t least, std::size_t given, std::size_t most)
{
    if (given >= least && given <= most)
        return {};
    return {
        errc::invalid_option, fmt::format("{} must be from {} to {}, and is {}", what, least, most, given)
    };
}

/// Far from where adding it to a time would overflow, or be later than the latest due time.
bool is_sensible(std::chrono::milliseconds time)
{
    return time >= std::chrono::milliseconds(1) && time <= std::chrono::hours(24) * 365 * 100;
}

} // namespace

failure name_taken(membership who)
{
    return {errc::name_taken, fmt::format("{} of the group {} of {}", who.consumer, who.group, who.stream)};
}

failure lease_differs(
    membership who, std::chrono::milliseconds set, std::chrono::milliseconds wanted,
    std::span<std::string_view const> owned
)
{
    return {
        errc::lease_differs, fmt::format(
                                 "the group {} of {} has a lease of {} ms, not of {} ms: use that one, or "
                                 "stop its other consumers "
                                 "first ({}{})",
                                 who.group, who.stream, set.count(), wanted.count(),
                                 fmt::join(owned.first(std::min(owned.size(), most_named)), ", "),
                                 owned.size() > most_named ? ", ..." : ""
                             )
    };
}

failure check_item(appending const& item, bool is_atomic)
{
    if (!item.entry.body && item.entry.headers.empty())
        return {errc::not_encodable, "an event has a body or at least one header"};
    if (is_plain(item) && !is_atomic)
        return {};
    if (!item.once.empty() && !is_sensible(item.window))
        return {
            errc::invalid_option,
            fmt::format(
                "an idempotency window must be from 1 ms to 100 years, and is {} ms", item.window.count()
            )
        };
    if (item.due && item.delay != item.delay.zero())
        return {errc::invalid_option, "an event has a due time or a delay, not both"};
    if (item.due && (item.due->time_since_epoch().count() < 0 || item.due->time_since_epoch() > latest_due))
        return {
            errc::invalid_option, fmt::format(
                                      "a due time must be from 1970 to 2286, and is {} ms after 1970",
                                      item.due->time_since_epoch().count()
                                  )
        };
    if (item.delay != item.delay.zero() && !is_sensible(item.delay))
        return {
            errc::invalid_option,
            fmt::format("a delay must be from 1 ms to 100 years, and is {} ms", item.delay.count())
        };
    if (item.entry.headers.size() > most_headers)
        return {
            errc::not_encodable, fmt::format(
                                     "an event that is delayed, idempotent, limited by age or in a "
                                     "transaction has at most {} headers, "
                                     "not {}",
                                     most_headers, item.entry.headers.size()
                                 )
        };
    return check_retention(item.keep);
}

failure check_retention(retention keep)
{
    if (keep.age != keep.age.zero() && !is_sensible(keep.age))
        return {
            errc::invalid_option,
            fmt::format("retention::age must be from 0 to 100 years, and is {} ms", keep.age.count())
        };
    if (keep.count > most_kept)
        return {
            errc::invalid_option, fmt::format("retention::count must be below 2^63, and is {}", keep.count)
        };
    return {};
}

failure check_transaction(std::size_t items)
{
    if (items > most_in_transaction)
        return {
            errc::invalid_option,
            fmt::format("at most {} events can be stored in one step, not {}", most_in_transaction, items)
        };
    return {};
}

failure check_join(membership who, std::chrono::milliseconds lease)
{
    if (who.token.empty())
        return {errc::invalid_option, "the token of a consumer must not be empty"};
    if (lease < std::chrono::milliseconds(1))
        return {errc::invalid_option, fmt::format("a lease of {} ms is too short", lease.count())};
    return {};
}

failure check_lock(std::string_view name)
{
    if (name.empty())
        return {errc::invalid_name, "a lock's name must not be empty"};
    return {};
}

failure check_lock(std::string_view name, std::string_view token)
{
    if (token.empty())
        return {errc::invalid_option, "the token of a lock must not be empty"};
    return check_lock(name);
}

failure check_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    if (ttl < std::chrono::milliseconds(1))
        return {errc::invalid_option, fmt::format("a lock for {} ms is too short", ttl.count())};
    return check_lock(name, token);
}

failure check_replay(std::string_view stream, std::span<replaying const> letters)
{
    if (auto invalid = check_stream_name(stream))
        return invalid;
    return check_range("the number of letters to replay", 0, letters.size(), most_in_call);
}

failure no_letter(std::string_view stream, entry_id id)
{
    return {errc::no_entry, fmt::format("{} has no dead letter {}", stream, id.to_string())};
}

failure check_transfer(std::string_view stream, std::string_view from, std::string_view to, std::size_t count)
{
    if (auto invalid = check_stream_name(stream))
        return invalid;
    if (from.empty() || to.empty())
        return {errc::invalid_option, "the names of consumers to transfer from and to must not be empty"};
    if (from == to)
        return {errc::invalid_option, fmt::format("{} cannot be transferred to itself", from)};
    return check_range("the count of entries to transfer", 1, count, most_in_call);
}

failure check_collect(std::size_t count)
{
    return check_range("the count of entries to collect", 1, count, most_collected);
}

failure no_group_to_collect(std::string_view group)
{
    return {errc::no_group, fmt::format("NOGROUP No such consumer group '{}'", group)};
}

failure check_remove(std::size_t ids)
{
    return check_range("the number of entries to remove", 0, ids, most_in_call);
}

failure check_inspect_entries(std::size_t count)
{
    return check_range("the count of entries to inspect", 1, count, most_shown);
}

} // namespace strandline
