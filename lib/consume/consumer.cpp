#include "consume/control.hpp"

#include <strandline/consumer.hpp>
#include <strandline/registry.hpp>

#include <utility>

namespace strandline {

consume_report& consume_report::operator+=(consume_report const& other) noexcept
{
    handled += other.handled;
    retried += other.retried;
    dead += other.dead;
    dropped += other.dropped;
    released += other.released;
    cancelled += other.cancelled;
    stuck += other.stuck;
    gone += other.gone;
    lost += other.lost;
    unsettled += other.unsettled;
    return *this;
}

consumer::consumer(broker_ptr broker, consumer_options options)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    control_ = std::make_shared<consume::control>(
        broker->get_executor(), [broker](std::string_view) { return broker; }, std::move(options)
    );
}

consumer::consumer(registry const& from, consumer_options options)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    auto find = [from, group = options.group](std::string_view stream) -> result<broker_ptr> {
        if (auto unknown = from.check_group(stream, group))
            return unknown;
        return from.broker_of(stream);
    };
    control_ = std::make_shared<consume::control>(
        from.servers().front().broker->get_executor(), std::move(find), std::move(options)
    );
}

consumer::~consumer()
{
    if (control_)
        control_->retire();
}

consumer::consumer(consumer&&) noexcept = default;

consumer& consumer::operator=(consumer&& other) noexcept
{
    if (this != &other) {
        if (control_)
            control_->retire();
        control_ = std::move(other.control_);
    }
    return *this;
}

void consumer::stop(std::chrono::milliseconds grace)
{
    control_->stop(grace);
}

void consumer::wrap(middleware around)
{
    control_->wrap(std::move(around));
}

void consumer::pull(std::string_view stream, stream_options options)
{
    control_->pull(stream, std::move(options));
}

void consumer::receive(std::shared_ptr<consume::control> const& control, receive_handler handler)
{
    control->receive(std::move(handler));
}

void consumer::tell_status(std::shared_ptr<consume::control> const& control, status_handler handler)
{
    control->tell_status(std::move(handler));
}

asio::any_io_executor consumer::executor_of(consume::control const& control) noexcept
{
    return control.get_executor();
}

void consumer::set_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    if (auto invalid = validate_limits(max_concurrency, max_in_flight))
        throw error(std::move(invalid));
    control_->set_limits(max_concurrency, max_in_flight);
}

void consumer::start(std::shared_ptr<consume::control> const& control, run_handler handler, bool drains)
{
    control->start(
        std::move(handler), drains ? consume::run_mode::until_drained : consume::run_mode::until_stopped
    );
}

void consumer::add(std::string_view stream, std::unique_ptr<detail::handler> handler, stream_options options)
{
    control_->add(stream, std::move(handler), std::move(options));
}

} // namespace strandline
