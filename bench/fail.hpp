#pragma once

#include <strandline/broker.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

/// How often `fail_all` tries an event.
inline constexpr std::uint32_t attempts = 3;

/// Fails that many events of the stream, each until it is a dead letter, and stops.
boost::asio::awaitable<void>
fail_all(strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events);

} // namespace bench
