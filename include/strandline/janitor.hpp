#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/error.hpp>
#include <strandline/registry.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace strandline {

struct janitor_options
{
    /// How often each stream is cleaned, by all janitors of its server together. From 100 ms to a day.
    std::chrono::milliseconds interval{10'000};

    /// Whether entries go that all groups of their stream have acknowledged. Only where all groups exist that
    /// are declared for the stream, and only of streams for which a group is declared.
    bool collect_entries = true;

    /// How long dead letters are kept. From 1 ms to 100 years; 0: for ever.
    std::chrono::milliseconds keep_dead_letters{0};

    /// Names of consumers go for which nothing is pending, and that have been idle for so long. From a minute
    /// to 100 years; 0: they stay.
    std::chrono::milliseconds remove_consumers_after = std::chrono::hours(24);

    /// Told what could not be done with which stream; it is tried again. That it cannot be done for the same
    /// reason as the last time is not told again. Called on the strand of the stream's broker; must
    /// not throw.
    std::function<void(std::string const& stream, failure const& why)> on_error = {};
};

/// Checks ranges; the words name the member.
failure validate(janitor_options const& options);

/// What a janitor has done.
struct janitor_report
{
    /// Entries that all groups had acknowledged.
    std::uint64_t collected = 0;
    /// Dead letters that were kept long enough.
    std::uint64_t expired = 0;
    /// Names of consumers.
    std::uint64_t consumers_removed = 0;
    /// Delayed events that were due.
    std::uint64_t promoted = 0;
};

/// Keeps streams small and moves due events in the background, also of streams that are idle or that nobody
/// reads.
///
/// Run one in every process, or in some. In each interval one of them cleans a stream: who gets its lock
/// first, which nobody gives back before the interval is over. That saves work; nothing is lost where two do
/// it at the same time. Delayed events are moved by all of them, each once.
///
/// Nothing goes that is pending in a group or that a group has not read. A group that is made later, or set
/// back, does not see what is gone: declare the groups that are to come, and nothing goes until they exist.
///
/// Thread safety: its functions may be called from any thread. Destroying it stops it.
class janitor
{
public:
    /// For all streams of the registry. Throws `error` with `invalid_option`.
    explicit janitor(registry const& of, janitor_options options = {});

    /// For these streams of one broker. Throws `error` with `invalid_option` and `invalid_name`.
    janitor(broker_ptr of, std::vector<stream_declaration> streams, janitor_options options = {});

    ~janitor();

    janitor(janitor&&) noexcept;
    janitor& operator=(janitor&&) noexcept;

    /// Where handlers without an executor of their own run: the strand of the first broker.
    asio::any_io_executor const& get_executor() const noexcept;

    /// Goes on until `stop`, through broken connections.
    ///
    /// Handler signature: `void(failure, janitor_report)`.
    ///
    /// Errors: `already_running`; `closed` when a broker was closed, once all have ended. Cancellation, every
    /// type: ends after the step under way with `operation_aborted`, and the report all the same.
    template <asio::completion_token_for<void(failure, janitor_report)> Token = asio::deferred_t>
    auto async_run(Token&& token = {})
    {
        return detail::async_on_strand<janitor_report>(
            get_executor(), detail::stoppable_operation<janitor_report>([of = state_](std::stop_token stop) {
                return run(of, std::move(stop));
            }),
            std::forward<Token>(token)
        );
    }

    /// Cleans every stream once, whoever has done so lately, and moves what is due.
    ///
    /// Handler signature: `void(failure, janitor_report)`. The failure is the first one that any stream had;
    /// the others were cleaned all the same.
    ///
    /// Cancellation, every type: ends after the step under way with `operation_aborted`.
    template <asio::completion_token_for<void(failure, janitor_report)> Token = asio::deferred_t>
    auto async_sweep(Token&& token = {})
    {
        return detail::async_on_strand<janitor_report>(
            get_executor(), detail::stoppable_operation<janitor_report>([of = state_](std::stop_token stop) {
                return sweep(of, std::move(stop));
            }),
            std::forward<Token>(token)
        );
    }

    /// Ends `async_run` after the step under way. Harmless when repeated and when nothing runs.
    void stop();

private:
    struct state;

    static asio::awaitable<detail::conclusion<janitor_report>>
    run(std::shared_ptr<state> of, std::stop_token stop);

    static asio::awaitable<detail::conclusion<janitor_report>>
    sweep(std::shared_ptr<state> of, std::stop_token stop);

    std::shared_ptr<state> state_;
};

} // namespace strandline
