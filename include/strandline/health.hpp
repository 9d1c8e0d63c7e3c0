#pragma once

#include <strandline/broker.hpp>
#include <strandline/consumer.hpp>
#include <strandline/consumer_status.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/registry.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

enum class health : std::uint8_t
{
    healthy,
    /// Everything is done, and something asks for attention.
    degraded,
    /// Something is not done.
    failing,
};

enum class severity : std::uint8_t
{
    info,
    /// Makes the verdict `degraded`.
    warning,
    /// Makes the verdict `failing`.
    critical,
};

enum class health_problem : std::uint8_t
{
    /// The server could not be asked within the time of a check. Critical.
    unreachable,
    /// The server's user may not ask for version, role and memory. Info.
    not_told,
    /// The server is a replica: it takes no writes. Critical.
    replica,
    /// When its memory is full the server removes keys of its own choice (Redis: `maxmemory-policy` is
    /// `allkeys-…` or `volatile-…`): streams, or locks and idempotency marks. Warning.
    evicting,
    /// Warning; critical when it is full.
    memory_nearly_full,
    /// The stream's name is that of something else, or the user may not ask for it. Warning.
    stream_unusable,
    /// What is not delivered to a group yet gets more and more. Warning.
    backlog_growing,
    /// The consumer did not answer within the time of a check: its thread is busy or blocked. Critical.
    consumer_silent,
    /// The consumer does not run, or was destroyed. Critical.
    consumer_stopped,
    /// The consumer has room, and reads the stream in vain or not at all. Critical.
    stream_not_read,
    /// Handlers that were cancelled and have not returned. Warning.
    handlers_stuck,
};

/// `unreachable`, `backlog_growing`, …
std::string_view name_of(health_problem what) noexcept;

struct finding
{
    severity weight = severity::info;
    health_problem what = health_problem::unreachable;
    /// `server main`, `group billing of stream orders of server main`, `stream orders of consumer clerk`; the
    /// server is not named where there is but one.
    std::string where;
    /// For people.
    std::string words;
};

struct stream_health
{
    std::string name;
    stream_statistics statistics;
};

struct server_health
{
    /// As in the registry.
    std::string name;
    /// Why the server could not be asked; then there is nothing else here.
    failure why;
    /// Of one question, from its start to its answer.
    std::chrono::microseconds round_trip{0};
    /// Nothing where the user may not ask for it.
    std::optional<server_info> info;
    std::vector<stream_health> streams;
};

struct consumer_health
{
    std::string name;
    /// `not_running` when the consumer was destroyed, `timed_out` when it did not answer.
    failure why;
    consumer_status status;
};

struct health_report
{
    health verdict = health::healthy;
    /// The gravest first.
    std::vector<finding> findings;
    /// What the findings are made of.
    std::vector<server_health> servers;
    std::vector<consumer_health> consumers;
};

struct health_options
{
    /// A check ends after this time, whatever hangs; from 1 ms to 24 h.
    std::chrono::milliseconds timeout{5'000};
    /// A consumer that has room and has not read a stream for so long does not read it; from 1 ms. Reads wait
    /// for up to 5 s.
    std::chrono::milliseconds read_timeout{30'000};
    /// A backlog grows when it has grown from check to check so often in a row; from 1.
    std::size_t growing_checks = 3;
    /// Of checks that come closer together, one is compared with others: a short burst is no growth. From 0.
    std::chrono::milliseconds growing_interval{10'000};
    /// A smaller backlog is none.
    std::uint64_t least_backlog = 100;
    /// Of the server's memory limit, from which on its memory is nearly full; above 0, at most 1.
    double memory_share = 0.9;
};

/// Checks ranges; the words name the member. Error: `invalid_option`.
failure validate(health_options const& options);

/// Looks after servers, their streams, and the consumers of this process.
///
/// That a consumer lives is asked of the consumer itself; how far its group is, of the server. Growth of
/// backlogs is seen by comparing the checks of one object: one program wants one of them, asked every few
/// seconds by whoever wants to know.
///
/// A handle: copies share what they know. It keeps brokers open, not consumers. Thread safety: all members
/// may be called from any thread, also at the same time.
class health_check
{
public:
    /// Of all servers of the registry and the streams that are declared there. Throws `error` with what
    /// `validate` says.
    explicit health_check(registry const& of, health_options options = {});

    /// Of one server and these streams.
    health_check(broker_ptr of, std::vector<std::string> streams, health_options options = {});

    /// Where handlers without an executor of their own run: a strand beside that of the first broker.
    asio::any_io_executor const& get_executor() const noexcept;

    /// From now on the consumer is looked after under that name, in place of another one that had it. The
    /// consumer may be destroyed at any time, which is a finding then.
    void watch(std::string name, consumer const& of);

    /// No longer.
    void unwatch(std::string name);

    /// Asks all servers and consumers at the same time. While a check is under way another call waits for its
    /// report, and gets the same.
    ///
    /// Handler signature: `void(failure, health_report)`; there is no failure, what is wrong is in the
    /// report. Completes within `health_options::timeout`, whatever hangs. What was asked of a server that
    /// does not answer goes on until its connection is given up, and is not asked again before.
    /// Cancellation: none.
    template <asio::completion_token_for<void(failure, health_report)> Token = asio::deferred_t>
    auto async_check(Token&& token = {}) const
    {
        return detail::async_on_strand<health_report>(
            get_executor(),
            detail::stoppable_operation<health_report>([of = state_](std::stop_token) { return check(of); }),
            std::forward<Token>(token)
        );
    }

private:
    struct state;

    static asio::awaitable<detail::conclusion<health_report>> check(std::shared_ptr<state> of);
    static void ask(std::shared_ptr<state> const& of);

    std::shared_ptr<state> state_;
};

} // namespace strandline
