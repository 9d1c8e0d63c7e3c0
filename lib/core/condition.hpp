#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace strandline {

/// A condition variable for coroutines of one strand: a timer that is cancelled to wake who waits. A waiter
/// looks at its condition before it waits and after; on one strand nothing comes between.
class condition
{
public:
    explicit condition(boost::asio::any_io_executor const& strand)
        : timer_(strand, boost::asio::steady_timer::time_point::max())
    {}

    boost::asio::awaitable<void> wait()
    {
        // Setting the time anew would wake those who wait already.
        if (timer_.expiry() != boost::asio::steady_timer::time_point::max())
            timer_.expires_at(boost::asio::steady_timer::time_point::max());
        co_await timer_.async_wait(boost::asio::as_tuple);
    }

    /// Waits until that time at most. For one waiter at a time.
    boost::asio::awaitable<void> wait_until(boost::asio::steady_timer::time_point when)
    {
        timer_.expires_at(when);
        co_await timer_.async_wait(boost::asio::as_tuple);
    }

    void notify() { timer_.cancel(); }

private:
    boost::asio::steady_timer timer_;
};

} // namespace strandline
