#include "operate/housekeeping.hpp"

#include "core/condition.hpp"
#include "core/pause.hpp"
#include "core/reach.hpp"

#include <strandline/names.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <random>
#include <utility>

namespace strandline::operate {

namespace {

using clock = std::chrono::steady_clock;

/// In one step, in which a server does nothing else.
constexpr std::size_t most_collected = 10'000;

/// The contract's limits.
constexpr std::size_t most_removed = 500;
constexpr std::size_t most_promoted = 500;

/// Names are looked at so often in the time for which they stay.
constexpr int part_between_looks = 100;

failure interrupted()
{
    return error_code(asio::error::operation_aborted);
}

} // namespace

housekeeping::housekeeping(
    broker_ptr engine, std::vector<stream_declaration> streams, std::shared_ptr<janitor_options const> options
)
    : engine_(std::move(engine))
    , streams_(std::move(streams))
    , options_(std::move(options))
    , next_names_(streams_.size())
    , told_(streams_.size())
{
    std::ranges::transform(streams_, std::back_inserter(names_), &stream_declaration::name);
    std::random_device random;
    token_ = fmt::format("{:08x}{:08x}", random(), random());
}

asio::awaitable<detail::conclusion<janitor_report>> housekeeping::run(std::stop_token stop)
{
    detail::conclusion<janitor_report> end;
    // Also over when the broker is closed; it is the promoter that learns that early.
    std::stop_source over;
    std::stop_callback const told(stop, [&over] { over.request_stop(); });
    promote::promoter promoter(*engine_, names_, promoter_hooks(end.value, over));
    condition changed(get_executor());
    auto is_promoting = true;
    asio::co_spawn(
        get_executor(), promoter.run(),
        asio::bind_executor(
            get_executor(),
            [&](std::exception_ptr unexpected) {
                if (unexpected)
                    std::rethrow_exception(unexpected);
                is_promoting = false;
                changed.notify();
            }
        )
    );
    co_await clean_in_turns(over.get_token(), end.value);
    promoter.close();
    while (is_promoting)
        co_await changed.wait();
    if (!stop.stop_requested())
        end.why = errc::closed;
    co_return end;
}

/// Until told to stop, or the broker is closed.
asio::awaitable<void> housekeeping::clean_in_turns(std::stop_token stop, janitor_report& report)
{
    while (!stop.stop_requested()) {
        auto const begin = clock::now();
        for (std::size_t i = 0; i != names_.size() && !stop.stop_requested(); ++i) {
            // Not given back: that it runs out ends the turn, and makes place for the next one.
            auto const turn = derived_name(names_[i], "janitor");
            auto const fence = co_await engine_->lock(turn, token_, options_->interval);
            auto const also_names = clock::now() >= next_names_[i];
            auto why = fence ? co_await clean(i, also_names, stop, report) : fence.error();
            if (fence && also_names)
                next_names_[i] = clock::now() + options_->remove_consumers_after / part_between_looks;
            if (why == errc::closed)
                co_return;
            if (why == errc::locked)
                continue;
            auto words = why ? why.message() : std::string();
            if (std::exchange(told_[i], words) != words && why)
                tell(names_[i], why);
            // The others would only wait for it, too.
            if (is_out_of_reach(why))
                break;
        }
        co_await pause_until(get_executor(), begin + options_->interval, stop);
    }
}

asio::awaitable<detail::conclusion<janitor_report>> housekeeping::sweep(std::stop_token stop)
{
    detail::conclusion<janitor_report> end;
    for (std::size_t i = 0; i != names_.size(); ++i) {
        auto why = co_await promote(names_[i], stop, end.value);
        if (!why)
            why = co_await clean(i, true, stop, end.value);
        if (!why)
            continue;
        if (!end.why)
            end.why = {why.code(), fmt::format("stream {}: {}", names_[i], why.words())};
        if (stop.stop_requested() || is_out_of_reach(why))
            break;
    }
    if (stop.stop_requested())
        end.why = interrupted();
    co_return end;
}

/// Goes on after a failure: one missing right or group shall not keep everything else.
asio::awaitable<failure>
housekeeping::clean(std::size_t stream, bool also_names, std::stop_token const& stop, janitor_report& report)
{
    auto const& of = streams_[stream];
    failure first;
    if (options_->collect_entries && !of.groups.empty())
        first = co_await collect(of, stop, report);
    if (options_->keep_dead_letters != options_->keep_dead_letters.zero() && !is_out_of_reach(first)) {
        auto const letters = dead_letter_stream(of.name);
        auto const expired = co_await engine_->trim(letters, {.age = options_->keep_dead_letters});
        if (expired)
            report.expired += *expired;
        else if (!first)
            first = expired.error();
    }
    if (also_names && options_->remove_consumers_after != options_->remove_consumers_after.zero() &&
        !is_out_of_reach(first))
        if (auto why = co_await remove_consumers(of, stop, report); why && !first)
            first = std::move(why);
    co_return first;
}

asio::awaitable<failure>
housekeeping::collect(stream_declaration const& stream, std::stop_token const& stop, janitor_report& report)
{
    std::vector<std::string_view> const groups(stream.groups.begin(), stream.groups.end());
    for (auto more = true; more && !stop.stop_requested();) {
        auto const done = co_await engine_->collect(stream.name, groups, most_collected);
        if (!done)
            co_return done.error();
        report.collected += done->removed;
        more = done->more;
        if (more)
            co_await others();
    }
    co_return failure();
}

asio::awaitable<failure> housekeeping::remove_consumers(
    stream_declaration const& stream, std::stop_token const& stop, janitor_report& report
)
{
    for (auto const& group : stream.groups)
        for (auto more = true; more && !stop.stop_requested();) {
            auto const removed =
                co_await engine_->remove_idle(stream.name, group, options_->remove_consumers_after);
            if (!removed && removed.error() == errc::no_group)
                break;
            if (!removed)
                co_return removed.error();
            report.consumers_removed += *removed;
            more = *removed == most_removed;
        }
    co_return failure();
}

asio::awaitable<failure>
housekeeping::promote(std::string const& stream, std::stop_token const& stop, janitor_report& report)
{
    for (auto more = true; more && !stop.stop_requested();) {
        auto const done = co_await engine_->promote_due(stream, most_promoted);
        if (!done)
            co_return done.error();
        report.promoted += done->moved;
        if (done->not_set_aside)
            co_return done->not_set_aside;
        more = done->moved + done->set_aside != 0 && done->next == std::chrono::milliseconds(0);
        if (more)
            co_await others();
    }
    co_return failure();
}

/// Lets others have their turn: the engine in memory answers without a pause.
asio::awaitable<void> housekeeping::others() const
{
    co_await asio::post(get_executor());
}

promote::promoter::hooks housekeeping::promoter_hooks(janitor_report& report, std::stop_source& over)
{
    return {
        .moved = [&report](std::size_t count) { report.promoted += count; },
        .looked = [] {},
        .reached = [this](std::string const& stream) { told_of_delayed_.erase(stream); },
        .on_error =
            [this, &over](std::string const& stream, failure const& why) {
                if (why == errc::closed)
                    over.request_stop();
                else if (auto words = why.message(); std::exchange(told_of_delayed_[stream], words) != words)
                    tell(stream, why);
            },
    };
}

void housekeeping::tell(std::string const& stream, failure const& why) const
{
    if (options_->on_error)
        options_->on_error(stream, why);
}

} // namespace strandline::operate
