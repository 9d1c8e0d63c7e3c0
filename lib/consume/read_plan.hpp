#pragma once

#include "consume/held.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace strandline::consume {

/// Decides what the next read asks for.
///
/// A read asks for up to `count` entries of each of its streams and so needs count × streams places. With
/// fewer places than streams it takes some of the streams, others the next time.
class read_plan
{
public:
    struct read
    {
        std::vector<stream_index> streams;
        /// Of each stream; 0: do not read now.
        std::size_t count = 0;
        bool may_wait = false;
        /// It asks only some of the streams, and must not wait long for them.
        bool partial = false;

        std::size_t places() const noexcept { return count * streams.size(); }
    };

    read_plan(std::size_t read_count, std::size_t limit) : read_count_(read_count), limit_(limit) {}

    /// `streams`: those that can be read. `free`: places. `queued`: deliveries that wait for a lane.
    read next(std::vector<stream_index> const& streams, std::size_t free, std::size_t queued)
    {
        read plan;
        // One read waits for entries; a second is under way beside it only while they flow, so that the
        // server answers while we work, and it does not wait: it would only hold places.
        if (streams.empty() || free == 0 || under_way_ >= (flowing_ ? 2U : 1U))
            return plan;
        // Not one command for every place that gets free, as long as there is something left to do.
        if (queued != 0 && free < std::min(read_count_, limit_ / 4))
            return plan;
        plan.may_wait = under_way_ == 0;
        partial_ = free < streams.size();
        if (free >= streams.size()) {
            plan.streams = streams;
            plan.count = std::min(read_count_, free / streams.size());
        }
        else {
            plan.partial = true;
            plan.count = 1;
            // Waiting for one keeps the others waiting: only when all have been asked in vain.
            plan.may_wait = plan.may_wait && empty_ >= streams.size();
            for (std::size_t i = 0; i != free; ++i)
                plan.streams.push_back(streams[turn_++ % streams.size()]);
        }
        return plan;
    }

    void began() noexcept { ++under_way_; }

    /// A read ended that asked for `places` and brought `entries`.
    void finished(std::size_t places, std::size_t entries) noexcept
    {
        --under_way_;
        // A full answer says that there is more.
        flowing_ = entries != 0 && entries == places;
        empty_ = entries == 0 ? empty_ + 1 : 0;
    }

    std::size_t under_way() const noexcept { return under_way_; }

    void set_limit(std::size_t limit) noexcept { limit_ = limit; }

    /// What was found empty before counts no more.
    void look_again() noexcept { empty_ = 0; }

    /// The last reads brought nothing, and asked all of so many streams.
    bool all_empty(std::size_t streams) const noexcept
    {
        return empty_ != 0 && (!partial_ || empty_ >= streams);
    }

private:
    std::size_t read_count_;
    std::size_t limit_;
    std::size_t under_way_ = 0;
    std::size_t turn_ = 0;
    /// Reads in a row that brought nothing.
    std::size_t empty_ = 0;
    bool flowing_ = false;
    /// The last read asked only some of the streams.
    bool partial_ = false;
};

} // namespace strandline::consume
