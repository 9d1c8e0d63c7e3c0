#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "consume/slots.hpp"
#include "consume/solitude.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <vector>

namespace strandline::consume {

/// Starts suspects: deliveries found pending, of which a handler may have ended its process. Each runs alone,
/// and its attempt is counted as it starts. So one that ends the process dies of its own attempts, and none
/// of those that would have run beside it.
class quarantine
{
public:
    struct hooks
    {
        /// To be run, while everything else is held.
        std::function<void(held)> start;
        std::function<void(waiting const&, holding)> vanished;
        /// There is no place for the next one.
        std::function<void()> need_place;
        /// Handlers that have ended so far.
        std::function<std::uint64_t()> progress;
        /// Whether there is anything to be handled but suspects.
        std::function<bool()> others_wait;
        /// It is over with the one under way.
        std::function<void()> ended;
        std::function<void(failure const&)> on_error;
    };

    /// What is referred to must outlive this, and so must the broker.
    quarantine(broker& engine, identity const& who, slots& places, solitude::member& alone, hooks to);

    void add(waiting suspect);

    /// The one that was started has ended.
    void finished();

    /// Nothing else runs now.
    void granted();

    /// A place got free, or a handler ended.
    void notify();

    /// Places that are needed now.
    std::size_t wanted() const noexcept { return suspects_.empty() ? 0 : wanted_; }

    asio::awaitable<void> run();

    /// Starts no more; returns those that wait.
    std::vector<waiting> close();

    bool busy() const noexcept { return fetching_; }

    std::size_t size() const noexcept { return suspects_.size(); }

    /// Calls `visit(waiting&)` for each that waits or is being fetched.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (auto& one : suspects_)
            visit(one);
        if (fetching_)
            visit(current_);
    }

    /// Drops those that wait and for which `is_lost(entry_ref)` is true; they vanish with that state. Returns
    /// how many there were.
    template <class IsLost>
    std::size_t lose_if(IsLost is_lost, holding state)
    {
        std::vector<waiting> lost;
        std::erase_if(suspects_, [&](waiting const& one) {
            if (!is_lost(one.ref))
                return false;
            lost.push_back(one);
            return true;
        });
        for (auto const& one : lost)
            to_.vanished(one, state);
        return lost.size();
    }

private:
    using clock = std::chrono::steady_clock;

    asio::awaitable<void> let_others_work();
    asio::awaitable<bool> be_alone();
    asio::awaitable<void> start_next();

    broker& engine_;
    identity const& who_;
    slots& places_;
    solitude::member& alone_;
    hooks to_;
    condition changed_;
    std::deque<waiting> suspects_;
    waiting current_;
    /// How long the others are held at the most until they are quiet; grows when it was not enough.
    std::chrono::milliseconds hold_;
    std::size_t wanted_ = 0;
    bool fetching_ = false;
    bool running_ = false;
    bool is_alone_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
