#pragma once

#include "consume/deadlines.hpp"
#include "consume/held.hpp"
#include "core/condition.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/circular_buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace strandline::consume {

namespace asio = boost::asio;

/// The worker pool: coroutines that take deliveries from a queue, one after another, as many as may run at
/// the same time. They are made when they are needed and stay.
///
/// Handing over costs nothing while handlers do not suspend: one lane then empties the queue. Only one other
/// lane is on its way at a time; it finds the queue empty, or the handler before it suspended and it goes on,
/// waking the next.
class lanes
{
public:
    /// Runs the handler of one delivery; throws what the handler throws.
    using run_function = std::function<asio::awaitable<void>(held const&)>;
    /// Gets each delivery back with its outcome.
    using ended_function = std::function<void(held&, outcome)>;
    /// Starts a coroutine that keeps the owner of the lanes alive; its cancellation comes from the slot.
    using spawn_function = std::function<void(asio::awaitable<void>, asio::cancellation_slot)>;

    /// Told of a handler that was cancelled some time ago and has not returned.
    using stuck_function = std::function<void(held const&)>;

    struct functions
    {
        spawn_function spawn;
        run_function run;
        ended_function ended;
        stuck_function stuck;
    };

    /// A `timeout` of 0 is none.
    lanes(
        asio::any_io_executor executor, std::size_t most, std::size_t queue_limit,
        std::chrono::milliseconds timeout, functions to
    );

    /// Queues a delivery; the caller has a place for it.
    void push(held delivery);

    /// Deliveries that wait.
    std::size_t queued() const noexcept { return queue_.size(); }

    /// Handlers that run.
    std::size_t running() const noexcept { return running_; }

    /// What is queued, taken out; nothing is started any more.
    std::vector<held> close();

    /// Cancels the handlers that run; their deliveries end as cancelled however they return.
    void cancel_running();

    /// A delivery whose handler has not returned to the end.
    struct stuck_delivery
    {
        entry_ref ref;
        /// Attempts that count: without this one, unless it had failed by its timeout.
        std::uint32_t attempts;
    };

    /// Gives up the handlers that still run; `ended` is not called for them any more.
    std::vector<stuck_delivery> abandon_running();

    /// Calls `visit(held&)` for everything queued and running.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (auto& delivery : queue_)
            visit(delivery);
        for (auto const& one : lanes_)
            if (one->busy)
                visit(one->current);
    }

    /// Drops those for which `is_lost(entry_ref)` is true: queued ones are taken out and counted, the
    /// handlers of running ones cancelled.
    template <class IsLost>
    std::size_t lose_if(IsLost is_lost)
    {
        // By index: what a cancelled handler does at once can bring new lanes.
        for (std::size_t i = 0; i != lanes_.size(); ++i)
            if (lanes_[i]->busy && !lanes_[i]->cancelled && is_lost(lanes_[i]->current.ref))
                cancel(*lanes_[i], ended::lost);
        auto const before = queue_.size();
        auto const rest =
            std::remove_if(queue_.begin(), queue_.end(), [&](held const& one) { return is_lost(one.ref); });
        queue_.erase(rest, queue_.end());
        return before - queue_.size();
    }

private:
    struct lane : deadlines::timed
    {
        explicit lane(asio::any_io_executor const& executor) : wake(executor) {}

        asio::cancellation_signal cancel;
        condition wake;
        held current;
        bool busy = false;
        bool idle = false;
        /// Why its handler was cancelled. Decides the outcome, not what the handler threw nor that it
        /// returned.
        std::optional<ended> cancelled;
        bool abandoned = false;
    };

    void summon();
    asio::awaitable<void> work(lane& self);
    asio::awaitable<void> watch();
    void start_clock(lane& one);
    void wake_watch(deadlines::clock::time_point due);
    void cancel(lane& one, ended why);

    asio::any_io_executor executor_;
    std::size_t most_;
    functions to_;
    std::chrono::milliseconds timeout_;
    deadlines running_out_;
    deadlines returning_;
    condition clock_;
    /// When the watch wakes by itself.
    deadlines::clock::time_point wakes_at_ = deadlines::clock::time_point::max();
    bool watched_ = false;
    bool abandoned_ = false;
    boost::circular_buffer<held> queue_;
    std::vector<std::unique_ptr<lane>> lanes_;
    std::vector<lane*> idle_;
    std::size_t running_ = 0;
    /// A lane has been woken or made, and has not looked at the queue yet.
    bool summoned_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
