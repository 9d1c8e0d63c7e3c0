#pragma once

#include "core/boot_clock.hpp"

#include <strandline/entry.hpp>
#include <strandline/entry_id.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace strandline::consume {

/// Index into the streams of a consumer.
using stream_index = std::uint32_t;

/// An entry of one of the consumer's streams.
struct entry_ref
{
    stream_index stream = 0;
    entry_id id;

    friend auto operator<=>(entry_ref const&, entry_ref const&) = default;
};

/// A delivery with its body: queued for a lane, or with its handler running.
struct held
{
    entry_ref ref;
    std::uint32_t attempt = 1;
    entry_view entry;
    storage_ptr owner;
    /// Before this moment the command was sent that gave, or renewed, the lease.
    boot_clock::time_point confirmed;
};

/// How a handler ended.
enum class ended : std::uint8_t
{
    returned,
    threw,
    /// Asked for the dead letters.
    rejected,
    undecodable,
    /// Cancelled after its time; a failed attempt.
    timed_out,
    /// Cancelled because the delivery is another consumer's now; it is nothing of ours any more.
    lost,
    /// Cancelled by the stop; neither a success nor a failed attempt.
    cancelled,
};

struct outcome
{
    ended how = ended::returned;
    /// What was thrown, in words.
    std::string error;
};

} // namespace strandline::consume
