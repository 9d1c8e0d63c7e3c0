#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/consumer.hpp>
#include <strandline/consumer_options.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/detail/handler.hpp>
#include <strandline/producer.hpp>
#include <strandline/producer_options.hpp>
#include <strandline/publish_options.hpp>
#include <strandline/registry.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace strandline {

/// Events for a service: handlers by stream, which may come and go while it runs, in one group.
///
/// Each subscription has a consumer of its own, so the options hold for each of them: `max_concurrency`
/// handlers run for each stream, and `ordering::strict` is an order within a stream.
///
/// Thread safety: its functions may be called from any thread, also at the same time. Handlers run on the
/// strand of their stream's broker, or on `worker_executor`. Destroying a bus that runs closes it at once, as
/// `close(0ms)` does.
class event_bus
{
public:
    /// Throws `error` with `invalid_option`.
    event_bus(broker_ptr broker, consumer_options consuming, producer_options publishing = {});

    /// Over the streams of all servers of the registry, with `invalid_name` for what it does not know.
    event_bus(registry const& from, consumer_options consuming, producer_options publishing = {});

    ~event_bus();

    event_bus(event_bus&&) noexcept;
    event_bus& operator=(event_bus&&) noexcept;

    /// Where handlers of operations without an executor of their own run.
    asio::any_io_executor const& get_executor() const noexcept;

    /// As `producer::async_publish`. Works before, during and after a run.
    template <encodable T, asio::completion_token_for<void(failure, entry_id)> Token = asio::deferred_t>
    auto async_publish(std::string_view stream, T const& value, publish_options with = {}, Token&& token = {})
    {
        return publisher_.async_publish(stream, value, std::move(with), std::forward<Token>(token));
    }

    /// Handles the entries of a stream as `consumer::on` does; begins at once when the bus runs.
    ///
    /// Throws `error` as `consumer::on` does, with `invalid_name` also while the stream has a subscription
    /// that has not ended.
    template <decodable T, detail::handles<T> F>
    void subscribe(std::string_view stream, F handler, stream_options options = {})
    {
        add(stream, [&](consumer& to) { to.on<T>(stream, std::move(handler), std::move(options)); });
    }

    /// The same for entries as they are.
    template <detail::handles_deliveries F>
    void subscribe(std::string_view stream, F handler, stream_options options = {})
    {
        add(stream, [&](consumer& to) { to.on(stream, std::move(handler), std::move(options)); });
    }

    /// Ends a subscription as `consumer::stop` does, and completes when nothing of it runs any more, with
    /// what it has done. The stream can be subscribed to again then. A handler that waits for the end of its
    /// own subscription waits for itself, until the grace is over.
    ///
    /// Handler signature: `void(failure, consume_report)`.
    ///
    /// Error: `invalid_name` when there is none for that stream. Cancellation: none.
    template <asio::completion_token_for<void(failure, consume_report)> Token = asio::deferred_t>
    auto async_unsubscribe(
        std::string_view stream, std::chrono::milliseconds grace = default_grace, Token&& token = {}
    )
    {
        return detail::async_on_strand<consume_report>(
            get_executor(),
            detail::stoppable_operation<consume_report>([of = state_, stream = std::string(stream),
                                                         grace](std::stop_token) {
                return unsubscribe(of, stream, grace);
            }),
            std::forward<Token>(token)
        );
    }

    /// Runs all subscriptions, those of now and those to come, until `close`; also while there is none.
    ///
    /// Handler signature: `void(failure, consume_report)`; the report is of all subscriptions together, also
    /// of those that have ended meanwhile. Completes without failure after `close`.
    ///
    /// Errors: `already_running`, and those with which `consumer::async_run` ends: a subscription that cannot
    /// go on ends all others, as `close()` does.
    ///
    /// Cancellation, every type: as `close()`; it then completes with `operation_aborted`.
    template <asio::completion_token_for<void(failure, consume_report)> Token = asio::deferred_t>
    auto async_run(Token&& token = {})
    {
        return detail::async_on_strand<consume_report>(
            get_executor(), detail::stoppable_operation<consume_report>([of = state_](std::stop_token stop) {
                return run(of, std::move(stop));
            }),
            std::forward<Token>(token)
        );
    }

    /// Ends `async_run` in good order, each subscription as `consumer::stop` does. Harmless when repeated
    /// (the earlier deadline counts) and when nothing runs.
    void close(std::chrono::milliseconds grace = default_grace);

private:
    struct state;

    static asio::awaitable<detail::conclusion<consume_report>>
    unsubscribe(std::shared_ptr<state> of, std::string const& stream, std::chrono::milliseconds grace);

    static asio::awaitable<detail::conclusion<consume_report>>
    run(std::shared_ptr<state> of, std::stop_token stop);

    void add(std::string_view stream, std::function<void(consumer&)> const& set_up);

    producer publisher_;
    std::shared_ptr<state> state_;
};

} // namespace strandline
