#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/event.hpp>
#include <strandline/producer_options.hpp>
#include <strandline/publish_options.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline::detail {

/// What few events have: the conditions under which they are stored.
struct conditions
{
    /// The idempotency key, empty where there is none, and how long it is remembered.
    std::string once;
    std::chrono::milliseconds window{0};
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due;
    std::chrono::milliseconds delay{0};
};

/// An event to be published, encoded: nothing of it refers to the caller's objects. It is moved several times
/// before its operation is started, so what most events have not is one empty member.
struct publication
{
    std::string stream;
    strandline::event event;
    /// Why it cannot be published; such an event is not sent.
    failure refused = {};
    retention keep = {};
    std::optional<conditions> under = {};

    bool is_repeatable() const noexcept { return under && !under->once.empty(); }

    std::chrono::milliseconds window() const noexcept
    {
        return is_repeatable() ? under->window : std::chrono::milliseconds(0);
    }
};

/// Refuses names that the library or the wire format uses.
failure check_headers(strandline::headers const& given);

/// Makes the event what its options say. Without options there is nothing to be done: headers of its own were
/// checked when it was made.
void apply(publish_options&& options, publication& to);

/// Makes the item what stands for the publication in a call of the engine. It points into the other two.
void describe(publication const& what, std::vector<header_view>& headers, appending& item);

/// Of body and headers.
std::size_t bytes_of(entry_view const& what) noexcept;
std::size_t bytes_of(event const& what) noexcept;

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
    publication made{std::string(stream), std::move(what)};
    if (!made.event.headers.empty())
        made.refused = check_headers(made.event.headers);
    return made;
}

} // namespace strandline::detail
