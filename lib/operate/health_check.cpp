#include "consume/control.hpp"
#include "core/condition.hpp"
#include "core/strand.hpp"
#include "operate/health_judge.hpp"

#include <strandline/health.hpp>
#include <strandline/statistics.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace strandline {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours(24);

/// What can be seen of a server.
asio::awaitable<server_health> look_at(
    broker_ptr of, std::string name, std::shared_ptr<std::vector<std::string> const> streams,
    std::chrono::milliseconds wait
)
{
    server_health seen;
    seen.name = std::move(name);
    // A shorter wait than the check's, so that it can say why there is no connection.
    seen.why = co_await of->ready(wait * 3 / 4);
    if (seen.why)
        co_return seen;
    auto const begun = clock::now();
    auto info = co_await of->inspect_server();
    seen.round_trip = std::chrono::floor<std::chrono::microseconds>(clock::now() - begun);
    if (info)
        seen.info = std::move(*info);
    else if (info.error() != errc::not_permitted) {
        seen.why = info.error();
        co_return seen;
    }
    auto measured = co_await detail::measure(*of, *streams);
    if (!measured)
        seen.why = measured.error();
    else
        for (std::size_t i = 0; i != streams->size(); ++i)
            seen.streams.push_back({(*streams)[i], std::move((*measured)[i])});
    co_return seen;
}

failure out_of_range(std::string_view member, std::string_view range)
{
    return {errc::invalid_option, fmt::format("health_options::{} must be {}", member, range)};
}

} // namespace

std::string_view name_of(health_problem what) noexcept
{
    switch (what) {
    case health_problem::unreachable:
        return "unreachable";
    case health_problem::not_told:
        return "not_told";
    case health_problem::replica:
        return "replica";
    case health_problem::evicting:
        return "evicting";
    case health_problem::memory_nearly_full:
        return "memory_nearly_full";
    case health_problem::stream_unusable:
        return "stream_unusable";
    case health_problem::backlog_growing:
        return "backlog_growing";
    case health_problem::consumer_silent:
        return "consumer_silent";
    case health_problem::consumer_stopped:
        return "consumer_stopped";
    case health_problem::stream_not_read:
        return "stream_not_read";
    case health_problem::handlers_stuck:
        return "handlers_stuck";
    }
    return {};
}

failure validate(health_options const& options)
{
    if (options.timeout < std::chrono::milliseconds(1) || options.timeout > longest_timeout)
        return out_of_range("timeout", "from 1 ms to 24 h");
    if (options.read_timeout < std::chrono::milliseconds(1))
        return out_of_range("read_timeout", "1 ms or longer");
    if (options.growing_checks < 1)
        return out_of_range("growing_checks", "1 or more");
    if (options.growing_interval < std::chrono::milliseconds(0))
        return out_of_range("growing_interval", "0 ms or longer");
    // Written so that it is false for what is no number.
    if (!(options.memory_share > 0 && options.memory_share <= 1))
        return out_of_range("memory_share", "above 0 and at most 1");
    return {};
}

/// On a strand of its own, but for what does not change: a handler that blocks the strand of its broker is
/// something to be told.
struct health_check::state
{
    /// Somebody who is asked. One question at a time is under way; its answer may come in a later check than
    /// the one that asked it.
    template <class Answer>
    struct asked
    {
        bool under_way = false;
        std::optional<Answer> answer;
    };

    struct server : asked<server_health>
    {
        std::string name;
        broker_ptr broker;
        std::shared_ptr<std::vector<std::string> const> streams;
    };

    struct watched : asked<consumer_status>
    {
        std::string name;
        std::weak_ptr<consume::control> control;
        bool is_gone = false;
    };

    state(std::vector<server> looked_after, health_options const& how)
        : strand(make_strand_beside(looked_after.front().broker->get_executor()))
        , options(how)
        , servers(std::move(looked_after))
        , judge(how)
        , answered(strand)
        , reported(strand)
    {}

    bool waits() const
    {
        return std::ranges::any_of(servers, &server::under_way) ||
               std::ranges::any_of(consumers, [](auto const& one) { return one->under_way; });
    }

    health_report report() const;

