#pragma once

#include "consume/session.hpp"
#include "consume/subscription.hpp"

#include <boost/asio/any_completion_handler.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace strandline::consume {

/// A consumer's part on one broker: the streams that it reads there, and the session under way. What it is
/// told from one strand happens in that order.
class branch : public std::enable_shared_from_this<branch>
{
public:
    using end_handler = asio::any_completion_handler<void(failure, consume_report)>;

    explicit branch(broker_ptr engine) : engine_(std::move(engine)) {}

    broker_ptr const& engine() const noexcept { return engine_; }

    asio::any_io_executor const& get_executor() const noexcept { return engine_->get_executor(); }

    /// Before `start` only.
    void subscribe(subscription one) { subscriptions_->push_back(std::move(one)); }

    bool has(std::string_view stream) const;

    /// Not while a session is under way. The handler is called where it wants to be called.
    void start(std::shared_ptr<consumer_options const> options, run_mode mode, end_handler handler);

    /// The following are for the session under way, if there is one.
    void set_limits(std::size_t max_concurrency, std::size_t max_in_flight);
    void stop(std::chrono::milliseconds grace);
    void cancel(std::chrono::milliseconds grace);

    using status_handler = asio::any_completion_handler<void(consumer_status)>;

    /// The handler is called where it wants to be called.
    void tell_status(status_handler handler);

    /// From any thread.
    void extend(std::string const& stream, entry_id id);

private:
    template <class F>
    void with_session(F what);

    broker_ptr engine_;
    std::shared_ptr<std::vector<subscription>> subscriptions_ = std::make_shared<std::vector<subscription>>();
    /// On the strand only.
    std::weak_ptr<session> current_;
};

} // namespace strandline::consume
