#pragma once

#include "pairs.hpp"

#include <strandline/broker.hpp>

#include <cstddef>
#include <string>

namespace bench {

/// Of every event here.
inline std::string const body(100, 'x');

inline constexpr std::size_t publishers = 256;

/// That many coroutines each await their own publishes, one after another, until `events` are published
/// together.
boost::asio::awaitable<void> publish(strandline::broker_ptr broker, std::string stream, std::size_t events);

} // namespace bench
