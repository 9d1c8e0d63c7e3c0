#include "consume/control.hpp"

#include <strandline/names.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
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

void add_to(consumer_status& sum, consumer_status&& part)
{
    sum.running |= part.running;
    std::ranges::move(part.streams, std::back_inserter(sum.streams));
    sum.running_handlers += part.running_handlers;
    sum.stuck_handlers += part.stuck_handlers;
    sum.queued += part.queued;
    sum.waiting += part.waiting;
    sum.held += part.held;
}

/// What the branches have told so far to one who asks. On the strand only.
struct inquiry
{
    explicit inquiry(control::status_handler who, asio::any_io_executor const& strand)
        : handler(std::move(who))
        , work(asio::make_work_guard(asio::get_associated_executor(handler, strand)))
    {}

    control::status_handler handler;
    /// The handler's own context must not run out of work meanwhile.
    asio::executor_work_guard<asio::any_completion_executor> work;
    std::vector<consumer_status> parts;
    std::size_t missing = 0;
};

void answer(inquiry& one, asio::any_io_executor const& strand)
{
    consumer_status sum;
    for (auto& part : one.parts)
        add_to(sum, std::move(part));
    auto const executor = asio::get_associated_executor(one.handler, strand);
    auto const work = std::move(one.work);
    asio::dispatch(executor, asio::append(std::move(one.handler), failure(), std::move(sum)));
}

} // namespace

/// One `async_run`, until its last branch has ended. On the strand only.
struct control::run
{
    run(run_handler who, run_mode how, asio::any_io_executor const& strand)
        : mode(how)
        , handler(std::move(who))
        , work(asio::make_work_guard(asio::get_associated_executor(handler, strand)))
    {}

    run_mode mode;
    run_handler handler;
    /// The handler's own context must not run out of work meanwhile.
    asio::executor_work_guard<asio::any_completion_executor> work;
    std::size_t under_way = 0;
    failure why;
    consume_report report;
};

control::control(asio::any_io_executor strand, find_broker find, consumer_options options)
    : strand_(std::move(strand))
    , find_(std::move(find))
    , box_(std::make_shared<mailbox>(strand_))
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
    auto& of = branch_for(stream, options, handler->most());
    for (auto outer = around_.rbegin(); outer != around_.rend(); ++outer)
        handler = std::make_unique<detail::wrapped_handler>(*outer, std::move(handler));
    of.subscribe({std::string(stream), std::move(handler), std::move(options)});
}

void control::pull(std::string_view stream, stream_options options)
{
    auto& of = branch_for(stream, options, 1);
    auto handler = std::make_unique<pull_handler>(
        box_, of.get_executor(),
        [weak = of.weak_from_this()](std::string const& name, entry_id id) {
            if (auto const alive = weak.lock())
                alive->extend(name, id);
        }
    );
    of.subscribe({std::string(stream), std::move(handler), std::move(options)});
    ++pulled_streams_;
}

/// Where the stream is to be read, when it can be; nothing has changed when this throws.
branch& control::branch_for(std::string_view stream, stream_options const& options, std::size_t most)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    if (most < 1 || most > largest_batch)
        throw error(
            {errc::invalid_option,
             fmt::format("a batch must be from 1 to {} deliveries, and is {}", largest_batch, most)}
        );
    if (auto why = check_stream_name(stream))
        throw error(std::move(why));
    auto engine = find_(stream).value();
    auto const found = std::ranges::find(branches_, engine, &branch::engine);
    if (found == branches_.end())
        return *branches_.emplace_back(std::make_shared<branch>(std::move(engine)));
    if ((*found)->has(stream))
        throw error({errc::invalid_name, fmt::format("the stream '{}' has a handler already", stream)});
    return **found;
}

void control::start(run_handler handler, run_mode mode)
{
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto const one = std::make_shared<run>(std::move(handler), mode, strand_);
    if (slot.is_connected())
        slot.assign([weak = weak_from_this(), own = std::weak_ptr(one)](asio::cancellation_type type) {
            if (auto const self = weak.lock())
                self->cancel(own, type);
        });
    asio::post(strand_, [self = shared_from_this(), one] { self->begin(one); });
}

void control::begin(std::shared_ptr<run> const& one)
{
    if (branches_.empty())
        one->why = {errc::invalid_option, "the consumer has no handler"};
    if (!current_.expired())
        one->why = errc::already_running;
    if (one->why)
        return end(*one);

    current_ = one;
    box_->open(pulled_streams_);
    one->under_way = branches_.size();
    for (auto const& part : branches_)
        part->start(
            options_, one->mode,
            asio::bind_executor(
                strand_,
                [self = shared_from_this(), one](failure why, consume_report const& report) {
                    self->branch_ended(*one, std::move(why), report);
                }
            )
        );
}

void control::branch_ended(run& of, failure why, consume_report const& report)
{
    of.report += report;
    if (why && !of.why) {
        of.why = std::move(why);
        stop_all(default_grace);
    }
    if (--of.under_way == 0) {
        current_.reset();
        end(of);
    }
}

/// Calls the handler where it wants to be called.
void control::end(run& one)
{
    auto const executor = asio::get_associated_executor(one.handler, strand_);
    auto const work = std::move(one.work);
    asio::dispatch(executor, asio::append(std::move(one.handler), std::move(one.why), one.report));
}

void control::tell_status(status_handler handler)
{
    auto const one = std::make_shared<inquiry>(std::move(handler), strand_);
    asio::post(strand_, [self = shared_from_this(), one] {
        auto const& branches = self->branches_;
        one->parts.resize(branches.size());
        one->missing = branches.size();
        if (branches.empty())
            return answer(*one, self->strand_);
        for (std::size_t i = 0; i != branches.size(); ++i)
            branches[i]->tell_status(asio::bind_executor(self->strand_, [self, one, i](consumer_status told) {
                one->parts[i] = std::move(told);
                if (--one->missing == 0)
                    answer(*one, self->strand_);
            }));
    });
}

void control::set_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    asio::post(strand_, [self = shared_from_this(), max_concurrency, max_in_flight] {
        auto changed = *self->options_;
        changed.max_concurrency = max_concurrency;
        changed.max_in_flight = max_in_flight;
        self->options_ = std::make_shared<consumer_options const>(std::move(changed));
        for (auto const& part : self->branches_)
            part->set_limits(max_concurrency, max_in_flight);
    });
}

void control::stop_all(std::chrono::milliseconds grace)
{
    for (auto const& part : branches_)
        part->stop(grace);
}

void control::stop(std::chrono::milliseconds grace)
{
    asio::post(strand_, [self = shared_from_this(), grace] { self->stop_all(grace); });
}

void control::retire()
{
    asio::post(strand_, [self = shared_from_this()] {
        if (self->current_.expired())
            self->box_->close();
        else
            self->stop_all(std::chrono::milliseconds(0));
    });
}

/// Ends that run and no other.
void control::cancel(std::weak_ptr<run> const& own, asio::cancellation_type type)
{
    auto const terminal = (type & asio::cancellation_type::terminal) != asio::cancellation_type::none;
    asio::post(strand_, [self = shared_from_this(), own, terminal] {
        auto const one = own.lock();
        if (!one || one != self->current_.lock())
            return;
        for (auto const& part : self->branches_)
            part->cancel(terminal ? std::chrono::milliseconds(0) : default_grace);
    });
}

} // namespace strandline::consume
