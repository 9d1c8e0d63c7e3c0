#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/event.hpp>
#include <strandline/producer_options.hpp>
#include <strandline/publish_options.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace strandline::detail {

/// An event to be published, encoded: nothing of it refers to the caller's objects.
struct publication
{
    std::string stream;
    strandline::event event;
    /// Why it cannot be published; such an event is not sent.
    failure refused = {};
    /// Not 0: the event's last header is its idempotency key.
    std::chrono::milliseconds window{0};
    retention keep = {};
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due = {};
    std::chrono::milliseconds delay{0};

    bool is_repeatable() const noexcept { return window.count() != 0; }
};

/// Refuses names that the library or the wire format uses.
failure check_headers(strandline::headers const& given);

/// Makes the event what its options say.
void apply(publish_options&& options, publication& to);

/// What stands for the publication in a call of the engine. It points into both arguments.
appending to_appending(publication const& what, std::vector<header_view>& headers);

/// Encodes the value, by its codec.
template <encodable T>
publication make_publication(std::string_view stream, T const& value)
{
    publication what{std::string(stream), {std::string(), {}}};
    what.refused = encode(value, *what.event.body);
    return what;
}

inline publication make_publication(std::string_view stream, event what)
{
    return {std::string(stream), std::move(what)};
}

} // namespace strandline::detail
