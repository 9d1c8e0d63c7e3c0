#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "consume/retry_queue.hpp"
#include "consume/slots.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace strandline::consume {

/// Brings the bodies of deliveries when they are due: of those that were tried before, found pending, or gave
/// their bodies up.
class redelivery
{
public:
    struct hooks
    {
        /// With its body; and what it has waited for.
        std::function<void(held&&, waiting const&)> arrived;
        /// It is not this consumer's any more; whether it is lost or gone.
        std::function<void(waiting const&, holding)> vanished;
        /// How many deliveries may be fetched to start: a few more than can start at once.
        std::function<std::size_t()> room;
        /// One is due and there is no place for it.
        std::function<void()> need_place;
        /// A call to the engine ended; places that it did not need are free again.
        std::function<void()> fetched;
        std::function<void(failure const&)> on_error;
    };

    redelivery(broker& engine, identity const& who, slots& places, hooks to);

    void add(waiting delivery);

    /// One that was found pending. These come first: before retries, and before anything new is read.
    void add_recovered(waiting delivery);

    /// Places got free, or room.
    void places_free();

    /// Places that are needed now: all of them while there are recovered deliveries.
    std::size_t wanted() const noexcept
    {
        return recovered_ != 0 ? places_.limit() : std::min(wanted_, queue_.size());
    }

    asio::awaitable<void> run();

    /// Fetches no more; returns what waits. What is under way still arrives.
    std::vector<waiting> close();

    bool busy() const noexcept { return !under_way_.empty(); }

    /// Deliveries that are being fetched.
    std::size_t under_way() const noexcept { return under_way_.size(); }

    /// Deliveries that wait.
    std::size_t size() const noexcept { return queue_.size(); }

    /// Calls `visit(waiting&)` for each delivery that waits or is being fetched.
    template <class Visit>
    void for_each(Visit visit)
    {
        queue_.for_each(visit);
        std::ranges::for_each(under_way_, visit);
    }

    /// Drops those that wait and for which `is_lost(entry_ref)` is true; they vanish with that state.
    /// Returns how many there were.
    template <class IsLost>
    std::size_t lose_if(IsLost is_lost, holding state)
    {
        auto const lost = queue_.take_if([&](waiting const& one) { return is_lost(one.ref); });
        for (auto const& one : lost) {
            recovered_ -= one.due == long_ago;
            to_.vanished(one, state);
        }
        return lost.size();
    }

private:
    /// When recovered deliveries are due: before everything else, also before followers, which have no
    /// time.
    static constexpr retry_queue::clock::time_point long_ago{std::chrono::nanoseconds(-1)};

    std::size_t possible() const;
    asio::awaitable<void> fetch();
    asio::awaitable<void> fetch_some(std::size_t begin, std::size_t end);

    broker& engine_;
    identity const& who_;
    slots& places_;
    hooks to_;
    retry_queue queue_;
    std::vector<waiting> under_way_;
    condition changed_;
    std::size_t wanted_ = 0;
    /// Recovered deliveries that have not been fetched.
    std::size_t recovered_ = 0;
    bool closed_ = false;
};

} // namespace strandline::consume
