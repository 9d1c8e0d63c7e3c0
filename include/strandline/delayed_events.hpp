#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/error.hpp>
#include <strandline/event.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

/// An event that is not due yet.
struct delayed_event
{
    /// The delayed id: `<due time in ms>-<number>`.
    entry_id id;
    event content;

    /// When it gets into its stream, by the engine's clock.
    std::chrono::sys_time<std::chrono::milliseconds> due() const noexcept
    {
        return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(id.ms));
    }
};

/// A look at the events that `producer::async_publish_after` and `async_publish_at` have stored and that are
/// not due yet. They are moved into their stream by the consumers that read it, each once, never early; where
/// nobody reads it they wait.
///
/// All operations complete where their handler wants to run, by default on the broker's strand. Errors:
/// `invalid_name`, `invalid_option`, `wrong_type`, `not_permitted`, `unavailable`, `server_error`,
/// `connection_lost`, `unreachable`, `refused`, `closed`. Cancellation: none; they end within the engine's
/// connect timeout where there is no server.
///
/// Thread safety: its functions may be called from any thread, also at the same time. Operations outlive it.
class delayed_events
{
public:
    explicit delayed_events(broker_ptr of) : broker_(std::move(of)) {}

    asio::any_io_executor const& get_executor() const noexcept { return broker_->get_executor(); }

    /// Removes an event before it is due. False when there is none: it was moved into its stream, was
    /// cancelled before, or never was.
    ///
    /// Handler signature: `void(failure, bool)`.
    template <asio::completion_token_for<void(failure, bool)> Token = asio::deferred_t>
    auto async_cancel(std::string_view stream, entry_id id, Token&& token = {}) const
    {
        return detail::async_on_strand<bool>(
            broker_, [stream = std::string(stream), id](broker& of) { return cancel(of, stream, id); },
            std::forward<Token>(token)
        );
    }

    /// The events behind that id, at most `count` (1 to 1000), in the order in which they are due.
    ///
    /// Handler signature: `void(failure, std::vector<delayed_event>)`.
    template <asio::completion_token_for<void(failure, std::vector<delayed_event>)> Token = asio::deferred_t>
    auto async_list(std::string_view stream, entry_id after, std::size_t count, Token&& token = {}) const
    {
        return detail::async_on_strand<std::vector<delayed_event>>(
            broker_,
            [stream = std::string(stream), after, count](broker& of) {
                return list(of, stream, after, count);
            },
            std::forward<Token>(token)
        );
    }

    /// How many there are.
    ///
    /// Handler signature: `void(failure, std::uint64_t)`.
    template <asio::completion_token_for<void(failure, std::uint64_t)> Token = asio::deferred_t>
    auto async_count(std::string_view stream, Token&& token = {}) const
    {
        return detail::async_on_strand<std::uint64_t>(
            broker_, [stream = std::string(stream)](broker& of) { return count(of, stream); },
            std::forward<Token>(token)
        );
    }

private:
    // What these refer to belongs to the operation, which lives as long as they do.
    static asio::awaitable<result<bool>> cancel(broker& of, std::string_view stream, entry_id id);

    static asio::awaitable<result<std::uint64_t>> count(broker& of, std::string_view stream);

    static asio::awaitable<result<std::vector<delayed_event>>>
    list(broker& of, std::string_view stream, entry_id after, std::size_t count);

    broker_ptr broker_;
};

} // namespace strandline
