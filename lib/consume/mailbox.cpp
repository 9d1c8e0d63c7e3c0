#include "consume/mailbox.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

void complete(
    mailbox::receive_handler handler, asio::any_io_executor const& strand, failure why, pending_delivery what
)
{
    // Its cancellation slot stays as it is: it belongs to the receiver's thread.
    auto const executor = asio::get_associated_executor(handler, strand);
    asio::dispatch(executor, asio::append(std::move(handler), std::move(why), std::move(what)));
}

} // namespace

ticket::ticket(
    asio::any_io_executor const& executor, detail::task const& of, std::function<void()> begin_time
)
    : strand(executor)
    , stream(of.what.stream())
    , what(stream, of.what.id(), of.what.attempt(), {of.what.body(), of.what.headers()})
    , owner(of.owner)
    , extend(std::move(begin_time))
    , changed(executor)
{}

void ticket::decide(detail::outcome how)
{
    asio::post(strand, [self = shared_from_this(), how = std::move(how)]() mutable {
        if (self->decided)
            return;
        self->decided = std::move(how);
        self->changed.notify();
    });
}

void mailbox::receive(receive_handler handler)
{
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto work = asio::make_work_guard(asio::get_associated_executor(handler, strand_));
    auto const one = std::make_shared<waiting_receiver>(std::move(handler), std::move(work));
    if (slot.is_connected())
        slot.assign([weak = weak_from_this(), waiting = std::weak_ptr(one)](asio::cancellation_type) {
            if (auto const self = weak.lock())
                asio::post(self->strand_, [self, waiting] {
                    if (auto const held = waiting.lock())
                        self->cancel(held);
                });
        });
    asio::post(strand_, [self = shared_from_this(), one] { self->begin(one); });
}

void mailbox::begin(receiver const& one)
{
    if (closed_)
        complete(std::move(one->handler), strand_, errc::not_running, {});
    else if (offered_.empty())
        receivers_.push_back(one);
    else {
        auto const what = std::move(offered_.front());
        offered_.pop_front();
        hand_over(what, one);
    }
}

void mailbox::cancel(receiver const& one)
{
    if (std::erase(receivers_, one) != 0)
        complete(std::move(one->handler), strand_, error_code(asio::error::operation_aborted), {});
}

void mailbox::hand_over(std::shared_ptr<ticket> const& what, receiver const& to)
{
    what->extend();
    complete(std::move(to->handler), strand_, {}, what->make_delivery());
}

void mailbox::offer(std::shared_ptr<ticket> const& one)
{
    asio::dispatch(strand_, [self = shared_from_this(), one] { self->take(one); });
}

void mailbox::take(std::shared_ptr<ticket> const& one)
{
    if (closed_)
        return one->decide({detail::ended::released});
    if (receivers_.empty()) {
        offered_.push_back(one);
        return;
    }
    auto const to = std::move(receivers_.front());
    receivers_.pop_front();
    hand_over(one, to);
}

void mailbox::withdraw(std::shared_ptr<ticket> const& one)
{
    asio::dispatch(strand_, [self = shared_from_this(), one] { std::erase(self->offered_, one); });
}

void mailbox::open(std::size_t streams)
{
    asio::dispatch(strand_, [self = shared_from_this(), streams] {
        self->streams_ = streams;
        self->closed_ = false;
    });
}

void mailbox::stream_stops()
{
    asio::dispatch(strand_, [self = shared_from_this()] {
        if (--self->streams_ == 0)
            self->shut();
    });
}

void mailbox::close()
{
    asio::dispatch(strand_, [self = shared_from_this()] { self->shut(); });
}

void mailbox::shut()
{
    closed_ = true;
    for (auto const& one : std::exchange(offered_, {}))
        one->decide({detail::ended::released});
    for (auto const& one : std::exchange(receivers_, {}))
        complete(std::move(one->handler), strand_, errc::not_running, {});
}

asio::awaitable<void> pull_handler::run(std::span<detail::task> tasks)
{
    auto const one = std::make_shared<ticket>(
        strand_, tasks[0],
        [extend = extend_, stream = std::string(tasks[0].what.stream()), id = tasks[0].what.id()] {
            extend(stream, id);
        }
    );
    box_->offer(one);
    while (!one->decided) {
        co_await one->changed.wait();
        if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
            break;
    }
    one->is_over = true;
    if (one->decided)
        tasks[0].how = *one->decided;
    else
        box_->withdraw(one);
}

} // namespace strandline::consume

namespace strandline {

pending_delivery::~pending_delivery()
{
    release();
}

pending_delivery& pending_delivery::operator=(pending_delivery&& other) noexcept
{
    if (this != &other) {
        release();
        ticket_ = std::move(other.ticket_);
    }
    return *this;
}

delivery const& pending_delivery::delivery() const noexcept
{
    return ticket_->what;
}

bool pending_delivery::is_held() const noexcept
{
    return ticket_ && !ticket_->is_over;
}

void pending_delivery::extend()
{
    if (ticket_)
        ticket_->extend();
}

void pending_delivery::decide(detail::outcome how)
{
    if (auto const decided = std::exchange(ticket_, nullptr))
        decided->decide(std::move(how));
}

void pending_delivery::ack()
{
    decide({});
}

void pending_delivery::retry(std::string reason)
{
    decide({detail::ended::threw, std::move(reason)});
}

void pending_delivery::retry_after(std::chrono::milliseconds delay, std::string reason)
{
    decide({detail::ended::threw, std::move(reason), delay});
}

void pending_delivery::reject(std::string reason)
{
    decide({detail::ended::rejected, std::move(reason)});
}

void pending_delivery::release()
{
    decide({detail::ended::released});
}

} // namespace strandline
