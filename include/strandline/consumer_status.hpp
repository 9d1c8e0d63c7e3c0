#pragma once

#include <strandline/error.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace strandline {

/// How a consumer fares with one of its streams.
struct stream_status
{
    std::string name;
    /// Its group is there, and the last read of it did not fail. While it is false the consumer goes on
    /// trying.
    bool is_read = false;
    /// It is not to be read at the moment: as much is held of its server as may be, as many wait, or the
    /// consumer stops.
    bool is_paused = false;
    /// What went wrong last, until it goes well again.
    failure why;
    /// Since a read of it was answered last, with entries or without; nothing: not yet in this run. A read
    /// waits for entries for 5 s at the most, so a consumer that has room for more does not let this get much
    /// older.
    std::optional<std::chrono::milliseconds> since_read;
    /// Since a delivery of it was last handled and acknowledged; nothing: not yet in this run, or the
    /// consumer delivers at most once.
    std::optional<std::chrono::milliseconds> since_handled;
};

/// What a consumer is at, as its own process knows it.
struct consumer_status
{
    /// `async_run` or `async_drain` is under way. If not, there is nothing else to tell but the names of the
    /// streams.
    bool running = false;
    /// In the order in which they were given to the consumer; of a registry, server by server.
    std::vector<stream_status> streams;
    /// Handlers that run, those that are stuck among them: cancelled, and not returned.
    std::size_t running_handlers = 0;
    std::size_t stuck_handlers = 0;
    /// Deliveries that wait for a handler that is free.
    std::size_t queued = 0;
    /// Deliveries that wait for another attempt, for another one of their key, or for their turn to run
    /// alone.
    std::size_t waiting = 0;
    /// Everything that is pending for this consumer because of this process: what runs, what is queued, what
    /// waits, and what has ended and is not confirmed by the engine yet.
    std::size_t held = 0;
};

} // namespace strandline
