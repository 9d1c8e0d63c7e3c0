#pragma once

#include "consume/held.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace strandline::consume {

/// Deliveries without their bodies, by the time when they are due.
class retry_queue
{
public:
    using clock = std::chrono::steady_clock;

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

    std::size_t size() const noexcept { return heap_.size(); }

    /// Calls `visit` for each; it may change all but `due` and `ref`.
    template <class Visit>
    void for_each(Visit visit)
    {
        std::ranges::for_each(heap_, visit);
    }

    /// Takes out those for which `is` is true.
    template <class Is>
    std::vector<waiting> take_if(Is is)
    {
        std::vector<waiting> taken;
        std::erase_if(heap_, [&](waiting const& one) {
            if (!is(one))
                return false;
            taken.push_back(one);
            return true;
        });
        std::ranges::make_heap(heap_, later);
        return taken;
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
