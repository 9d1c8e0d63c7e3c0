#include "consume/control.hpp"

#include <strandline/names.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

namespace strandline::consume {

namespace {

/// A name that no other process has, now or later.
std::string unique_name()
{
    boost::system::error_code ignored;
    std::random_device random;
    return fmt::format("{}-{}-{:08x}", asio::ip::host_name(ignored), ::getpid(), random());
}

/// Calls the handler where it wants to be called, never from within the function that started it.
void complete(
    control::run_handler handler, asio::any_io_executor const& strand, failure why, consume_report report
)
{
    auto const executor = asio::get_associated_executor(handler, strand);
    asio::dispatch(executor, asio::append(std::move(handler), std::move(why), report));
}

} // namespace

control::control(broker_ptr engine, consumer_options options) : engine_(std::move(engine))
{
    if (options.name.empty())
        options.name = unique_name();
    if (!options.on_error)
        options.on_error = [](failure const&) {};
    options_ = std::make_shared<consumer_options const>(std::move(options));
}

void control::add(std::string_view stream, std::unique_ptr<detail::handler> handler)
{
    if (auto why = check_stream_name(stream))
        throw error(std::move(why));
    if (std::ranges::find(*subscriptions_, stream, &subscription::stream) != subscriptions_->end())
        throw error({errc::invalid_name, fmt::format("the stream '{}' has a handler already", stream)});
    subscriptions_->push_back({std::string(stream), std::move(handler)});
}

failure control::check_streams() const
{
    if (subscriptions_->empty())
        return {errc::invalid_option, "the consumer has no handler"};
    return {};
}

void control::start(run_handler handler)
{
    auto const own = std::make_shared<std::weak_ptr<session>>();
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign([weak = weak_from_this(), own](asio::cancellation_type type) {
            if (auto const self = weak.lock())
                self->cancel(own, type);
        });
    asio::post(get_executor(), [self = shared_from_this(), own, handler = std::move(handler)]() mutable {
        self->begin(std::move(handler), own);
    });
}

void control::begin(run_handler handler, own_run const& own)
{
    auto why = check_streams();
    if (!current_.expired())
        why = errc::already_running;
    if (why)
        return complete(std::move(handler), get_executor(), std::move(why), {});

    auto const running = std::make_shared<session>(engine_, subscriptions_, options_);
    current_ = running;
    *own = running;
    // The handler's own context must not run out of work meanwhile.
    auto work = asio::make_work_guard(asio::get_associated_executor(handler, get_executor()));
    asio::co_spawn(
        get_executor(), running->run(),
        [self = shared_from_this(), running, work = std::move(work),
         handler = std::move(handler)](std::exception_ptr unexpected, session::ending end) mutable {
            if (unexpected)
                std::rethrow_exception(unexpected);
            self->current_.reset();
            complete(std::move(handler), self->get_executor(), std::move(end.why), end.report);
        }
    );
}

void control::stop(std::chrono::milliseconds grace)
{
    asio::post(get_executor(), [self = shared_from_this(), grace] {
        if (auto const running = self->current_.lock())
            running->stop(grace);
    });
}

void control::cancel(own_run const& own, asio::cancellation_type type)
{
    auto const terminal = (type & asio::cancellation_type::terminal) != asio::cancellation_type::none;
    asio::post(get_executor(), [own, terminal] {
        if (auto const running = own->lock())
            running->cancel(terminal ? std::chrono::milliseconds(0) : default_grace);
    });
}

} // namespace strandline::consume