    asio::any_io_executor strand;
    health_options options;
    /// As many as there are; does not change.
    std::vector<server> servers;
    std::vector<std::shared_ptr<watched>> consumers;
    operate::health_judge judge;
    condition answered;
    condition reported;
    /// A check is under way; others wait for its report.
    bool under_way = false;
    /// How many there were.
    std::uint64_t checks = 0;
    std::shared_ptr<health_report const> last;
};

health_report health_check::state::report() const
{
    health_report seen;
    auto const no_answer =
        failure(errc::timed_out, fmt::format("there was no answer within {} ms", options.timeout.count()));
    for (auto const& one : servers)
        if (one.answer)
            seen.servers.push_back(*one.answer);
        else
            seen.servers.push_back({.name = one.name, .why = no_answer});
    for (auto const& one : consumers)
        if (one->is_gone)
            seen.consumers.push_back({.name = one->name, .why = errc::not_running});
        else if (one->answer)
            seen.consumers.push_back({.name = one->name, .status = *one->answer});
        else if (one->under_way)
            seen.consumers.push_back({.name = one->name, .why = no_answer});
    return seen;
}

health_check::health_check(registry const& of, health_options options)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    std::vector<state::server> servers;
    for (auto const& one : of.servers()) {
        auto streams = std::make_shared<std::vector<std::string>>();
        for (auto const& declared : one.streams)
            streams->push_back(declared.name);
        auto& added = servers.emplace_back();
        added.name = one.name;
        added.broker = one.broker;
        added.streams = std::move(streams);
    }
    state_ = std::make_shared<state>(std::move(servers), options);
}

health_check::health_check(broker_ptr of, std::vector<std::string> streams, health_options options)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    std::vector<state::server> servers(1);
    servers.front().broker = std::move(of);
    servers.front().streams = std::make_shared<std::vector<std::string> const>(std::move(streams));
    state_ = std::make_shared<state>(std::move(servers), options);
}

void health_check::watch(std::string name, consumer const& of)
{
    auto added = std::make_shared<state::watched>();
    added->name = std::move(name);
    added->control = of.control_;
    asio::post(state_->strand, [state = state_, added] {
        std::erase_if(state->consumers, [&](auto const& one) { return one->name == added->name; });
        state->consumers.push_back(added);
    });
}

void health_check::unwatch(std::string name)
{
    asio::post(state_->strand, [state = state_, name = std::move(name)] {
        std::erase_if(state->consumers, [&](auto const& one) { return one->name == name; });
    });
}

asio::any_io_executor const& health_check::get_executor() const noexcept
{
    return state_->strand;
}

void health_check::ask(std::shared_ptr<state> const& of)
{
    for (auto& one : of->servers) {
        one.answer.reset();
        if (std::exchange(one.under_way, true))
            continue;
        asio::co_spawn(
            one.broker->get_executor(), look_at(one.broker, one.name, one.streams, of->options.timeout),
            asio::bind_executor(
                of->strand,
                [of, &one](std::exception_ptr unexpected, server_health seen) {
                    if (unexpected)
                        std::rethrow_exception(unexpected);
                    one.under_way = false;
                    one.answer = std::move(seen);
                    of->answered.notify();
                }
            )
        );
    }
    for (auto const& one : of->consumers) {
        one->answer.reset();
        auto const control = one->control.lock();
        one->is_gone = !control;
        if (!control || std::exchange(one->under_way, true))
            continue;
        control->tell_status(asio::bind_executor(of->strand, [of, one](failure, consumer_status told) {
            one->under_way = false;
            one->answer = std::move(told);
            of->answered.notify();
        }));
    }
}

asio::awaitable<detail::conclusion<health_report>> health_check::check(std::shared_ptr<state> of)
{
    if (of->under_way) {
        for (auto const before = of->checks; of->checks == before;)
            co_await of->reported.wait();
        co_return detail::conclusion<health_report>{failure(), *of->last};
    }
    of->under_way = true;
    ask(of);
    for (auto const deadline = clock::now() + of->options.timeout; of->waits() && clock::now() < deadline;)
        co_await of->answered.wait_until(deadline);
    auto report = std::make_shared<health_report>(of->report());
    of->judge.judge(*report, clock::now());
    of->last = report;
    ++of->checks;
    of->under_way = false;
    of->reported.notify();
    co_return detail::conclusion<health_report>{failure(), *report};
}

} // namespace strandline
