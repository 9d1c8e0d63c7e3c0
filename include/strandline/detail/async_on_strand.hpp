#pragma once

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace strandline::detail {

/// How an operation ended, and what it has done until then.
template <class T>
struct conclusion
{
    failure why;
    T value{};
};

template <>
struct conclusion<void>
{
    failure why;
};

template <class T>
struct completion
{
    using signature = void(failure, T);
};

template <>
struct completion<void>
{
    using signature = void(failure);
};

/// What a handler of such an operation is called with.
template <class T>
using completion_signature = completion<T>::signature;

/// An operation, made when it starts; what it refers to belongs to the function, which lives as long as the
/// operation. It may end early when it is told to stop, from whatever thread, and says so.
template <class T>
using stoppable_operation = std::function<asio::awaitable<conclusion<T>>(std::stop_token)>;

/// An operation of the engine; it ends by itself.
template <class T>
using engine_operation = std::function<asio::awaitable<result<T>>(broker&)>;

template <class T>
asio::awaitable<conclusion<T>> carry_out(stoppable_operation<T> operation, std::stop_token stop)
{
    co_return co_await operation(std::move(stop));
}

template <class T>
asio::awaitable<conclusion<T>> carry_out(broker_ptr of, engine_operation<T> const& operation)
{
    auto answer = co_await operation(*of);
    if (!answer)
        co_return conclusion<T>{answer.error(), T()};
    co_return conclusion<T>{failure(), std::move(*answer)};
}

/// The same for one that answers nothing.
using engine_command = std::function<asio::awaitable<failure>(broker&)>;

inline asio::awaitable<conclusion<void>> carry_out(broker_ptr of, engine_command const& operation)
{
    co_return conclusion<void>{co_await operation(*of)};
}

/// Initiates operations that any thread may start: they run on the strand and complete where the handler
/// wants to run. For what is not done for every event.
template <class T>
struct initiate_on_strand
{
    asio::any_io_executor strand;

    using executor_type = asio::any_io_executor;

    executor_type get_executor() const noexcept { return strand; }

    template <class Handler>
    void operator()(Handler&& handler, stoppable_operation<T>&& operation) const
    {
        start(strand, std::forward<Handler>(handler), std::move(operation));
    }

private:
    static void start(
        asio::any_io_executor const& strand, asio::any_completion_handler<completion_signature<T>> handler,
        stoppable_operation<T> operation
    )
    {
        auto const own = asio::get_associated_executor(handler, strand);
        // The handler's own context must not run out of work meanwhile.
        auto work = asio::make_work_guard(own);
        std::stop_source stop;
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
            slot.assign([stop](asio::cancellation_type) mutable { stop.request_stop(); });
        // Posted, so that an engine that answers at once does not complete from within this function.
        asio::post(
            strand,
            [strand, own, work = std::move(work), handler = std::move(handler),
             operation = std::move(operation), stop = stop.get_token()]() mutable {
                asio::co_spawn(
                    strand, carry_out<T>(std::move(operation), std::move(stop)),
                    [own, work = std::move(work),
                     handler = std::move(handler)](std::exception_ptr unexpected, conclusion<T> end) mutable {
                        if (unexpected)
                            std::rethrow_exception(unexpected);
                        if constexpr (std::is_void_v<T>)
                            asio::dispatch(own, asio::append(std::move(handler), std::move(end.why)));
                        else
                            asio::dispatch(
                                own,
                                asio::append(std::move(handler), std::move(end.why), std::move(end.value))
                            );
                    }
                );
            }
        );
    }
};

/// An operation of the engine, on its strand. It cannot be cancelled.
template <class T, class Token>
auto async_on_strand(broker_ptr const& of, engine_operation<T> operation, Token&& token)
{
    return asio::async_initiate<Token, void(failure, T)>(
        initiate_on_strand<T>{of->get_executor()}, token,
        stoppable_operation<T>([of, operation = std::move(operation)](std::stop_token) {
            return carry_out<T>(of, operation);
        })
    );
}

template <class Token>
auto async_on_strand(broker_ptr const& of, engine_command operation, Token&& token)
{
    return asio::async_initiate<Token, void(failure)>(
        initiate_on_strand<void>{of->get_executor()}, token,
        stoppable_operation<void>([of, operation = std::move(operation)](std::stop_token) {
            return carry_out(of, operation);
        })
    );
}

/// Any other one, which every type of cancellation tells to stop.
template <class T, class Token>
auto async_on_strand(asio::any_io_executor strand, stoppable_operation<T> operation, Token&& token)
{
    return asio::async_initiate<Token, void(failure, T)>(
        initiate_on_strand<T>{std::move(strand)}, token, std::move(operation)
    );
}

} // namespace strandline::detail
