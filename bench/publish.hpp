#pragma once

#include <strandline/broker.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>

namespace bench {

/// Of every event that nobody decodes.
inline std::string const body(100, 'x');

inline constexpr std::size_t publishers = 256;

/// That many coroutines each await their own publishes, one after another, until `events` are published
/// together.
boost::asio::awaitable<void> publish(strandline::broker_ptr broker, std::string stream, std::size_t events);

/// Fills the stream with events that are `some_order`, as fast as the engine stores them.
boost::asio::awaitable<void>
publish_orders(strandline::broker_ptr broker, std::string stream, std::size_t events);

} // namespace bench
