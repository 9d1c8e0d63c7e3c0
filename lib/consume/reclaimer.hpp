#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace strandline::consume {

/// Takes over what consumers of the group have left behind that died or hang: what has been pending for
/// longer than the lease without a renewal. Looks again and again, and at once when something is handed back;
/// removes the names of those that have been away for long, too.
class reclaimer
{
public:
    struct hooks
    {
        std::function<void(stream_index, std::vector<pending_entry> const&)> recovered;
        /// Whether the consumer's name in that stream's group is this process's; nothing is claimed before.
        std::function<bool(stream_index)> has_joined;
        /// Whether more can be taken over: what is, has to be held by a lease until its turn comes.
        std::function<bool()> has_room;
        /// It has looked at all streams, as far as there was room.
        std::function<void()> passed;
        std::function<void(failure const&)> on_error;
    };

    /// What is referred to must outlive this. With `at_once` the first pass does not wait.
    reclaimer(
        broker& engine, identity const& who, std::chrono::milliseconds lease,
        std::chrono::milliseconds interval, bool at_once, hooks to
    );

    /// The server counts its own downtime as idleness of everybody: nothing is claimed until all others have
    /// had the time of a lease to renew what they hold.
    void hold_off();

    asio::awaitable<void> run();

    /// There may be room again: a pass that had to stop for want of it goes on.
    void room_is_back();

    /// The name in another stream's group is this process's now: a first pass that had to leave that stream
    /// out is made again.
    void joined();

    void close();

    /// Something is being taken over.
    bool busy() const noexcept { return busy_; }

    std::uint64_t gone() const noexcept { return gone_; }

    /// A whole pass over all streams has been made.
    bool has_passed() const noexcept { return passed_; }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<bool> pass(stream_index stream);
    asio::awaitable<void> remove_idle_names();
    void hint();

    broker& engine_;
    identity const& who_;
    std::chrono::milliseconds lease_;
    std::chrono::milliseconds interval_;
    hooks to_;
    condition changed_;
    clock::time_point not_before_;
    /// Where the next look at each stream begins.
    std::vector<entry_id> cursors_;
    /// Tell when something was handed back.
    std::vector<std::unique_ptr<watching>> hints_;
    clock::time_point names_due_;
    std::uint64_t gone_ = 0;
    bool busy_ = false;
    bool hinted_ = false;
    /// A pass had to stop for want of room.
    bool wants_room_ = false;
    bool passed_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
