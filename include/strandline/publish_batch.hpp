#pragma once

#include <strandline/broker.hpp>
#include <strandline/codec.hpp>
#include <strandline/detail/outlets.hpp>
#include <strandline/detail/publication.hpp>
#include <strandline/event.hpp>
#include <strandline/publish_options.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

/// How a batch is stored.
enum class flush_mode : std::uint8_t
{
    /// Each event has its own outcome.
    pipelined,
    /// All events or none, in one step, on one server; at most `most_in_transaction`.
    atomic,
};

/// Events for any streams that are published together. Made by `producer::batch`, which it may outlive.
///
/// Events of one stream are stored in the order in which they were added. A flush stands among the publishes
/// of its producer where it was started, and shares their limits and their timeout.
///
/// Thread safety: none; used by one thread at a time. While a flush is under way nothing can be added, and
/// the batch may be destroyed: the flush goes on.
class publish_batch
{
public:
    explicit publish_batch(std::shared_ptr<detail::outlets const> to);

    publish_batch(publish_batch&&) noexcept;
    publish_batch& operator=(publish_batch&&) noexcept;
    ~publish_batch();

    /// Where handlers without an executor of their own run.
    asio::any_io_executor const& get_executor() const noexcept;

    /// Adds an event, encoded now. One that cannot be encoded, or whose name or options are refused, fails
    /// the flush before anything is sent.
    ///
    /// Throws `error` with `already_running` while a flush is under way.
    template <encodable T>
    void add(std::string_view stream, T const& value)
    {
        add(detail::make_publication(stream, value));
    }

    /// The same, with headers, an idempotency key, and what else `publish_options` says.
    template <encodable T>
    void add(std::string_view stream, T const& value, publish_options with)
    {
        add(detail::make_publication(stream, value), std::move(with));
    }

    /// The same for an event that is encoded already, or that is headers alone.
    void add(std::string_view stream, event what) { add(detail::make_publication(stream, std::move(what))); }

    void add(std::string_view stream, event what, publish_options with)
    {
        add(detail::make_publication(stream, std::move(what)), std::move(with));
    }

    std::size_t count() const noexcept;

    bool is_empty() const noexcept { return count() == 0; }

    /// Removes all events, and what the last flush said of them. Throws as `add` does.
    void clear();

    /// What the last flush that failed says of each event, in the order in which they were added: its id, or
    /// why it was not stored, or is not known to be.
    std::span<result<entry_id> const> outcomes() const noexcept;

    /// Publishes the events.
    ///
    /// Handler signature: `void(failure, std::vector<entry_id>)`. Without failure the ids are those of the
    /// events, in the order in which they were added, and the batch is empty. After a failure the ids are
    /// none, the batch is as it was, and `outcomes` tells more; another flush sends what was not stored, so
    /// an event whose outcome is not known may then be stored twice, unless it has an idempotency key.
    ///
    /// Errors: `partly_stored` when some events were stored and some were not; the words say which. The
    /// errors of `producer::async_publish`, when none was stored and the first one failed so;
    /// `not_encodable`, `invalid_name` and `invalid_option` before anything is sent, `already_running`.
    ///
    /// Cancellation, every type: what was not sent is not sent, and ends with `operation_aborted`.
    template <asio::completion_token_for<void(failure, std::vector<entry_id>)> Token = asio::deferred_t>
    auto async_flush(Token&& token = {})
    {
        return async_flush(flush_mode::pipelined, std::forward<Token>(token));
    }

    template <asio::completion_token_for<void(failure, std::vector<entry_id>)> Token = asio::deferred_t>
    auto async_flush(flush_mode mode, Token&& token = {})
    {
        return asio::async_initiate<Token, void(failure, std::vector<entry_id>)>(
            initiate_flush{content_, get_executor()}, token, mode
        );
    }

private:
    struct content;

    using flush_handler = asio::any_completion_handler<void(failure, std::vector<entry_id>)>;

    struct initiate_flush
    {
        std::shared_ptr<content> of;
        asio::any_io_executor executor;

        using executor_type = asio::any_io_executor;

        executor_type get_executor() const noexcept { return executor; }

        template <class Handler>
        void operator()(Handler&& handler, flush_mode mode) const
        {
            flush(of, mode, flush_handler(std::forward<Handler>(handler)));
        }
    };

    class flushing;
    class parcel;

    static void flush(std::shared_ptr<content> const& of, flush_mode mode, flush_handler handler);
    void add(detail::publication&& what);
    void add(detail::publication&& what, publish_options&& with);
    void check_free() const;

    std::shared_ptr<content> content_;
};

} // namespace strandline
