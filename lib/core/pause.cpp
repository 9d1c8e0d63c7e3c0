#include "core/pause.hpp"

#include "core/condition.hpp"

#include <boost/asio/post.hpp>

#include <memory>

namespace strandline {

boost::asio::awaitable<void> pause_until(
    boost::asio::any_io_executor strand, std::chrono::steady_clock::time_point when, std::stop_token stop
)
{
    // Shared: what was posted may come when the wait is over.
    auto const stopped = std::make_shared<condition>(strand);
    std::stop_callback const tell(stop, [strand, stopped] {
        boost::asio::post(strand, [stopped] { stopped->notify(); });
    });
    // What has been told by now is posted, and comes once it waits.
    co_await stopped->wait_until(when);
}

} // namespace strandline
