#pragma once

#include "consume/held.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace strandline::consume {

/// Takes over what consumers of the group have left behind that died or hang: what has been pending for
/// longer than the lease without a renewal.
class reclaimer
{
public:
    struct hooks
    {
        std::function<void(stream_index, std::vector<pending_entry> const&)> recovered;
        /// Whether more can be taken over: what is, has to be held by a lease until its turn comes.
        std::function<bool()> has_room;
        std::function<void(failure const&)> on_error;
    };

    /// The names must outlive this, and so must the broker.
    reclaimer(
        broker& engine, std::vector<std::string_view> streams, std::string_view group,
        std::string_view consumer, std::chrono::milliseconds lease, std::chrono::milliseconds interval,
        hooks to
    );

    /// The server counts its own downtime as idleness of everybody: nothing is claimed until all others have
    /// had the time of a lease to renew what they hold.
    void hold_off();

    asio::awaitable<void> run();

    void close();

    std::uint64_t gone() const noexcept { return gone_; }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> pass(stream_index stream);

    broker& engine_;
    std::vector<std::string_view> streams_;
    std::string_view group_;
    std::string_view consumer_;
    std::chrono::milliseconds lease_;
    std::chrono::milliseconds interval_;
    hooks to_;
    condition changed_;
    clock::time_point not_before_;
    /// Where the next look at each stream begins.
    std::vector<entry_id> cursors_;
    std::uint64_t gone_ = 0;
    bool closed_ = false;
};

} // namespace strandline::consume
