#pragma once

#include "consume/held.hpp"
#include "core/boot_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace strandline::consume {

/// Deliveries that wait for another attempt, by the time when it is due. They cost an id, not a body.
class retry_queue
{
public:
    using clock = std::chrono::steady_clock;

    struct waiting
    {
        clock::time_point due;
        entry_ref ref;
        /// Handlers that started with it so far.
        std::uint32_t attempts = 0;
        /// Before this moment the command was sent that gave, or renewed, the lease.
        boot_clock::time_point confirmed;
    };

    void push(waiting delivery)
    {
        heap_.push_back(delivery);
        std::ranges::push_heap(heap_, later);
    }

    std::optional<clock::time_point> next_due() const
    {
        return heap_.empty() ? std::nullopt : std::optional(heap_.front().due);
    }

    /// Takes out what is due, earliest first and then in the order of streams and ids, at most `most`.
    std::vector<waiting> pop_due(clock::time_point now, std::size_t most)
    {
        std::vector<waiting> due;
        while (!heap_.empty() && heap_.front().due <= now && due.size() < most) {
            std::ranges::pop_heap(heap_, later);
            due.push_back(heap_.back());
            heap_.pop_back();
        }
        return due;
    }

    /// All of them, in no order.
    std::vector<waiting> const& all() const noexcept { return heap_; }

    /// Calls `visit` for each; it may change all but `due` and `ref`.
    template <class Visit>
    void for_each(Visit visit)
    {
        std::ranges::for_each(heap_, visit);
    }

    /// Takes out those for which `is` is true; returns how many there were.
    template <class Is>
    std::size_t remove_if(Is is)
    {
        auto const removed = std::erase_if(heap_, is);
        std::ranges::make_heap(heap_, later);
        return removed;
    }

    std::vector<waiting> pop_all() { return std::exchange(heap_, {}); }

private:
    static bool later(waiting const& left, waiting const& right)
    {
        return std::tie(left.due, left.ref) > std::tie(right.due, right.ref);
    }

    std::vector<waiting> heap_;
};

} // namespace strandline::consume
