#pragma once

#include "consume/mailbox.hpp"
#include "consume/session.hpp"

#include <boost/asio/any_completion_handler.hpp>

#include <memory>
#include <vector>

namespace strandline::consume {

/// What a consumer's handle and its operations share: the streams and options, and the run under way. Its
/// functions may be called from any thread; they only post.
class control : public std::enable_shared_from_this<control>
{
public:
    using run_handler = asio::any_completion_handler<void(failure, consume_report)>;

    control(broker_ptr engine, consumer_options options);

    asio::any_io_executor const& get_executor() const noexcept { return engine_->get_executor(); }

    /// Before `start` only, as are the next two.
    void wrap(detail::wrapped_handler::function around);

    void add(std::string_view stream, std::unique_ptr<detail::handler> handler, stream_options options);

    void start(run_handler handler, run_mode mode);

    /// The stream's deliveries go to who receives them.
    void pull(std::string_view stream, stream_options options);

    void receive(mailbox::receive_handler handler) { box_->receive(std::move(handler)); }

    /// For the run under way and those that come.
    void set_limits(std::size_t max_concurrency, std::size_t max_in_flight);

    void stop(std::chrono::milliseconds grace);

    /// The consumer's handle is gone: stops at once, and nobody can receive anything any more.
    void retire();

private:
    /// The run that one `async_run` has started; a cancellation ends this one and no other. On the strand
    /// only.
    using own_run = std::shared_ptr<std::weak_ptr<session>>;

    void subscribe(subscription one);
    void begin(run_handler handler, own_run const& own, run_mode mode);
    void extend(std::string const& stream, entry_id id);
    void cancel(own_run const& own, asio::cancellation_type type);
    failure check_streams() const;

    broker_ptr engine_;
    std::shared_ptr<mailbox> box_;
    /// The outermost first.
    std::vector<std::shared_ptr<detail::wrapped_handler::function>> around_;
    /// Replaced, not changed; on the strand only, once there was a run.
    std::shared_ptr<consumer_options const> options_;
    std::shared_ptr<std::vector<subscription>> subscriptions_ = std::make_shared<std::vector<subscription>>();
    /// On the strand only.
    std::weak_ptr<session> current_;
};

} // namespace strandline::consume
