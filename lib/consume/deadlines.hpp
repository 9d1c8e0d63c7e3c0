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

    /// Returns when it is due.
    clock::time_point set(timed& one, clock::time_point now)
    {
        one.due_ = now + length_;
        list_.push_back(one);
        return one.due_;
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
