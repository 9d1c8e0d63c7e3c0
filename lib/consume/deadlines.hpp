#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <optional>

namespace strandline::consume {

/// Deadlines that are all the same time away when they are set, so that the first one set is the first one
/// due: one list and one timer serve any number of them, without an allocation.
class deadlines
{
public:
    using clock = std::chrono::steady_clock;

    /// What has a deadline derives from this, in one list at a time.
    class timed
        : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
    {
        friend deadlines;
        clock::time_point due_;
    };

    explicit deadlines(clock::duration length) : length_(length) {}

    /// It has its deadline from the next `stamp` on. Reading the clock once is enough for many that are added
    /// at about the same time.
    void add(timed& one)
    {
        one.due_ = clock::time_point::max();
        list_.push_back(one);
    }

    /// Some are without a deadline.
    bool wants_stamp() const noexcept
    {
        return !list_.empty() && list_.back().due_ == clock::time_point::max();
    }

    /// Gives those without a deadline theirs, and returns it.
    clock::time_point stamp(clock::time_point now)
    {
        auto const due = now + length_;
        for (auto one = list_.rbegin(); one != list_.rend() && one->due_ == clock::time_point::max(); ++one)
            one->due_ = due;
        return due;
    }

    /// Returns when it is due.
    clock::time_point set(timed& one, clock::time_point now)
    {
        add(one);
        return stamp(now);
    }

    /// Takes it out of whatever list it is in.
    static void clear(timed& one)
    {
        if (one.is_linked())
            one.unlink();
    }

    /// The next one that is due, taken out; null when there is none.
    timed* expire(clock::time_point now)
    {
        if (list_.empty() || list_.front().due_ > now)
            return nullptr;
        auto* const first = &list_.front();
        list_.pop_front();
        return first;
    }

    /// When the next one is due.
    std::optional<clock::time_point> next() const
    {
        return list_.empty() ? std::nullopt : std::optional(list_.front().due_);
    }

private:
    clock::duration length_;
    boost::intrusive::list<timed, boost::intrusive::constant_time_size<false>> list_;
};

} // namespace strandline::consume
