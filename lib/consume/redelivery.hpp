#pragma once

#include "consume/held.hpp"
#include "consume/retry_queue.hpp"
#include "consume/slots.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace strandline::consume {

/// Brings deliveries back that were tried before, or found pending, when they are due: fetches their bodies
/// and counts the attempt.
class redelivery
{
public:
    struct hooks
    {
        std::function<void(held)> arrived;
        /// One is due and there is no place for it.
        std::function<void()> need_place;
        /// A call to the engine ended; places that it did not need are free again.
        std::function<void()> fetched;
        std::function<void(failure const&)> on_error;
    };

    /// The names must outlive this, and so must the broker.
    redelivery(
        broker& engine, std::vector<std::string_view> streams, std::string_view group,
        std::string_view consumer, slots& places, hooks to
    );

    void add(retry_queue::waiting delivery);

    /// One that was found pending. These come first: before retries, and before anything new is read.
    void add_recovered(entry_ref ref, std::uint32_t attempts, boot_clock::time_point confirmed);

    /// Places got free.
    void places_free();

    /// Places that are needed now: all of them while there are recovered deliveries.
    std::size_t wanted() const noexcept { return recovered_ != 0 ? places_.limit() : wanted_; }

    asio::awaitable<void> run();

    /// Fetches no more; returns what waits. What is under way still arrives.
    std::vector<retry_queue::waiting> close();

    bool busy() const noexcept { return !under_way_.empty(); }

    /// Deliveries that are being fetched.
    std::size_t under_way() const noexcept { return under_way_.size(); }

    std::uint64_t lost() const noexcept { return lost_; }

    std::uint64_t gone() const noexcept { return gone_; }

    /// Deliveries that wait.
    std::size_t waiting() const noexcept { return queue_.all().size(); }

    /// Calls `visit(retry_queue::waiting&)` for each delivery that waits or is being fetched.
    template <class Visit>
    void for_each(Visit visit)
    {
        queue_.for_each(visit);
        std::ranges::for_each(under_way_, visit);
    }

    /// Drops those that wait and for which `is_lost(entry_ref)` is true, and counts them.
    template <class IsLost>
    std::size_t lose_if(IsLost is_lost)
    {
        return queue_.remove_if([&](retry_queue::waiting const& one) {
            if (!is_lost(one.ref))
                return false;
            recovered_ -= one.due == long_ago;
            return true;
        });
    }

private:
    /// When recovered deliveries are due: before everything else.
    static constexpr retry_queue::clock::time_point long_ago{};

    asio::awaitable<void> fetch();

    broker& engine_;
    std::vector<std::string_view> streams_;
    std::string_view group_;
    std::string_view consumer_;
    slots& places_;
    hooks to_;
    retry_queue queue_;
    std::vector<retry_queue::waiting> under_way_;
    condition changed_;
    std::size_t wanted_ = 0;
    /// Recovered deliveries that have not been fetched.
    std::size_t recovered_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t gone_ = 0;
    bool closed_ = false;
};

} // namespace strandline::consume
