#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace strandline::detail {

/// What waits in an outbox to be stored: an `outgoing_event` or an `outgoing_batch`. Made by a started
/// operation, owned by the outbox, and used up by `complete` or `abandon`.
class outgoing
{
public:
    using clock = std::chrono::steady_clock;

    outgoing(outgoing const&) = delete;
    outgoing& operator=(outgoing const&) = delete;

    /// Frees this without a call of its handler: its context is going away.
    virtual void abandon() noexcept = 0;

    /// Which of the two it is; a batch travels alone, events travel together.
    bool const is_batch;

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
    /// Requests that carry items of this.
    std::size_t requests = 0;
    bool is_waiting = false;
    /// Some of it was sent without an answer, and may have been stored.
    bool is_uncertain = false;
    /// When the first of it was sent, if it may be sent again.
    clock::time_point first_sent;

protected:
    explicit outgoing(bool batch) noexcept : is_batch(batch) {}

    ~outgoing() = default;
};

class outgoing_event : public outgoing
{
public:
    /// Calls the handler, and frees this.
    virtual void complete(result<entry_id> const& outcome) = 0;

    /// Makes the item what stands for the event in a call of the engine. It points into this.
    virtual void describe(appending& item) = 0;

    /// Called before it completes while the engine still has that item: makes the item independent of this.
    /// The answer keeps what it needs.
    virtual std::shared_ptr<void const> leave_behind(appending& item) = 0;

    /// Why it is not to be sent, or null.
    failure const* refused = nullptr;
    /// Of its content.
    std::size_t bytes = 0;

protected:
    outgoing_event() noexcept : outgoing(false) {}

    ~outgoing_event() = default;
};

class outgoing_batch : public outgoing
{
public:
    /// Calls the handler with the outcomes of the items, and frees this.
    virtual void complete() = 0;

    /// Called before it completes while the engine still has its items: the answer keeps them.
    virtual std::shared_ptr<void const> leave_behind() = 0;

    std::span<appending> items;
    /// All items in one step.
    bool atomic = false;

    // Of the outbox.
    /// The first so many items are on their way, or have their outcome.
    std::size_t sent = 0;
    /// Which items were sent without an answer; empty: none was.
    std::vector<bool> lost;
    /// Nothing more of it is sent.
    bool is_given_up = false;

protected:
    outgoing_batch() noexcept : outgoing(true) {}

    ~outgoing_batch() = default;
};

} // namespace strandline::detail
