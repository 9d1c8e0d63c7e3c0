#pragma once

#include <algorithm>
#include <chrono>

namespace strandline::memory {

/// A moment by the engine's clock, in the unit of entry ids.
using instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// Never negative, although the clock may go back.
inline std::chrono::milliseconds elapsed(instant since, instant now) noexcept
{
    return std::max(now - since, std::chrono::milliseconds::zero());
}

} // namespace strandline::memory
