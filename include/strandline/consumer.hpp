#pragma once

#include <strandline/batch.hpp>
#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/consumer_options.hpp>
#include <strandline/consumer_status.hpp>
#include <strandline/delivery.hpp>
#include <strandline/detail/handler.hpp>
#include <strandline/pending_delivery.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strandline {

/// Thrown by a handler: this delivery will never succeed. It goes to the dead letters at once, with these
/// words.
class reject : public std::exception
{
public:
    explicit reject(std::string reason) : reason_(std::make_shared<std::string const>(std::move(reason))) {}

    char const* what() const noexcept override { return reason_->c_str(); }

private:
    std::shared_ptr<std::string const> reason_;
};

/// Thrown by a handler: try this delivery again after that time, whatever the retry options say. It counts as
/// a failed attempt; after the last one the delivery goes to the dead letters all the same.
class retry_after : public std::exception
{
public:
    explicit retry_after(
        std::chrono::milliseconds delay, std::string reason = "the handler asked for a retry"
    )
        : delay_(delay)
        , reason_(std::make_shared<std::string const>(std::move(reason)))
    {}

    std::chrono::milliseconds delay() const noexcept { return delay_; }

    char const* what() const noexcept override { return reason_->c_str(); }

private:
    std::chrono::milliseconds delay_;
    std::shared_ptr<std::string const> reason_;
};

/// What a consumer did, from the start of `async_run` to its end.
struct consume_report
{
    /// Deliveries whose handler returned.
    std::uint64_t handled = 0;
    /// Attempts that failed and were followed, or will be, by another.
    std::uint64_t retried = 0;
    /// Deliveries that went to the dead letters.
    std::uint64_t dead = 0;
    /// Deliveries that were acknowledged without having been handled, because `on_dead` or `on_undecodable`
    /// said so. At most once: also those whose handler failed, or that the stop left without one.
    std::uint64_t dropped = 0;
    /// Deliveries handed back at the stop without having been started, or while they waited for another
    /// attempt.
    std::uint64_t released = 0;
    /// Deliveries whose handler was cancelled at the stop's deadline, and that were handed back.
    std::uint64_t cancelled = 0;
    /// Of the cancelled ones: handlers that have not returned all the same; they hold what they were given
    /// until they do.
    std::uint64_t stuck = 0;
    /// Entries that were removed from their stream before they could be handled.
    std::uint64_t gone = 0;
    /// Deliveries that another consumer has by now, or that were settled by another.
    std::uint64_t lost = 0;
    /// Deliveries whose end could not be told to the engine, because it could not be reached; they are
    /// pending still and will come again.
    std::uint64_t unsettled = 0;

    /// Of several runs together.
    consume_report& operator+=(consume_report const& other) noexcept;
};

