#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace strandline::redis {

/// What a socket's address can hold (`sun_path`) without the null character at its end.
inline constexpr std::size_t longest_unix_socket = 107;

/// SELECT takes a signed number of 32 bits.
inline constexpr std::uint32_t greatest_database = 2147483647;

/// Far beyond sense, and far from where adding it to a time would overflow.
inline constexpr std::chrono::hours longest_wait{24};

} // namespace strandline::redis
