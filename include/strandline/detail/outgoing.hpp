#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace strandline::detail {

/// What waits in an outbox to be stored: one event, or those of a batch. Made by a started operation, owned
/// by the outbox, and used up by `complete` or `abandon`.
class outgoing
{
public:
    using clock = std::chrono::steady_clock;

    outgoing(outgoing const&) = delete;
    outgoing& operator=(outgoing const&) = delete;

    /// Calls the handler with the outcomes of the items, and frees this.
    virtual void complete() = 0;

    /// Frees this without a call: its context is going away.
    virtual void abandon() noexcept = 0;

    /// Called before it completes while the engine still has its items, or `copy` of its only one: makes
    /// these independent of this. The answer keeps what they need.
    virtual std::shared_ptr<void const> leave_behind(appending& copy) = 0;

    std::span<appending> items;
    /// Not to be sent; the items have their outcomes.
    bool is_refused = false;
    /// It travels alone, not together with others.
    bool is_batch = false;
    bool atomic = false;
    /// Every item has an idempotency key, so that it may be sent again when nobody knows whether it was
    /// stored.
    bool is_repeatable = false;
    /// For how long after it was sent: the shortest window of its keys.
    std::chrono::milliseconds window{0};
    /// By which a cancellation finds it; 0: by none.
    std::uint64_t ticket = 0;

    // Of the outbox.
    /// The place in the order in which the outbox got them.
    std::uint64_t number = 0;
    clock::time_point deadline;
    /// The first so many items are on their way, or have their outcome.
    std::size_t sent = 0;
    /// Requests that carry items of this.
    std::size_t requests = 0;
    bool is_waiting = false;
    /// Nothing more of it is sent.
    bool is_given_up = false;
    /// Of the first so many items some were sent without an answer, and may have been stored.
    std::size_t uncertain = 0;
    /// When the first of it was sent.
    clock::time_point first_sent;

protected:
    outgoing() = default;
    ~outgoing() = default;
};

} // namespace strandline::detail
