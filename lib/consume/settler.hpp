#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "core/boot_clock.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace strandline::consume {

/// Tells the engine how deliveries ended, many at a time: what ends while one call is under way goes with the
/// next.
///
/// A delivery whose end could not be told is told again, checked now whether it is ours still; it is never
/// run again for that.
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
        /// Told once for each call.
        std::function<void(failure const&)> on_error;
        /// Some were told; fewer wait.
        std::function<void()> progress;
    };

    struct settings
    {
        std::chrono::milliseconds lease;
        /// Handled entries are removed from their streams.
        bool delete_handled = false;
        dead_letter_limits dead_letters = {};
    };

    /// What is referred to must outlive the settler.
    settler(broker& engine, identity const& who, settings how, hooks to);

    void acknowledge(held const& delivery);

    /// Acknowledges what was not handled.
    void drop(held const& delivery);

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

    /// Deliveries whose end has not been confirmed.
    std::size_t unsettled() const noexcept;

    /// Calls `visit(entry_ref, confirmed&)` for each of them.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (stream_index stream = 0; stream != streams_.size(); ++stream) {
            for (auto& one : streams_[stream].waiting)
                visit(entry_ref{stream, one.id}, one.confirmed);
            for (auto& one : streams_[stream].under_way)
                visit(entry_ref{stream, one.id}, one.confirmed);
            for (auto& one : streams_[stream].refused)
                visit(entry_ref{stream, one.id}, one.confirmed);
        }
    }

private:
    struct ending
    {
        entry_id id;
        settle_as as = settle_as::acknowledged;
        bool cancelled = false;
        bool dropped = false;
        /// An earlier call for it had no answer, so that it may have been carried out.
        bool repeated = false;
        std::uint32_t attempts = 0;
        std::chrono::milliseconds idle{0};
        /// Acknowledged: when the lease was confirmed last.
        boot_clock::time_point confirmed;
        std::string_view reason;
        std::string error;
    };

    struct stream_endings
    {
        std::vector<ending> waiting;
        std::vector<ending> under_way;
        /// The engine keeps them pending: dead letters for which it has no room. They wait apart, so that
        /// they hold up nothing else.
        std::vector<ending> refused;
    };

    void add(stream_index stream, ending&& one);
    void try_refused_again();
    asio::awaitable<bool> settle(stream_index index);
    asio::awaitable<bool> settle_some(stream_index index, std::size_t begin, std::size_t end);
    void count(ending const& one, holding state);

    broker& engine_;
    identity const& who_;
    settings how_;
    hooks to_;
    std::vector<stream_endings> streams_;
    /// Kept for its capacity.
    std::vector<settlement> items_;
    condition changed_;
    condition on_finished_;
    counts counts_;
    std::chrono::steady_clock::time_point refused_due_ = std::chrono::steady_clock::time_point::max();
    std::chrono::milliseconds refused_pause_{0};
    bool idle_ = false;
    bool closed_ = false;
    bool finished_ = false;
};

} // namespace strandline::consume