/// How long running handlers have to return when nothing else is said.
inline constexpr std::chrono::milliseconds default_grace{30'000};

class health_check;
class registry;

namespace consume {
class control;
}

/// Reads streams in a group and runs a coroutine for each entry.
///
/// A handler that returns acknowledges its entry. One that throws `reject` sends it to the dead letters.
/// After any other exception it is tried again, later, `max_attempts` times in all, and then goes to the dead
/// letters; so does at once an entry that cannot be decoded. The dead letters of a stream `orders` are the
/// stream `{orders}:dead`.
///
/// Over a registry it does this on several servers at the same time, as if there was a consumer for each:
/// limits hold on each server by itself, and so do `ordering::strict` and `exclusive`. Handlers, hooks and
/// `wrap` are called on the strand of the server of their stream, `on_error` on that of each, so that those
/// of different servers may run at the same time. A run ends when it has ended on all of them; when it cannot
/// go on on one it stops on the others, as `stop()` does. Its report is of all together.
///
/// Thread safety: `async_run`, `async_drain`, `async_status`, `stop` and `set_limits` may be called from any
/// thread, the other members before `async_run`. Handlers run on the broker's strand, or on
/// `worker_executor`, each on one thread at a time. Destroying a consumer that runs stops it at once, as
/// `stop(0ms)` does.
class consumer
{
public:
    /// Throws `error` with `invalid_option`, whose words name the member.
    consumer(broker_ptr broker, consumer_options options);

    /// Reads streams of any servers of the registry. Where a stream is handled that the registry does not
    /// have, or that does not have the group, `error` is thrown with `invalid_name`.
    consumer(registry const& from, consumer_options options);

    ~consumer();

    consumer(consumer&&) noexcept;
    consumer& operator=(consumer&&) noexcept;

    /// The rest of what is to be done with a delivery; to be called once, or not at all.
    using next_handler = std::function<asio::awaitable<void>()>;

    /// What runs around handlers: gets a delivery (of a batch the first) and what comes next. What it throws,
    /// or lets through, is the outcome; when it returns without having called `next` the delivery counts as
    /// handled.
    using middleware = std::function<asio::awaitable<void>(delivery const&, next_handler next)>;

    /// Runs `around` around each run of the handlers that are given to `on` and `on_batch` from now on,
    /// within those that were given earlier.
    void wrap(middleware around);

    /// Handles the entries of a stream as values of `T`, decoded by `codec<T>`. The handler returns
    /// `asio::awaitable<void>` and takes `(T const&)` or `(T const&, delivery const&)`, both valid until it
    /// has returned. It is called for many entries at the same time.
    ///
    /// Throws `error` with `invalid_name` for a name that no stream can have or that has a handler already,
    /// and with `invalid_option`.
    template <decodable T, detail::handles<T> F>
    void on(std::string_view stream, F handler, stream_options options = {})
    {
        add(stream, std::make_unique<detail::typed_handler<T, F>>(std::move(handler)), std::move(options));
    }

    /// Handles the entries of a stream as they are. The handler takes `(delivery const&)`.
    template <detail::handles_deliveries F>
    void on(std::string_view stream, F handler, stream_options options = {})
    {
        add(stream, std::make_unique<detail::raw_handler<F>>(std::move(handler)), std::move(options));
    }

    /// Handles the entries of a stream many at a time: what is there, at most `most` (1 to 10 000), as soon
    /// as a handler is free. A batch counts as one handler. The handler returns `asio::awaitable<void>` and
    /// takes
    /// `(std::span<batch_item<T>>)`, on which it can say of each delivery what became of it. In an order by
    /// key a batch holds one delivery of each key.
    ///
    /// Throws `error` with `invalid_name` as `on` does, and with `invalid_option`.
    template <decodable T, detail::handles_batches<T> F>
    void on_batch(std::string_view stream, std::size_t most, F handler, stream_options options = {})
    {
        add(stream, std::make_unique<detail::batch_handler<T, F>>(std::move(handler), most),
            std::move(options));
    }

    /// The entries of a stream go to whoever calls `async_receive`. One that nobody has received yet keeps
    /// the place of a running handler, of `max_concurrency`; so does one that nothing has been decided about.
    ///
    /// Throws as `on` does.
    void pull(std::string_view stream, stream_options options = {});

    /// The next delivery of the streams that are pulled, while `async_run` goes on; waits for one.
    ///
    /// Handler signature: `void(failure, pending_delivery)`.
    ///
    /// Errors: `not_running` when the run ends, or has ended, meanwhile; before the first run it waits.
    ///
    /// Cancellation: all types, without loss: what was on its way to a receiver that has gone is handed back.
    template <asio::completion_token_for<void(failure, pending_delivery)> Token = asio::deferred_t>
    auto async_receive(Token&& token = {})
    {
        return asio::async_initiate<Token, void(failure, pending_delivery)>(
            initiate_receive{control_}, token
        );
    }

    /// Consumes until `stop`; groups and streams that do not exist are created. Goes on through broken
    /// connections and restarts of the server, and tells `on_error` of them.
    ///
    /// Handler signature: `void(failure, consume_report)`. Completes without failure after `stop`.
    ///
    /// Errors: `already_running`; `invalid_option` when there is no handler; `closed` when the broker was
    /// closed; `name_taken` when a process that started later uses the same name; `lease_differs` when the
    /// group has another lease; `locked` and `lock_lost` of an exclusive consumer.
    ///
    /// Cancellation: `terminal` does what `stop(0ms)` does, `partial` and `total` what `stop()` does; it then
    /// completes with `operation_aborted`, and the report all the same.
    template <asio::completion_token_for<void(failure, consume_report)> Token = asio::deferred_t>
    auto async_run(Token&& token = {})
    {
        return asio::async_initiate<Token, void(failure, consume_report)>(
            initiate_run{control_, false}, token
        );
    }

    /// Consumes until nothing is left, and completes: what the consumer had pending, what others of the group
    /// had left behind, what the streams hold, what is published meanwhile, and all attempts of what fails.
    /// While a stream cannot be read it goes on trying. Over a registry each server is drained by itself:
    /// what is published to one that is drained already stays there. Otherwise like `async_run`.
    template <asio::completion_token_for<void(failure, consume_report)> Token = asio::deferred_t>
    auto async_drain(Token&& token = {})
    {
        return asio::async_initiate<Token, void(failure, consume_report)>(
            initiate_run{control_, true}, token
        );
    }

    /// Tells what the consumer is at, while it runs or not. That a consumer lives is seen here, and not at
    /// the server, whose idle times grow while a consumer waits for entries.
    ///
    /// Handler signature: `void(failure, consumer_status)`; there is no failure. It completes as soon as the
    /// strand of each broker of the consumer has come to it, whatever became of the servers. Cancellation:
    /// none.
    template <asio::completion_token_for<void(failure, consumer_status)> Token = asio::deferred_t>
    auto async_status(Token&& token = {}) const
    {
        return asio::async_initiate<Token, void(failure, consumer_status)>(initiate_status{control_}, token);
    }

    /// Changes `consumer_options::max_concurrency` and `max_in_flight`, also while it runs. Lower ones hold
    /// once what is held has been handled: nothing is cancelled or handed back. Throws `error` with
    /// `invalid_option`.
    void set_limits(std::size_t max_concurrency, std::size_t max_in_flight);

    /// Ends `async_run` in good order. Reading ends at once; entries that were not started are handed back
    /// for others to take; running handlers have `grace` to return and are then cancelled, and handed back
    /// too; what was handled is acknowledged. Harmless when repeated (the earlier deadline counts) and when
    /// nothing runs.
    void stop(std::chrono::milliseconds grace = default_grace);

private:
    friend health_check;

    using run_handler = asio::any_completion_handler<void(failure, consume_report)>;

    struct initiate_run
    {
        std::shared_ptr<consume::control> control;
        bool drains;

        using executor_type = asio::any_io_executor;

        executor_type get_executor() const noexcept { return executor_of(*control); }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            start(control, run_handler(std::forward<Handler>(handler)), drains);
        }
    };

    using receive_handler = asio::any_completion_handler<void(failure, pending_delivery)>;

    struct initiate_receive
    {
        std::shared_ptr<consume::control> control;

        using executor_type = asio::any_io_executor;

        executor_type get_executor() const noexcept { return executor_of(*control); }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            receive(control, receive_handler(std::forward<Handler>(handler)));
        }
    };

    using status_handler = asio::any_completion_handler<void(failure, consumer_status)>;

    struct initiate_status
    {
        std::shared_ptr<consume::control> control;

        using executor_type = asio::any_io_executor;

        executor_type get_executor() const noexcept { return executor_of(*control); }

        template <class Handler>
        void operator()(Handler&& handler) const
        {
            tell_status(control, status_handler(std::forward<Handler>(handler)));
        }
    };

    static void tell_status(std::shared_ptr<consume::control> const& control, status_handler handler);
    static void receive(std::shared_ptr<consume::control> const& control, receive_handler handler);
    static asio::any_io_executor executor_of(consume::control const& control) noexcept;
    static void start(std::shared_ptr<consume::control> const& control, run_handler handler, bool drains);
    void add(std::string_view stream, std::unique_ptr<detail::handler> handler, stream_options options);

    std::shared_ptr<consume::control> control_;
};

} // namespace strandline
