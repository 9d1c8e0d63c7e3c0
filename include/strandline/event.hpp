#pragma once

#include <strandline/config.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

/// The names that the library gives a meaning to. `dead-*`, `idempotency-key` and `for-group` are written by
/// the library alone.
namespace header_names {

/// What kind of event it is; for filtering and for readers in other languages.
inline constexpr std::string_view type = "type";
/// What the event is about; entries of one key can be kept in order.
inline constexpr std::string_view key = "key";

/// What the event has in common with others, like the request that caused them all.
inline constexpr std::string_view correlation_id = "correlation-id";
/// The trace that the event belongs to (W3C Trace Context).
inline constexpr std::string_view traceparent = "traceparent";
inline constexpr std::string_view tracestate = "tracestate";
/// By which the event is stored once.
inline constexpr std::string_view idempotency_key = "idempotency-key";
/// The only group that a replayed event is meant for.
inline constexpr std::string_view for_group = "for-group";

inline constexpr std::string_view dead_stream = "dead-stream";
inline constexpr std::string_view dead_id = "dead-id";
inline constexpr std::string_view dead_group = "dead-group";
inline constexpr std::string_view dead_consumer = "dead-consumer";
/// `exhausted`, `rejected` or `undecodable`.
inline constexpr std::string_view dead_reason = "dead-reason";
inline constexpr std::string_view dead_error = "dead-error";
inline constexpr std::string_view dead_attempts = "dead-attempts";
/// Milliseconds since the epoch, by the engine's clock.
inline constexpr std::string_view dead_at = "dead-at";

} // namespace header_names

/// A header as a reader sees it.
struct header_view
{
    std::string_view name;
    std::string_view value;

    friend bool operator==(header_view const&, header_view const&) = default;
};

/// A header as a publisher gives it.
struct header
{
    std::string name;
    std::string value;

    friend bool operator==(header const&, header const&) = default;
};

/// Headers in the order given; a name may repeat, the first one counts.
using headers = std::vector<header>;

/// What a user publishes: an encoded body and headers. An event without a body is its headers alone and needs
/// at least one.
struct event
{
    std::optional<std::string> body;
    strandline::headers headers;
};

} // namespace strandline
