#include "commands.hpp"
#include "exit_status.hpp"
#include "listing.hpp"
#include "measurements.hpp"
#include "option_values.hpp"
#include "rates.hpp"
#include "screen.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strandline::tools {

namespace {

using namespace asio::experimental::awaitable_operators;

constexpr std::chrono::milliseconds least_interval{100};

struct options
{
    std::vector<std::string> streams;
    std::chrono::milliseconds interval{2'000};
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

boost::json::value rounded(std::optional<double> rate)
{
    return rate ? boost::json::value(std::round(*rate * 10) / 10) : boost::json::value();
}

/// For people who look at a column: `12.5`, and no exponents.
boost::json::value aligned(std::optional<double> rate)
{
    return rate ? boost::json::value(fmt::format("{:.1f}", *rate)) : boost::json::value();
}

class rounds
{
public:
    rounds(session& at, options const& wanted, screen* on)
        : at_(at)
        , wanted_(wanted)
        , screen_(on)
        , due_(at.broker->get_executor())
    {}

    asio::awaitable<void> run()
    {
        auto first = co_await measure_round();
        if (screen_)
            co_await screen_->draw(std::move(first));
        for (std::uint64_t i = 0; i != wanted_.count; ++i) {
            due_.expires_after(wanted_.interval);
            co_await due_.async_wait(asio::use_awaitable);
            auto const text = co_await measure_round();
            co_await (screen_ ? screen_->draw(text) : at_.out.write(text));
        }
    }

private:
    /// On a screen somebody looks at it: a server that is gone for a while is something to be seen.
    asio::awaitable<std::string> measure_round()
    {
        std::string why;
        try {
            co_return show(co_await measure_these_or_all(at_, wanted_.streams));
        }
        catch (error const& thrown) {
            if (!screen_ || !is_retryable(thrown.cause().code()))
                throw;
            why = thrown.cause().message();
        }
        co_return fmt::format("strandline top: {}\n", why);
    }

    std::string show(measurements const& all)
    {
        listing table{"stream",         "group", "length",  "appended/s", "delivered/s",
                      "acknowledged/s", "lag",   "pending", "dead"};
        for (auto const& one : all.of) {
            auto const now = rates_.update(one);
            if (one.counted.groups.empty())
                table.add(row(one, now, nullptr, {}));
            for (std::size_t i = 0; i != one.counted.groups.size(); ++i)
                table.add(row(one, now, &one.counted.groups[i], now.groups[i]));
        }
        if (at_.json)
            return table.take(true);
        auto text = screen_ ? headline(all) : std::string();
        text += table.take(false);
        for (auto const& words : all.missing)
            text += words + '\n';
        return screen_ ? text : text + '\n';
    }

    std::string headline(measurements const& all) const
    {
        auto const when = all.of.empty() ? std::string() : to_text(all.of.front().counted.now);
        return fmt::format("strandline top  {}  q: quit  every {}\n\n", when, to_text(wanted_.interval));
    }

    boost::json::object
    row(measurement const& one, stream_rates const& now, group_statistics const* group,
        group_rates const& rates) const
    {
        auto thing = to_json(one);
        if (group)
            for (auto const& [name, value] : row_of(at_, *group, one))
                thing[name] = value;
        else
            thing["group"] = nullptr;
        auto const add = [&](std::string const& name, std::optional<double> rate) {
            if (at_.json)
                thing[name + "_per_second"] = rounded(rate);
            else
                thing[name + "/s"] = aligned(rate);
        };
        add("appended", now.appended);
        add("delivered", rates.delivered);
        add("acknowledged", rates.acknowledged);
        return thing;
    }

    session& at_;
    options const& wanted_;
    screen* screen_;
    asio::steady_timer due_;
    rates rates_;
};

/// Keeps what it throws, so that an end by itself, also by an error, is one for `||`.
asio::awaitable<void> run(rounds& all, std::exception_ptr& thrown)
{
    try {
        co_await all.run();
    }
    catch (...) {
        thrown = std::current_exception();
    }
}

asio::awaitable<void> wait_for_q(screen& on)
{
    while (co_await on.key() != 'q')
        ;
}

asio::awaitable<void> wait_for_end(session& at, asio::signal_set& signals, screen* on)
{
    if (on)
        co_await (signals.async_wait(asio::use_awaitable) || wait_for_q(*on));
    else
        co_await signals.async_wait(asio::use_awaitable);
    // Nor is the server's answer waited for.
    at.broker->close();
}

asio::awaitable<void> top(session& at, options const& wanted)
{
    auto const& executor = at.broker->get_executor();
    asio::signal_set signals(executor, SIGINT, SIGTERM, SIGHUP);
    std::optional<screen> on;
    if (!at.json && screen::is_there())
        on.emplace(at.out, executor);
    rounds all(at, wanted, on ? &*on : nullptr);
    std::exception_ptr thrown;
    auto const first = co_await (run(all, thrown) || wait_for_end(at, signals, on ? &*on : nullptr));
    if (first.index() == 0 && thrown)
        std::rethrow_exception(thrown);
}

} // namespace

void add_top(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add("top", "Watch what happens in streams", [wanted](session& at) {
        if (wanted->interval < least_interval)
            throw usage_error(fmt::format("--interval: at least {}", to_text(least_interval)));
        return top(at, *wanted);
    });
    add_streams_argument(
        command, wanted->streams, "The streams; default: all but those that hold dead letters"
    );
    add_duration(command, "--interval", wanted->interval, "From one measurement to the next")
        ->default_str("2s");
    add_count(command, "--count", wanted->count, "So many rounds; default: until it is ended");
    command.footer(R"(On a terminal a table that is drawn again and again, until q is pressed. Elsewhere,
and with --json, each interval prints what has happened in it. SIGINT, SIGTERM and
SIGHUP end it; this is no failure. A stream that is missing is waited for; with
--json it has no line meanwhile.

Events in a second are the differences of two measurements: appended to the
stream; delivered to a group; acknowledged by it, which dead ones are, too. What is
trimmed before a group has read it counts as delivered. There is no number where
the server cannot tell the group's lag.)");
}

} // namespace strandline::tools
