#pragma once

#include <strandline/error.hpp>

namespace strandline {

/// The engine could not be asked: nothing else would succeed now, either. Other failures are those of a
/// stream.
inline bool is_out_of_reach(failure const& why)
{
    return why == errc::connection_lost || why == errc::unreachable || why == errc::refused ||
           why == errc::unavailable || why == errc::closed;
}

} // namespace strandline
