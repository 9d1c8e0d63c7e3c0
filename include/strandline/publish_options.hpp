#pragma once

#include <strandline/event.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace strandline {

/// What goes with an event beside its body. Texts that are empty are left out.
struct publish_options
{
    /// The header `type`: what kind of event it is.
    std::string type = {};

    /// The header `key`: what the event is about; consumers can keep those of one key in order.
    std::string key = {};

    /// The header `correlation-id`: what the event has in common with others.
    std::string correlation_id = {};

    /// The headers `traceparent` and `tracestate`: the trace that the event belongs to, as the W3C's
    /// recommendation "Trace Context" writes them; carried as they are.
    std::string traceparent = {};
    std::string tracestate = {};

    /// Further headers, in this order behind those above. Names that begin with `dead-`, the names `body`,
    /// `for-group` and `idempotency-key`, and empty names are refused with `invalid_name`.
    strandline::headers headers = {};

    /// The header `idempotency-key`. An event with a key is stored once: another one with the same key in the
    /// same stream, within the window of the first, stores nothing and gets the id of the first; whoever
    /// publishes it, and also when the first is delayed or was handled already. So an event with a key is
    /// sent again when its connection breaks before the answer.
    std::string idempotency_key = {};

    /// How long a key is remembered, by the engine's clock. From 1 ms to a year.
    std::chrono::milliseconds idempotency_window = std::chrono::hours(24);

    /// Delayed: the event gets into its stream when that time has passed, by the engine's clock, or as soon
    /// as that time has come. The id is a delayed id then, see `delayed_events`. Not both; a delay is at most
    /// a hundred years. A time that has passed is now.
    std::optional<std::chrono::milliseconds> delay = {};
    std::optional<std::chrono::system_clock::time_point> due = {};
};

} // namespace strandline
