#pragma once

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

    /// Before `start` only.
    void add(std::string_view stream, std::unique_ptr<detail::handler> handler);

    void start(run_handler handler);

    void stop(std::chrono::milliseconds grace);

private:
    /// The run that one `async_run` has started; a cancellation ends this one and no other. On the strand
    /// only.
    using own_run = std::shared_ptr<std::weak_ptr<session>>;

    void begin(run_handler handler, own_run const& own);
    void cancel(own_run const& own, asio::cancellation_type type);
    failure check_streams() const;

    broker_ptr engine_;
    std::shared_ptr<consumer_options const> options_;
    std::shared_ptr<std::vector<subscription>> subscriptions_ = std::make_shared<std::vector<subscription>>();
    /// On the strand only.
    std::weak_ptr<session> current_;
};

} // namespace strandline::consume
