#include "consume/branch.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace strandline::consume {

bool branch::has(std::string_view stream) const
{
    return std::ranges::find(*subscriptions_, stream, &subscription::stream) != subscriptions_->end();
}

void branch::start(std::shared_ptr<consumer_options const> options, run_mode mode, end_handler handler)
{
    asio::dispatch(
        get_executor(),
        [self = shared_from_this(), options = std::move(options), mode,
         handler = std::move(handler)]() mutable {
            auto const running =
                std::make_shared<session>(self->engine_, self->subscriptions_, std::move(options), mode);
            self->current_ = running;
            asio::co_spawn(
                self->get_executor(), running->run(),
                [self, running,
                 handler = std::move(handler)](std::exception_ptr unexpected, session::ending end) mutable {
                    if (unexpected)
                        std::rethrow_exception(unexpected);
                    self->current_.reset();
                    auto const executor = asio::get_associated_executor(handler, self->get_executor());
                    asio::dispatch(
                        executor, asio::append(std::move(handler), std::move(end.why), end.report)
                    );
                }
            );
        }
    );
}

template <class F>
void branch::with_session(F what)
{
    asio::dispatch(get_executor(), [self = shared_from_this(), what = std::move(what)] {
        if (auto const running = self->current_.lock())
            what(*running);
    });
}

void branch::set_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    with_session([=](session& running) { running.set_limits(max_concurrency, max_in_flight); });
}

void branch::stop(std::chrono::milliseconds grace)
{
    with_session([=](session& running) { running.stop(grace); });
}

void branch::cancel(std::chrono::milliseconds grace)
{
    with_session([=](session& running) { running.cancel(grace); });
}

void branch::tell_status(status_handler handler)
{
    asio::dispatch(get_executor(), [self = shared_from_this(), handler = std::move(handler)]() mutable {
        consumer_status told;
        if (auto const running = self->current_.lock())
            told = running->status();
        else
            for (auto const& one : *self->subscriptions_)
                told.streams.push_back({.name = one.stream});
        auto const executor = asio::get_associated_executor(handler, self->get_executor());
        asio::dispatch(executor, asio::append(std::move(handler), std::move(told)));
    });
}

void branch::extend(std::string const& stream, entry_id id)
{
    with_session([=](session& running) { running.extend(stream, id); });
}

} // namespace strandline::consume
