#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "core/boot_clock.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strandline::consume {

/// Tells the engine how deliveries ended, many at a time: what ends while a call is under way goes with the
/// next. When it comes faster than the answers do, several calls are under way, each as full as it may be.
///
/// A delivery whose end could not be told is told again, checked now whether it is ours still; it is never
/// run again for that. An engine that cannot be reached is asked by one call at a time.
class settler
{
public:
    struct counts
    {
        std::uint64_t handled = 0;
        std::uint64_t dropped = 0;
        std::uint64_t dead = 0;
        std::uint64_t released = 0;
        std::uint64_t cancelled = 0;
        std::uint64_t gone = 0;
        std::uint64_t lost = 0;
    };

    struct hooks
    {
        /// Told once for calls that fail together.
        std::function<void(failure const&)> on_error;
        /// Some were told; fewer wait.
        std::function<void()> progress;
    };

    struct settings
    {
        std::chrono::milliseconds lease;
        /// Handled entries are removed from their streams.
        bool delete_handled = false;
        retention dead_letters = {};
    };

    /// What is referred to must outlive the settler.
    settler(broker& engine, identity const& who, settings how, hooks to);

    void acknowledge(held const& delivery);

    /// Acknowledges what was not handled.
    void drop(held const& delivery);

    /// Acknowledges what is another group's; it is in no count.
    void pass_over(held const& delivery);

    /// Hands back; the count becomes `attempts` and another consumer can claim it when it has been idle for
    /// so long.
    void
    release(entry_ref ref, std::uint32_t attempts, std::chrono::milliseconds idle, bool cancelled = false);

    void bury(entry_ref ref, std::uint32_t attempts, std::string_view reason, std::string error);

    /// Settles what comes until it is closed and all was tried once more, or the engine cannot be reached
    /// after the close.
    asio::awaitable<void> run();

    void close();

    bool finished() const noexcept { return finished_; }

    /// Woken when `finished`.
    condition& on_finished() noexcept { return on_finished_; }

    counts const& so_far() const noexcept { return counts_; }

    /// When a delivery of the stream was last confirmed to have been handled.
    std::optional<std::chrono::steady_clock::time_point> handled_at(stream_index stream) const
    {
        return streams_[stream].handled_at;
    }

    /// Deliveries whose end has not been confirmed.
    std::size_t unsettled() const noexcept { return unsettled_; }

    /// Calls `visit(entry_ref, confirmed&)` for each of them.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (stream_index stream = 0; stream != streams_.size(); ++stream) {
            auto const note = [&](ending& one) { visit(entry_ref{stream, one.id}, one.confirmed); };
            for (auto& some : streams_[stream].waiting)
                std::ranges::for_each(some, note);
            std::ranges::for_each(streams_[stream].refused, note);
        }
        for (auto& one : calls_)
            for (auto& ended : one.endings)
                visit(entry_ref{one.stream, ended.id}, ended.confirmed);
    }

private:
    using clock = std::chrono::steady_clock;

    /// What goes to a dead letter's headers.
    struct cause
    {
        std::string_view reason;
        std::string error;
    };

    struct ending
    {
        entry_id id;
        /// When the lease was confirmed last; handed back: never to be renewed.
        boot_clock::time_point confirmed;
        settle_as as = settle_as::acknowledged;
        bool cancelled = false;
        bool dropped = false;
        bool passed_over = false;
        /// An earlier call for it had no answer, so that it may have been carried out.
        bool repeated = false;
        std::uint32_t attempts = 0;
        std::chrono::milliseconds idle{0};
        std::unique_ptr<cause> died_of;
    };

    /// As many as one call takes, at the most.
    using batch = std::vector<ending>;

    struct stream_endings
    {
        /// All but the last are full.
        std::deque<batch> waiting;
        /// The engine keeps them pending: dead letters for which it has no room, or all of a stream that has
        /// become something else. They wait apart, so that they hold up nothing else.
        std::vector<ending> refused;
        std::size_t calls = 0;
        std::optional<clock::time_point> handled_at;
    };

    struct call
    {
        stream_index stream = 0;
        /// Empty when it is not under way.
        batch endings;
        std::vector<settlement> items;
    };

    static constexpr std::size_t most_calls = 8;

    void add(stream_index stream, ending&& one);
    void queue(stream_endings& stream, ending&& one);
    bool may_start(stream_endings const& stream) const noexcept;
    clock::time_point next_due() const noexcept;
    void start_calls();
    void start_call(stream_index index);
    asio::awaitable<void> carry_out(call& own);
    void finish(call& own, failure broken);
    void fall_silent();
    void hold_refused();
    void try_refused_again();
    void count(ending const& one, holding state);
    void wake();

    broker& engine_;
    identity const& who_;
    settings how_;
    hooks to_;
    std::vector<stream_endings> streams_;
    std::array<call, most_calls> calls_;
    /// Kept for their capacity.
    std::vector<batch> spare_;
    std::size_t under_way_ = 0;
    /// So many calls may be under way now. It grows with each answer: before the first one nobody knows
    /// whether there is an engine.
    std::size_t window_ = 1;
    /// Where to look first for endings to be told, so that all streams get their turn.
    stream_index turn_ = 0;
    std::size_t unsettled_ = 0;
    condition changed_;
    condition on_finished_;
    counts counts_;
    /// The last call had no answer: nothing is told until then.
    bool is_silent_ = false;
    clock::time_point silent_until_;
    clock::time_point refused_due_ = clock::time_point::max();
    std::chrono::milliseconds refused_pause_{0};
    /// Nothing is to be done until somebody wakes.
    bool idle_ = false;
    bool closed_ = false;
    /// What is not told now, is not told any more.
    bool last_try_ = false;
    bool finished_ = false;
};

} // namespace strandline::consume
