#pragma once

#include "consume/branch.hpp"
#include "consume/mailbox.hpp"

#include <boost/asio/any_completion_handler.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace strandline::consume {

/// What a consumer's handle and its operations share: a branch for each broker on which there is a stream of
/// it, and the run under way, which is one of all branches. Its functions may be called from any thread; they
/// only post to its strand, and from there all branches are told in the same order.
class control : public std::enable_shared_from_this<control>
{
public:
    using run_handler = asio::any_completion_handler<void(failure, consume_report)>;

    /// The broker of a stream, or why there is none.
    using find_broker = std::function<result<broker_ptr>(std::string_view stream)>;

    /// `strand` is that of one of the brokers.
    control(asio::any_io_executor strand, find_broker find, consumer_options options);

    asio::any_io_executor const& get_executor() const noexcept { return strand_; }

    /// Before `start` only, as are the next two.
    void wrap(detail::wrapped_handler::function around);

    void add(std::string_view stream, std::unique_ptr<detail::handler> handler, stream_options options);

    /// The stream's deliveries go to who receives them.
    void pull(std::string_view stream, stream_options options);

    void start(run_handler handler, run_mode mode);

    void receive(mailbox::receive_handler handler) { box_->receive(std::move(handler)); }

    using status_handler = asio::any_completion_handler<void(failure, consumer_status)>;

    /// Of all branches together.
    void tell_status(status_handler handler);

    /// For the run under way and those that come.
    void set_limits(std::size_t max_concurrency, std::size_t max_in_flight);

    void stop(std::chrono::milliseconds grace);

    /// The consumer's handle is gone: stops at once, and nobody can receive anything any more.
    void retire();

private:
    struct run;

    branch& branch_for(std::string_view stream, stream_options const& options, std::size_t most);
    void begin(std::shared_ptr<run> const& one);
    void branch_ended(run& of, failure why, consume_report const& report);
    void end(run& one);
    void cancel(std::weak_ptr<run> const& own, asio::cancellation_type type);
    void stop_all(std::chrono::milliseconds grace);

    asio::any_io_executor strand_;
    find_broker find_;
    std::shared_ptr<mailbox> box_;
    /// Do not change any more once there was a run.
    std::vector<std::shared_ptr<branch>> branches_;
    std::size_t pulled_streams_ = 0;
    /// The outermost first.
    std::vector<std::shared_ptr<detail::wrapped_handler::function>> around_;
    /// Replaced, not changed; on the strand only, once there was a run.
    std::shared_ptr<consumer_options const> options_;
    /// On the strand only. Kept by what its branches have yet to do, so that it goes when their contexts go.
    std::weak_ptr<run> current_;
};

} // namespace strandline::consume
