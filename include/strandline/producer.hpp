#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/detail/outbox.hpp>
#include <strandline/event.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <memory>
#include <string_view>
#include <utility>

namespace strandline {

/// Publishes events to the streams of a broker.
///
/// Publishes that wait at the same time travel together, in the order in which they were started; each
/// completes with its own id or error. One producer serves any number of coroutines and streams.
///
/// Thread safety: `async_publish` may be called from any thread, also at the same time.
class producer
{
public:
    explicit producer(broker_ptr broker) : outbox_(std::make_shared<detail::outbox>(std::move(broker))) {}

    /// Where handlers without an executor of their own run: the broker's strand.
    asio::any_io_executor const& get_executor() const noexcept { return outbox_->get_executor(); }

    /// Appends one event to a stream, which is created when it does not exist.
    ///
    /// `value` is encoded by `codec<T>` before this returns, and the stream's name is copied: the operation,
    /// also one that is started later, refers to nothing of the caller's. It outlives the producer. One that
    /// is never started publishes nothing.
    ///
    /// Handler signature: `void(failure, entry_id)`; the id is the new entry's.
    ///
    /// Errors: `not_encodable`, `invalid_name`, `wrong_type`, `out_of_memory`, `not_permitted`,
    /// `unavailable`, `server_error`, `unreachable`, `refused`, `closed`: the event was not stored.
    /// `connection_lost`: it may have been.
    ///
    /// Cancellation, every type: an operation that still waits completes with `operation_aborted` and is not
    /// sent; one that is under way completes with its outcome.
    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, Token&& token = {})
    {
        return async_publish(stream, value, headers{}, std::forward<Token>(token));
    }

    /// The same, with headers. Names that begin with `dead-`, the name `body` and empty names are refused
    /// with `invalid_name`.
    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, headers with, Token&& token = {})
    {
        detail::publication what{std::string(stream), {std::string(), std::move(with)}, {}};
        what.refused = encode(value, *what.event.body);
        return start(std::move(what), std::forward<Token>(token));
    }

    /// The same for an event that is encoded already, or that is headers alone.
    template <asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, event what, Token&& token = {})
    {
        return start({std::string(stream), std::move(what), {}}, std::forward<Token>(token));
    }

private:
    template <class Token>
    auto start(detail::publication&& what, Token&& token)
    {
        if (!what.refused)
            what.refused = detail::check_headers(what.event.headers);
        return asio::async_initiate<Token, void(failure, entry_id)>(
            detail::initiate_publish{outbox_}, token, std::move(what)
        );
    }

    std::shared_ptr<detail::outbox> outbox_;
};

} // namespace strandline
