#pragma once

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace strandline::detail {

/// An operation of the engine, made when it starts; what it refers to belongs to the function, which lives as
/// long as the operation.
template <class T>
using engine_operation = std::function<asio::awaitable<result<T>>(broker&)>;

template <class T>
asio::awaitable<result<T>> carry_out(broker_ptr of, engine_operation<T> operation)
{
    co_return co_await operation(*of);
}

/// Initiates operations that any thread may start: they run on the broker's strand and complete where the
/// handler wants to run. For what is not done for every event.
template <class T>
struct initiate_on_strand
{
    broker_ptr of;

    using executor_type = asio::any_io_executor;

    executor_type get_executor() const noexcept { return of->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, engine_operation<T>&& operation) const
    {
        start(of, std::forward<Handler>(handler), std::move(operation));
    }

private:
    static void start(
        broker_ptr of, asio::any_completion_handler<void(failure, T)> handler, engine_operation<T> operation
    )
    {
        auto const strand = of->get_executor();
        auto const own = asio::get_associated_executor(handler, strand);
        // The handler's own context must not run out of work meanwhile.
        auto work = asio::make_work_guard(own);
        // Posted, so that an engine that answers at once does not complete from within this function.
        asio::post(
            strand,
            [of = std::move(of), strand, own, work = std::move(work), handler = std::move(handler),
             operation = std::move(operation)]() mutable {
                asio::co_spawn(
                    strand, carry_out<T>(std::move(of), std::move(operation)),
                    [own, work = std::move(work),
                     handler = std::move(handler)](std::exception_ptr unexpected, result<T> answer) mutable {
                        if (unexpected)
                            std::rethrow_exception(unexpected);
                        auto why = answer ? failure() : answer.error();
                        asio::dispatch(
                            own, asio::append(
                                     std::move(handler), std::move(why), answer ? std::move(*answer) : T()
                                 )
                        );
                    }
                );
            }
        );
    }
};

template <class T, class Token>
auto async_on_strand(broker_ptr const& of, engine_operation<T> operation, Token&& token)
{
    return asio::async_initiate<Token, void(failure, T)>(
        initiate_on_strand<T>{of}, token, std::move(operation)
    );
}

} // namespace strandline::detail
