#pragma once

#include "core/watchers.hpp"
#include "memory/locks.hpp"
#include "memory/streams.hpp"

#include <strandline/broker.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace strandline::memory {

/// What the broker's handle shares with its readers and with the operations under way, so that each of them
/// may end first. All but `closed` belongs to the strand.
struct core
{
    core(asio::any_io_executor executor, std::function<std::chrono::system_clock::time_point()> clock)
        : strand(std::move(executor))
        , tell_time(std::move(clock))
        , watchers(std::make_shared<strandline::watchers>(strand))
    {}

    instant now() const { return std::chrono::floor<std::chrono::milliseconds>(tell_time()); }

    asio::any_io_executor strand;
    std::function<std::chrono::system_clock::time_point()> tell_time;
    memory::streams streams;
    memory::locks locks;
    std::shared_ptr<strandline::watchers> watchers;
    /// Set at once by any thread, so that whatever starts after `close` has returned sees it.
    std::atomic<bool> closed = false;
    /// The reads that wait.
    std::vector<bell*> waiting;
};

} // namespace strandline::memory
