#pragma once

#include "consume/deadlines.hpp"
#include "consume/held.hpp"
#include "consume/schedule.hpp"
#include "consume/subscription.hpp"
#include "core/condition.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace strandline::consume {

namespace asio = boost::asio;

/// The worker pool: coroutines that take deliveries from the schedule, one after another, as many as may run
/// at the same time. They are made when they are needed and stay.
///
/// Handing over costs nothing while handlers do not suspend: one lane then empties the queue. Only one other
/// lane is on its way at a time; it finds the queue empty, or the handler before it suspended and it goes on,
/// waking the next.
///
/// Handlers run on the broker's strand, or each lane's on a strand of its own over an executor given for
/// them; the lanes themselves stay on the broker's.
class lanes
{
public:
    struct functions
    {
        /// Starts a coroutine that keeps the owner of the lanes alive; its cancellation comes from the slot.
        std::function<void(asio::awaitable<void>, asio::cancellation_slot)> spawn;
        /// A handler has begun, and more could run if there were something to start.
        std::function<void()> wanting;
        /// Gets each delivery back with its outcome.
        std::function<void(held&, outcome&&)> ended;
        /// Told of a handler that was cancelled some time ago and has not returned.
        std::function<void(held const&)> stuck;
        /// Held, and nothing runs any more.
        std::function<void()> quiet;
        /// A handler has run alone to its end, or is stuck.
        std::function<void()> alone_ended;
    };

    struct settings
    {
        /// As many handlers run at the same time.
        std::size_t most = 1;
        /// 0 is none.
        std::chrono::milliseconds timeout{0};
        /// Empty: the broker's strand.
        asio::any_io_executor workers;
    };

    /// Schedule and subscriptions must outlive the lanes.
    lanes(
        asio::any_io_executor strand, settings how, schedule& queue,
        std::vector<subscription> const& subscriptions, functions to
    );

    /// The schedule has something new.
    void summon();

    /// Handlers that run.
    std::size_t running() const noexcept { return running_; }

    /// Of them, those that were cancelled and do not return.
    std::size_t stuck() const noexcept { return stuck_; }

    std::size_t most() const noexcept { return how_.most; }

    /// A lowered number holds once those that run have ended.
    void set_most(std::size_t most);

    /// Starts nothing until `resume`; tells when nothing runs any more. Stuck handlers do not count: they
    /// would hold everybody else for ever.
    void hold();

    void resume();

    /// Starts this one though all others are held.
    void run_alone(held one);

    /// Nothing is started any more. Returns what was to run alone and has not begun.
    std::optional<held> close();

    /// Gives the handler that runs with it its whole time again.
    void restart_clock(entry_ref ref);

    /// Cancels the handlers that run; their deliveries end as cancelled however they return.
    void cancel_running();

    /// A delivery whose handler has not returned to the end.
    struct stuck_delivery
    {
        entry_ref ref;
        /// Attempts that count: without this one, unless it had failed by its timeout.
        std::uint32_t attempts;
    };

    /// Gives up the handlers that still run, and the workers; `ended` is not called for them any more.
    std::vector<stuck_delivery> abandon_running();

    /// Calls `visit(held&)` for everything running.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (auto const& one : lanes_)
            if (one->busy)
                for (auto& delivery : one->current)
                    visit(delivery);
    }

    /// Running deliveries for which `is_lost(entry_ref)` is true end as lost; a handler that has no other is
    /// cancelled.
    template <class IsLost>
    void lose_if(IsLost is_lost)
    {
        // By index: what a cancelled handler does at once can bring new lanes.
        for (std::size_t i = 0; i != lanes_.size(); ++i) {
            auto& one = *lanes_[i];
            if (!one.busy)
                continue;
            auto changed = false;
            for (auto& delivery : one.current)
                if (!delivery.is_lost && is_lost(delivery.ref))
                    changed = delivery.is_lost = true;
            if (changed && !one.cancelled && std::ranges::all_of(one.current, &held::is_lost))
                cancel(one, ended::lost);
        }
    }

private:
    struct lane : deadlines::timed
    {
        explicit lane(asio::any_io_executor const& strand) : wake(strand) {}

        asio::cancellation_signal cancel;
        condition wake;
        /// Where its handlers run, unless that is the broker's strand.
        asio::any_io_executor workers;
        /// What its handler has; a lane's strand sees the tasks only.
        std::vector<held> current;
        std::vector<detail::task> tasks;
        /// Its handler runs on the workers.
        bool is_apart = false;
        /// Of that handler, which needs it to its end.
        std::shared_ptr<asio::cancellation_signal> cancel_apart;
        bool busy = false;
        bool idle = false;
        bool alone = false;
        bool stuck = false;
        /// Why its handler was cancelled. Decides the outcome, not what the handler threw nor that it
        /// returned.
        std::optional<ended> cancelled;
        bool abandoned = false;
    };

    bool may_start() const noexcept;
    bool take(lane& self);
    asio::awaitable<void> work(lane& self);
    void start_apart(lane& self, subscription const& to);
    void finish(lane& self);
    asio::awaitable<void> watch();
    void start_clock(lane& one);
    void stamp_clocks();
    void wake_watch(deadlines::clock::time_point due);
    void cancel(lane& one, ended why);
    void report_stuck(lane& one);
    void tell_if_quiet();

    asio::any_io_executor strand_;
    settings how_;
    schedule& queue_;
    std::vector<subscription> const& subscriptions_;
    functions to_;
    deadlines running_out_;
    deadlines returning_;
    condition clock_;
    /// When the watch wakes by itself.
    deadlines::clock::time_point wakes_at_ = deadlines::clock::time_point::max();
    bool watched_ = false;
    bool abandoned_ = false;
    std::vector<std::unique_ptr<lane>> lanes_;
    std::vector<lane*> idle_;
    std::optional<held> alone_;
    std::size_t running_ = 0;
    std::size_t stuck_ = 0;
    /// A lane has been woken or made, and has not looked at the queue yet.
    bool summoned_ = false;
    bool held_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
