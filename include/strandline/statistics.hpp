#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strandline {

namespace detail {

asio::awaitable<result<std::vector<stream_statistics>>>
measure(broker& of, std::span<std::string const> streams);

} // namespace detail

/// Counts and ids of streams and of their groups and consumers, each stream seen at one moment, all of them
/// asked for in one round trip; what entries hold is not brought along. One for each name, in their order.
/// What is wrong with one stream stands in its `why`.
///
/// It costs the server about as much as a few hundred entries cost it that are read, for a group whose lag it
/// cannot tell as much as 10 000.
///
/// Handler signature: `void(failure, std::vector<stream_statistics>)`.
///
/// Errors: `connection_lost`, `unreachable`, `refused`, `closed`. Cancellation: none; it ends within the
/// engine's connect timeout where there is no server. May be called from any thread.
template <asio::completion_token_for<void(failure, std::vector<stream_statistics>)> Token = asio::deferred_t>
auto async_measure(broker_ptr const& of, std::vector<std::string> streams, Token&& token = {})
{
    return detail::async_on_strand<std::vector<stream_statistics>>(
        of, [streams = std::move(streams)](broker& engine) { return detail::measure(engine, streams); },
        std::forward<Token>(token)
    );
}

/// How old the entry of that id was when the stream was measured: since it was appended, by the engine's
/// clock. Never below 0.
std::chrono::milliseconds age_of(entry_id id, stream_statistics const& at) noexcept;

/// Of the oldest entry, whether it was handled or not; nothing when the stream is empty.
std::optional<std::chrono::milliseconds> oldest_age(stream_statistics const& at) noexcept;

/// Of the entry that was delivered to the group last; nothing when none was. It grows while nothing is
/// published: what tells how late a group is is its lag.
std::optional<std::chrono::milliseconds>
last_delivered_age(group_statistics const& of, stream_statistics const& at) noexcept;

/// Of the first entry that was delivered to the group and is not settled; nothing when there is none.
std::optional<std::chrono::milliseconds>
lowest_pending_age(group_statistics const& of, stream_statistics const& at) noexcept;

} // namespace strandline
