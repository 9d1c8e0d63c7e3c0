#pragma once

#include "core/boot_clock.hpp"

#include <strandline/detail/outcome.hpp>
#include <strandline/entry.hpp>
#include <strandline/entry_id.hpp>

#include <chrono>
#include <compare>
#include <cstdint>

namespace strandline::consume {

using detail::ended;
using detail::outcome;

/// Index into the streams of a consumer.
using stream_index = std::uint32_t;

/// An entry of one of the consumer's streams.
struct entry_ref
{
    stream_index stream = 0;
    entry_id id;

    friend auto operator<=>(entry_ref const&, entry_ref const&) = default;
};

/// Deliveries of one key, one of which may be on its way; null where order does not matter.
struct line;

/// A delivery with its body: queued for a lane, or with its handler running.
struct held
{
    entry_ref ref;
    /// The number of the handler run that begins with it, or is about to.
    std::uint32_t attempt = 1;
    entry_view entry;
    storage_ptr owner;
    /// Before this moment the command was sent that gave, or renewed, the lease.
    boot_clock::time_point confirmed;
    line* in = nullptr;
    /// It is another consumer's now; what its handler makes of it counts no more.
    bool is_lost = false;
    /// Its entry was removed from the stream; there is nothing left to settle.
    bool is_gone = false;
};

/// What a delivery without its body waits for.
enum class waiting_for : std::uint8_t
{
    /// To be started: its body comes back, and the attempt is counted.
    start,
    /// Its body comes back to a place in a line; nothing is counted.
    turn,
    /// Found pending: its key is looked up, to find its line; nothing is counted.
    line,
    /// To be given up, unless it is another group's: its body is shown to whoever may veto; nothing is
    /// counted.
    end,
};

/// A delivery without its body. It costs an id, not a place.
struct waiting
{
    std::chrono::steady_clock::time_point due;
    entry_ref ref;
    /// Handlers that started with it so far.
    std::uint32_t attempts = 0;
    waiting_for what = waiting_for::start;
    /// Found pending with a count that says that a handler of it may have ended the process.
    bool suspect = false;
    /// Before this moment the command was sent that gave, or renewed, the lease.
    boot_clock::time_point confirmed;
    line* in = nullptr;
};

} // namespace strandline::consume
