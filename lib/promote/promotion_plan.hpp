#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace strandline::promote {

/// Decides when which stream's delayed entries are looked at: when the next one is due, at once when a hint
/// tells of a nearer one, and now and then in case a hint was lost.
class promotion_plan
{
public:
    using clock = std::chrono::steady_clock;

    /// All are to be looked at.
    promotion_plan(std::size_t streams, clock::time_point now);

    /// Hints may have been lost: all are to be looked at, and more often for a while, until they arrive
    /// again.
    void look_at_all(clock::time_point now);

    /// A hint. One that fails is not tried more often for it.
    void look_at(std::size_t stream, clock::time_point now);

    /// The stream whose turn is first, and when that is.
    struct turn
    {
        std::size_t stream = 0;
        clock::time_point when = clock::time_point::max();
    };

    turn next() const;

    /// A look begins: a hint that comes from now on may be of what it does not see.
    void began(std::size_t stream);

    void ended(std::size_t stream, promotion const& done, clock::time_point now);

    /// `may_pass`: it may succeed soon, without anybody's doing.
    void failed(std::size_t stream, bool may_pass, clock::time_point now);

    /// The last look at each stream found nothing that is due, or was refused.
    bool is_at_rest() const;

private:
    struct state
    {
        clock::time_point when;
        /// Between two looks, at the most.
        clock::duration longest_sleep;
        /// After a failure; 0 after a success.
        clock::duration pause{0};
        bool is_at_rest = false;
        bool hinted = false;
    };

    clock::duration next_pause(state& of, clock::duration longest);

    std::vector<state> streams_;
    clock::duration longest_sleep_;
};

} // namespace strandline::promote
