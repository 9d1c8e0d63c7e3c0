#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace strandline::testing {

/// An operation that goes on beside the coroutine that started it. To be used on the operation's executor
/// alone.
///
/// The operation must own what it refers to, because a failing test leaves it behind.
template <class T>
class started
{
public:
    started(boost::asio::any_io_executor const& executor, boost::asio::awaitable<T> operation)
        : state_(std::make_shared<state>(executor))
    {
        boost::asio::co_spawn(
            executor, carry_out(state_, std::move(operation)),
            [state = state_](std::exception_ptr thrown) {
                state->thrown = std::move(thrown);
                state->has_ended = true;
                state->bell.cancel();
            }
        );
    }

    bool has_begun() const noexcept { return state_->has_begun; }

    bool has_ended() const noexcept { return state_->has_ended; }

    /// Waits for the end; once.
    boost::asio::awaitable<T> get() { return get_from(state_); }

private:
    struct state
    {
        explicit state(boost::asio::any_io_executor const& executor)
            : bell(executor, boost::asio::steady_timer::time_point::max())
        {}

        boost::asio::steady_timer bell;
        bool has_begun = false;
        bool has_ended = false;
        std::optional<T> value;
        std::exception_ptr thrown;
    };

    static boost::asio::awaitable<void>
    carry_out(std::shared_ptr<state> state, boost::asio::awaitable<T> operation)
    {
        state->has_begun = true;
        state->value.emplace(co_await std::move(operation));
    }

    static boost::asio::awaitable<T> get_from(std::shared_ptr<state> state)
    {
        if (!state->has_ended)
            co_await state->bell.async_wait(boost::asio::as_tuple);
        if (state->thrown)
            std::rethrow_exception(state->thrown);
        co_return std::move(*state->value);
    }

    std::shared_ptr<state> state_;
};

} // namespace strandline::testing
