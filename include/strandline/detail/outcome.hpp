#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace strandline::detail {

/// How a delivery's way through a handler ended.
enum class ended : std::uint8_t
{
    returned,
    threw,
    /// Threw what will not succeed another time either.
    gave_up,
    /// Asked for the dead letters.
    rejected,
    undecodable,
    /// Cancelled after its time; a failed attempt.
    timed_out,
    /// Cancelled because the delivery is another consumer's now; it is nothing of ours any more.
    lost,
    /// Handed back; neither a success nor a failed attempt.
    released,
    /// The same, because the stop cancelled it.
    cancelled,
};

struct outcome
{
    ended how = ended::returned;
    /// What was thrown, in words.
    std::string error = {};
    /// Failed: when it asks to be tried again, whatever the policy says.
    std::optional<std::chrono::milliseconds> delay = {};
};

} // namespace strandline::detail
