#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/detail/outlets.hpp>
#include <strandline/detail/publish_operation.hpp>
#include <strandline/event.hpp>
#include <strandline/producer_options.hpp>
#include <strandline/publish_batch.hpp>
#include <strandline/publish_options.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

namespace strandline {

/// Publishes events to the streams of a broker, or of all servers of a registry.
///
/// Publishes that wait at the same time travel together, in the order in which they were started; each
/// completes with its own id or error. One producer serves any number of coroutines and streams.
///
/// At most so many events and bytes are on their way at the same time; further publishes wait, in order, and
/// so do all while there is no connection, until their timeout (`producer_options`).
///
/// Thread safety: its functions may be called from any thread, also at the same time.
class producer
{
public:
    /// Throws `error` with `invalid_option`.
    explicit producer(broker_ptr broker, producer_options options = {})
        : outlets_(std::make_shared<detail::outlets>(std::move(broker), std::move(options)))
    {}

    /// Publishes to the streams of all servers of the registry, the limits for each server by itself. An
    /// event for a stream that the registry does not have fails with `invalid_name`.
    ///
    /// Throws `error` with `invalid_option`, also for options of such a stream.
    explicit producer(registry from, producer_options options = {})
        : outlets_(std::make_shared<detail::outlets>(std::move(from), std::move(options)))
    {}

    /// Where handlers without an executor of their own run: the broker's strand. Over a registry the strand
    /// of the server of the event's stream; this is the first server's.
    asio::any_io_executor const& get_executor() const noexcept { return outlets_->get_executor(); }

    /// Appends one event to a stream, which is created when it does not exist.
    ///
    /// `value` is encoded by `codec<T>` before this returns, and the stream's name is copied: the operation,
    /// also one that is started later, refers to nothing of the caller's. It outlives the producer. One that
    /// is never started publishes nothing.
    ///
    /// Handler signature: `void(failure, entry_id)`; the id is the new entry's.
    ///
    /// Errors: `not_encodable`, `invalid_name`, `invalid_option`, `wrong_type`, `out_of_memory`,
    /// `not_permitted`, `unavailable`, `server_error`, `unreachable`, `timed_out`, `refused`, `closed`: the
    /// event was not stored. `connection_lost` and `outcome_unknown`: it may have been.
    ///
    /// Cancellation, every type: an operation that still waits completes with `operation_aborted` and is not
    /// sent; one that is under way completes with its outcome.
    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, Token&& token = {})
    {
        return start(detail::make_publication(stream, value), std::forward<Token>(token));
    }

    /// The same, with headers, an idempotency key, and what else `publish_options` says.
    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, publish_options with, Token&& token = {})
    {
        return start(detail::make_publication(stream, value), std::move(with), std::forward<Token>(token));
    }

    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, headers with, Token&& token = {})
    {
        return start(
            detail::make_publication(stream, value), {.headers = std::move(with)}, std::forward<Token>(token)
        );
    }

    /// The same for an event that is encoded already, or that is headers alone.
    template <asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, event what, Token&& token = {})
    {
        return start(detail::make_publication(stream, std::move(what)), std::forward<Token>(token));
    }

    template <asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, event what, publish_options with, Token&& token = {})
    {
        return start(
            detail::make_publication(stream, std::move(what)), std::move(with), std::forward<Token>(token)
        );
    }

    /// Publishes an event that gets into its stream when that time has passed. The id is a delayed id, by
    /// which the event can be cancelled until then; see `delayed_events`.
    template <class T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish_after(
        std::string_view stream, std::chrono::milliseconds delay, T const& value, publish_options with = {},
        Token&& token = {}
    )
    {
        with.delay = delay;
        return async_publish(stream, value, std::move(with), std::forward<Token>(token));
    }

    /// The same, when that time has come by the engine's clock.
    template <class T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish_at(
        std::string_view stream, std::chrono::system_clock::time_point due, T const& value,
        publish_options with = {}, Token&& token = {}
    )
    {
        with.due = due;
        return async_publish(stream, value, std::move(with), std::forward<Token>(token));
    }

    /// An empty batch, whose events go where those of this producer do.
    publish_batch batch() const { return publish_batch(outlets_); }

private:
    template <class Token>
    auto start(detail::publication&& what, publish_options&& with, Token&& token)
    {
        detail::apply(std::move(with), what);
        return start(std::move(what), std::forward<Token>(token));
    }

    template <class Token>
    auto start(detail::publication&& what, Token&& token)
    {
        auto const& to = outlets_->route(what);
        return asio::async_initiate<Token, void(failure, entry_id)>(
            detail::initiate_publish{to}, token, std::move(what)
        );
    }

    std::shared_ptr<detail::outlets const> outlets_;
};

} // namespace strandline
