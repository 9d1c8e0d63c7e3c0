#pragma once

#include <strandline/broker.hpp>
#include <strandline/delivery.hpp>
#include <strandline/error.hpp>
#include <strandline/wire_format.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

/// In what order the deliveries of one consumer are handled. It holds among what the consumer has read
/// itself; what it takes over from another, or what is replayed, comes when it comes. A delivery that went to
/// the dead letters, or to another consumer, keeps nobody waiting.
enum class ordering : std::uint8_t
{
    /// Each as soon as a handler is free.
    unordered,
    /// Those of a stream that have the same header `key` one after another, in the order of the stream; one
    /// that waits for another attempt, or whose handler does not return, holds back its own key only. Those
    /// without a key are unordered.
    by_key,
    /// One at a time, over all streams; one that waits for another attempt holds back everything.
    strict,
};

/// What becomes of a delivery that is about to go to the dead letters.
enum class dead_action : std::uint8_t
{
    /// It goes.
    bury,
    /// It is tried once more, after the longest wait, and then asked about again.
    retry,
    /// It is acknowledged, and nothing is kept of it.
    drop,
};

/// What differs from the consumer's options for one stream.
struct stream_options
{
    /// Default: the consumer's.
    std::optional<retry_options> retry = {};

    /// At least 1. Default: the consumer's.
    std::optional<std::uint32_t> max_attempts = {};

    /// Whether an exception says that no other attempt will succeed: the delivery then goes to the dead
    /// letters at once, as `exhausted`. Called where the handler ran; must not throw.
    std::function<bool(std::exception_ptr)> give_up_if = {};

    /// How events stand in the stream's entries. Handlers, hooks and the order by key see the event that it
    /// makes; an entry that it cannot read is undecodable. Dead letters keep the entry's own fields. Called
    /// on the broker's strand. Default: the library's own way.
    wire_format_ptr format = {};
};

struct consumer_options
{
    /// The group that this consumer belongs to; must be set. Each group gets every entry of a stream, the
    /// consumers of a group share them.
    std::string group = {};

    /// The consumer's name within its group. Default: one that no other process has. With a name of its own a
    /// consumer finds after a restart what it had not finished. Of several processes with the same name the
    /// one that started last owns it; the run of an older one ends with `errc::name_taken`.
    std::string name = {};

    /// Where a group begins that does not exist yet. One that has to be made again while the consumer runs,
    /// because its stream was deleted, begins at the beginning.
    start_position start = start_position::beginning();

    /// How many handlers run at the same time, over all streams. From 1 to 100 000.
    std::size_t max_concurrency = 64;

    /// How many deliveries with bodies are held at the same time: those whose handlers run, those queued for
    /// one, and those that a read under way may bring. When it is reached, reading pauses. From
    /// `max_concurrency` to 100 000.
    std::size_t max_in_flight = 1'000;

    /// How many deliveries wait, without their bodies: for another attempt, or for their turn behind one that
    /// does. When it is reached, reading pauses, and `on_error` is told (`errc::too_many_waiting`). From 1 to
    /// 10 000 000.
    std::size_t max_waiting = 100'000;

    ordering order = ordering::unordered;

    /// Where handlers run: a thread pool for handlers that block, each on a strand of its own there. It must
    /// outlive the run. Default: on the broker's strand, where no handler may block.
    asio::any_io_executor worker_executor = {};

    /// The most entries that one read asks for of each stream. From 1 to 100 000.
    std::size_t read_count = 500;

    /// How long a handler may run. Then it is cancelled, which it sees as `operation_aborted` where it waits,
    /// and its attempt has failed, however it returns. One that goes on all the same is told to `on_error` as
    /// `errc::stuck`; it keeps its place until it has returned. It counts at the latest from when the
    /// handler lets go of the strand for the first time. 0: as long as it likes. From 0 to a day.
    std::chrono::milliseconds handler_timeout{0};

    /// How often a handler runs with a delivery before it goes to the dead letters; counted by the engine, so
    /// that a crash does not begin anew. At least 1.
    std::uint32_t max_attempts = 5;

    retry_options retry = {};

    /// Entries count as acknowledged as soon as they are read: none is handled twice, and those that a crash,
    /// a broken connection or the end of a stop's grace interrupts are lost. A failure is told to `on_error`
    /// as `errc::handler_failed` and not repeated; there are no attempts, leases or dead letters.
    bool at_most_once = false;

    /// Only one consumer of the group runs, kept alone by a lock on each of its streams; the run of another
    /// ends with `errc::locked`. It begins with what the one before it has left, so that the order goes on.
    /// When it loses the lock it stops, and its run ends with `errc::lock_lost`.
    bool exclusive = false;

    /// Removes an entry from its stream when it has been handled and no other group of the stream has it
    /// unread or pending. Then whichever group comes last removes it, if its consumers say so, too. A group
    /// that is made later does not see what was removed.
    bool delete_handled = false;

    /// What the dead-letter streams keep of what this consumer puts there.
    retention dead_letters = {};

    /// Asked before a delivery goes to the dead letters, or because its attempts are used up without having
    /// been run; with the reason (`exhausted` or `rejected`) and the words of the last failure. Called on the
    /// broker's strand; must not throw. Default: it goes.
    std::function<dead_action(delivery const&, std::string_view reason, std::string_view error)> on_dead = {};

    /// The same for one whose body could not be decoded; with the words that say why.
    std::function<dead_action(delivery const&, std::string_view error)> on_undecodable = {};

    /// How long a delivery is this consumer's alone without a sign of life. While its process lives it is
    /// renewed well before that, so that a handler may run as long as it likes; after a crash the others of
    /// the group take it over. A handler whose delivery was taken over, because the process had been stopped
    /// or cut off for longer, is cancelled. The same for all consumers of a group; the
    /// first one sets it, beside the group, and a run with another one ends with `errc::lease_differs`. From
    /// 100 ms to a day.
    std::chrono::milliseconds lease{30'000};

    /// How often it is looked for deliveries that others of the group have left behind. From 10 ms to a day.
    std::chrono::milliseconds claim_interval{10'000};

    /// Told of what the consumer overcomes by itself: a server that cannot be reached or refuses, a group
    /// that had to be made again, a handler that does not return (`stuck`), one that failed at most once
    /// (`handler_failed`), too much that waits (`too_many_waiting`). Called on the broker's strand; must not
    /// throw.
    std::function<void(failure const&)> on_error = {};
};

/// Checks ranges and contradictions; the words name the member.
failure validate(consumer_options const& options);

/// The same for these two of them.
failure validate_limits(std::size_t max_concurrency, std::size_t max_in_flight);

/// The same.
failure validate(stream_options const& options);

} // namespace strandline
