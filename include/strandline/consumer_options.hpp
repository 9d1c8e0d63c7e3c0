#pragma once

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace strandline {

/// When a failed delivery is tried again: after `first` for the first time, then `factor` times longer each
/// time, at most `longest`; each wait is shortened by a random part of up to half, so that what failed
/// together does not come back together.
struct retry_options
{
    /// At least 1 ms.
    std::chrono::milliseconds first{100};
    /// From 1 to 100.
    double factor = 2;
    /// From `first` to 24 hours.
    std::chrono::milliseconds longest{30'000};
};

struct consumer_options
{
    /// The group that this consumer belongs to; must be set. Each group gets every entry of a stream, the
    /// consumers of a group share them.
    std::string group;

    /// The consumer's name within its group. Default: one that no other process has. With a name of its own a
    /// consumer finds after a restart what it had not finished.
    std::string name;

    /// Where a group begins that does not exist yet. One that has to be made again while the consumer runs,
    /// because its stream was deleted, begins at the beginning.
    start_position start = start_position::beginning();

    /// How many handlers run at the same time, over all streams. From 1 to 100 000.
    std::size_t max_concurrency = 64;

    /// How many deliveries with bodies are held at the same time: those whose handlers run, those queued for
    /// one, and those that a read under way may bring. When it is reached, reading pauses. From
    /// `max_concurrency` to 100 000.
    std::size_t max_in_flight = 1'000;

    /// The most entries that one read asks for of each stream. From 1 to 100 000.
    std::size_t read_count = 500;

    /// How long a handler may run. Then it is cancelled, which it sees as `operation_aborted` where it waits,
    /// and its attempt has failed, however it returns. One that goes on all the same is told to `on_error` as
    /// `errc::stuck`; it keeps its place until it has returned. 0: as long as it likes. From 0 to a day.
    std::chrono::milliseconds handler_timeout{0};

    /// How often a handler runs with a delivery before it goes to the dead letters; counted by the engine, so
    /// that a crash does not begin anew. At least 1.
    std::uint32_t max_attempts = 5;

    retry_options retry;

    /// How long a delivery is this consumer's alone without a sign of life. While its process lives it is
    /// renewed well before that, so that a handler may run as long as it likes; after a crash the others of
    /// the group take it over. A handler whose delivery was taken over, because the process had been stopped
    /// or cut off for longer, is cancelled. The same for all consumers of a group. From 100 ms to a day.
    std::chrono::milliseconds lease{30'000};

    /// How often it is looked for deliveries that others of the group have left behind. From 10 ms to a day.
    std::chrono::milliseconds claim_interval{10'000};

    /// Told of what the consumer overcomes by itself: a server that cannot be reached or refuses, a group
    /// that had to be made again. Called on the broker's strand; must not throw.
    std::function<void(failure const&)> on_error;
};

/// Checks ranges and contradictions; the words name the member.
failure validate(consumer_options const& options);

} // namespace strandline
