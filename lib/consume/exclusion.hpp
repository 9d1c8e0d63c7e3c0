#pragma once

#include "consume/identity.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <functional>

namespace strandline::consume {

/// Keeps all other consumers away: holds the locks of the group on all its streams. That saves work and keeps
/// the order; that nothing is handled by two rests on the leases.
class exclusion
{
public:
    struct hooks
    {
        std::function<void(failure const&)> on_error;
        /// They are not held any more.
        std::function<void(failure const&)> lost;
    };

    /// What is referred to must outlive this.
    exclusion(broker& engine, identity const& who, std::chrono::milliseconds ttl, hooks to);

    /// Gets the locks, all or none; waits for an engine that cannot be reached. Errors: `locked`, what no
    /// waiting helps against, and what it was waiting for when it was told not to.
    asio::awaitable<failure> acquire();

    /// Ends the wait of `acquire`.
    void stop_waiting();

    /// Holds the locks until it is closed, and lets go of them then.
    asio::awaitable<void> run();

    void close();

    bool finished() const noexcept { return finished_; }

    /// Woken when `finished`.
    condition& on_finished() noexcept { return on_finished_; }

private:
    asio::awaitable<failure> try_acquire();
    asio::awaitable<failure> renew();
    asio::awaitable<void> release(std::size_t count);

    broker& engine_;
    identity const& who_;
    std::chrono::milliseconds ttl_;
    hooks to_;
    condition changed_;
    condition on_finished_;
    bool gives_up_ = false;
    bool closed_ = false;
    bool finished_ = false;
};

} // namespace strandline::consume
