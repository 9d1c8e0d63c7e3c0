#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "core/boot_clock.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <functional>
#include <span>
#include <vector>

namespace strandline::consume {

/// Renews the leases of all that the consumer holds, well before they end.
///
/// Nothing is kept for it while deliveries come and go: four times in a lease it asks who has an old one.
/// With nothing to renew it still asks the engine twice in a lease whether the consumer's name is its own.
class lease_keeper
{
public:
    /// What the engine said of one delivery.
    struct answer
    {
        entry_ref ref;
        holding state = holding::held;
        /// Before this moment the command was sent that renewed it.
        boot_clock::time_point confirmed;
    };

    struct hooks
    {
        /// Whether the consumer's name in that stream's group has been this process's.
        std::function<bool(stream_index)> has_joined;
        /// What is held by a lease that was confirmed last before that time; in order.
        std::function<std::vector<entry_ref>(boot_clock::time_point)> held_since_before;
        /// In order.
        std::function<void(std::span<answer const>)> answered;
        /// The engine answered.
        std::function<void()> reached;
        std::function<void(failure const&)> on_error;
    };

    /// What is referred to must outlive this.
    lease_keeper(broker& engine, identity const& who, std::chrono::milliseconds lease, hooks to);

    /// The connection broke: how long is not known to the server, so all that is held is renewed first.
    void renew_all();

    /// What is about to be handed back is not to be renewed behind that: what was not sent of the renewal
    /// under way is looked up anew.
    void look_anew();

    asio::awaitable<void> run();

    void close();

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<bool> renew(std::vector<entry_ref> due);
    asio::awaitable<bool> check_names();

    broker& engine_;
    identity const& who_;
    std::chrono::milliseconds lease_;
    hooks to_;
    condition changed_;
    clock::time_point next_check_;
    bool all_ = false;
    bool looks_anew_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
