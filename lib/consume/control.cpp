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

constexpr std::size_t largest_batch = 10'000;

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

control::control(broker_ptr engine, consumer_options options)
    : engine_(std::move(engine))
    , box_(std::make_shared<mailbox>(engine_->get_executor()))
{
    if (options.name.empty())
        options.name = unique_name();
    if (!options.on_error)
        options.on_error = [](failure const&) {};
    options_ = std::make_shared<consumer_options const>(std::move(options));
}

void control::wrap(detail::wrapped_handler::function around)
{
    around_.push_back(std::make_shared<detail::wrapped_handler::function>(std::move(around)));
}

void control::add(std::string_view stream, std::unique_ptr<detail::handler> handler, stream_options options)
{
    for (auto outer = around_.rbegin(); outer != around_.rend(); ++outer)
        handler = std::make_unique<detail::wrapped_handler>(*outer, std::move(handler));
    subscribe({std::string(stream), std::move(handler), std::move(options)});
}

void control::subscribe(subscription one)
{
    if (auto invalid = validate(one.options))
        throw error(std::move(invalid));
    if (auto const most = one.handler->most(); most < 1 || most > largest_batch)
        throw error(
            {errc::invalid_option,
             fmt::format("a batch must be from 1 to {} deliveries, and is {}", largest_batch, most)}
        );
    if (auto why = check_stream_name(one.stream))
        throw error(std::move(why));
    if (std::ranges::find(*subscriptions_, one.stream, &subscription::stream) != subscriptions_->end())
        throw error({errc::invalid_name, fmt::format("the stream '{}' has a handler already", one.stream)});
    subscriptions_->push_back(std::move(one));
}

void control::pull(std::string_view stream, stream_options options)
{
    auto handler =
        std::make_unique<pull_handler>(box_, [weak = weak_from_this()](std::string const& of, entry_id id) {
            if (auto const self = weak.lock())
                self->extend(of, id);
        });
    subscribe({std::string(stream), std::move(handler), std::move(options)});
}

void control::extend(std::string const& stream, entry_id id)
{
    asio::dispatch(get_executor(), [self = shared_from_this(), stream, id] {
        if (auto const running = self->current_.lock())
            running->extend(stream, id);
    });
}

failure control::check_streams() const
{
    if (subscriptions_->empty())
        return {errc::invalid_option, "the consumer has no handler"};
    return {};
}

void control::start(run_handler handler, run_mode mode)
{
    auto const own = std::make_shared<std::weak_ptr<session>>();
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign([weak = weak_from_this(), own](asio::cancellation_type type) {
            if (auto const self = weak.lock())
                self->cancel(own, type);
        });
    asio::post(
        get_executor(), [self = shared_from_this(), own, handler = std::move(handler),
                         mode]() mutable { self->begin(std::move(handler), own, mode); }
    );
}

void control::begin(run_handler handler, own_run const& own, run_mode mode)
{
    auto why = check_streams();
    if (!current_.expired())
        why = errc::already_running;
    if (why)
        return complete(std::move(handler), get_executor(), std::move(why), {});

    auto const running = std::make_shared<session>(engine_, subscriptions_, options_, mode);
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

void control::set_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    asio::post(get_executor(), [self = shared_from_this(), max_concurrency, max_in_flight] {
        auto changed = *self->options_;
        changed.max_concurrency = max_concurrency;
        changed.max_in_flight = max_in_flight;
        self->options_ = std::make_shared<consumer_options const>(std::move(changed));
        if (auto const running = self->current_.lock())
            running->set_limits(max_concurrency, max_in_flight);
    });
}

void control::stop(std::chrono::milliseconds grace)
{
    asio::post(get_executor(), [self = shared_from_this(), grace] {
        if (auto const running = self->current_.lock())
            running->stop(grace);
    });
}

void control::retire()
{
    asio::post(get_executor(), [self = shared_from_this()] {
        if (auto const running = self->current_.lock())
            running->stop(std::chrono::milliseconds(0));
        else
            self->box_->close();
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
