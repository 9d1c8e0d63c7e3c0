#include "consume/lanes.hpp"

#include "core/strand.hpp"

#include <strandline/consumer.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace strandline::consume {

namespace {

/// How long after its cancellation a handler counts as stuck.
constexpr std::chrono::seconds time_to_return{1};

bool gives_up(subscription const& of, std::exception_ptr const& thrown)
{
    return of.options.give_up_if && of.options.give_up_if(thrown);
}

/// The outcome that an exception stands for. Called in a catch block.
outcome current_outcome(subscription const& of)
{
    try {
        throw;
    }
    catch (detail::undecodable const& thrown) {
        return {ended::undecodable, thrown.why.message()};
    }
    catch (reject const& thrown) {
        return {ended::rejected, thrown.what()};
    }
    catch (retry_after const& thrown) {
        return {ended::threw, thrown.what(), thrown.delay()};
    }
    catch (std::exception const& thrown) {
        return {gives_up(of, std::current_exception()) ? ended::gave_up : ended::threw, thrown.what()};
    }
    catch (...) {
        return {
            gives_up(of, std::current_exception()) ? ended::gave_up : ended::threw,
            "an exception that is no std::exception"
        };
    }
}

/// Called in a catch block.
void fail(std::span<detail::task> tasks, subscription const& of)
{
    auto const how = current_outcome(of);
    for (auto& one : tasks)
        if (one.how.how == ended::returned)
            one.how = how;
}

/// A handler on another strand: nothing that it throws leaves it, because exceptions are for one thread.
asio::awaitable<void> run_apart(std::span<detail::task> tasks, subscription const& of)
{
    try {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        co_await of.handler->run(tasks);
    }
    catch (...) {
        fail(tasks, of);
    }
}

} // namespace

lanes::lanes(
    asio::any_io_executor strand, settings how, schedule& queue,
    std::vector<subscription> const& subscriptions, functions to
)
    : strand_(std::move(strand))
    , how_(std::move(how))
    , queue_(queue)
    , subscriptions_(subscriptions)
    , to_(std::move(to))
    , running_out_(how_.timeout)
    , returning_(time_to_return)
    , clock_(strand_)
{}

bool lanes::may_start() const noexcept
{
    if (closed_)
        return false;
    return alone_ || (!held_ && queue_.ready() != 0 && running_ < how_.most);
}

void lanes::summon()
{
    if (summoned_ || !may_start())
        return;
    if (!idle_.empty()) {
        summoned_ = true;
        auto* const next = idle_.back();
        idle_.pop_back();
        next->idle = false;
        next->wake.notify();
    }
    // A handler that is stuck keeps its lane, though one that is to run alone does not wait for it.
    else if (lanes_.size() < how_.most + (alone_ ? stuck_ : 0)) {
        summoned_ = true;
        auto& next = *lanes_.emplace_back(std::make_unique<lane>(strand_));
        if (how_.workers)
            next.workers = make_strand_of(how_.workers);
        to_.spawn(work(next), next.cancel.slot());
    }
}

void lanes::set_most(std::size_t most)
{
    how_.most = most;
    summon();
}

void lanes::hold()
{
    held_ = true;
    tell_if_quiet();
}

void lanes::resume()
{
    held_ = false;
    summon();
}

void lanes::run_alone(held one)
{
    alone_ = std::move(one);
    summon();
}

void lanes::tell_if_quiet()
{
    if (held_ && !alone_ && running_ == stuck_)
        to_.quiet();
}

/// Takes what the lane's next handler is to have. False when there is nothing.
bool lanes::take(lane& self)
{
    self.current.clear();
    self.tasks.clear();
    if (!may_start())
        return false;
    self.alone = alone_.has_value();
    if (self.alone) {
        self.current.push_back(std::move(*alone_));
        alone_.reset();
    }
    else
        self.current.push_back(*queue_.next());
    auto const stream = self.current.front().ref.stream;
    auto const& to = subscriptions_[stream];
    if (auto const most = to.handler->most(); most != 1 && !self.alone)
        while (self.current.size() < most) {
            auto next = queue_.next_of(stream);
            if (!next)
                break;
            self.current.push_back(std::move(*next));
        }
    for (auto& one : self.current)
        self.tasks.emplace_back(to.stream, one.ref.id, one.attempt, one.entry, std::move(one.owner));
    return true;
}

asio::awaitable<void> lanes::work(lane& self)
{
    // Not within the lane that summoned this one: that would start the handlers in reverse, each deeper in
    // the stack.
    co_await asio::post(strand_);
    // Handlers see every kind of cancellation.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    for (;;) {
        summoned_ = false;
        stamp_clocks();
        while (take(self)) {
            self.busy = true;
            ++running_;
            summon();
            if (queue_.ready() == 0 && running_ < how_.most)
                to_.wanting();
            auto const& to = subscriptions_[self.current.front().ref.stream];
            if (how_.timeout.count() != 0 && to.handler->has_time_from_start())
                start_clock(self);
            if (self.workers && !to.handler->stays_on_strand()) {
                start_apart(self, to);
                while (self.is_apart)
                    co_await self.wake.wait();
            }
            else {
                try {
                    co_await to.handler->run(self.tasks);
                }
                catch (...) {
                    fail(self.tasks, to);
                }
            }
            if (self.abandoned)
                co_return;
            // A handler shares this state; it may have switched cancellation off, or caught it.
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            co_await asio::this_coro::throw_if_cancelled(true);
            finish(self);
        }
        if (closed_)
            co_return;
        self.idle = true;
        idle_.push_back(&self);
        while (self.idle && !closed_)
            co_await self.wake.wait();
    }
}

/// Awaited by a flag: awaiting the operation itself would keep its executor in the lane's frame until after
/// the handler has returned, when the workers may be gone. For the same reason its end is noted on the
/// workers, and only told here.
void lanes::start_apart(lane& self, subscription const& to)
{
    self.is_apart = true;
    auto const signal = std::make_shared<asio::cancellation_signal>();
    self.cancel_apart = signal;
    asio::co_spawn(
        self.workers, run_apart(self.tasks, to),
        asio::bind_cancellation_slot(
            signal->slot(),
            [&self, signal, strand = strand_](std::exception_ptr) {
                asio::post(strand, [&self] {
                    self.cancel_apart.reset();
                    self.is_apart = false;
                    self.wake.notify();
                });
            }
        )
    );
}

void lanes::finish(lane& self)
{
    deadlines::clear(self);
    auto const cancelled = std::exchange(self.cancelled, std::nullopt);
    self.busy = false;
    if (std::exchange(self.stuck, false))
        --stuck_;
    else if (self.alone)
        to_.alone_ended();
    self.alone = false;
    if (--running_ == 0 && closed_)
        clock_.notify();
    tell_if_quiet();
    for (std::size_t i = 0; i != self.current.size(); ++i) {
        auto& how = self.tasks[i].how;
        if (self.current[i].is_lost)
            how = {ended::lost};
        else if (cancelled)
            how = {*cancelled, fmt::format("the handler was cancelled after {} ms", how_.timeout.count())};
        to_.ended(self.current[i], std::move(how));
        self.tasks[i].owner.reset();
    }
}

std::optional<held> lanes::close()
{
    closed_ = true;
    for (auto* waiting : idle_)
        waiting->wake.notify();
    idle_.clear();
    clock_.notify();
    return std::exchange(alone_, std::nullopt);
}

/// A lane that is on its way comes to the strand soon after this handler leaves it, and reads the clock for
/// all that have started until then: most of them have ended.
void lanes::start_clock(lane& one)
{
    running_out_.add(one);
    if (!summoned_)
        stamp_clocks();
}

void lanes::stamp_clocks()
{
    if (running_out_.wants_stamp())
        wake_watch(running_out_.stamp(deadlines::clock::now()));
}

void lanes::restart_clock(entry_ref ref)
{
    for (auto const& one : lanes_)
        if (one->busy && !one->cancelled && how_.timeout.count() != 0 && one->current.front().ref == ref) {
            deadlines::clear(*one);
            start_clock(*one);
        }
}

void lanes::wake_watch(deadlines::clock::time_point due)
{
    if (!std::exchange(watched_, true))
        to_.spawn(watch(), {});
    else if (due < wakes_at_) {
        wakes_at_ = due;
        clock_.notify();
    }
}

/// Cancels the handlers whose time is over, and tells of those that do not return then.
asio::awaitable<void> lanes::watch()
{
    // Not within the lane that started the clock.
    co_await asio::post(strand_);
    while (!abandoned_ && !(closed_ && running_ == 0)) {
        auto const now = deadlines::clock::now();
        while (auto* const late = running_out_.expire(now))
            cancel(static_cast<lane&>(*late), ended::timed_out);
        while (auto* const late = returning_.expire(now))
            report_stuck(static_cast<lane&>(*late));
        auto const never = deadlines::clock::time_point::max();
        wakes_at_ = std::min(running_out_.next().value_or(never), returning_.next().value_or(never));
        co_await clock_.wait_until(wakes_at_);
    }
}

/// The signal comes last: a handler can end within it. To one on the workers it is handed over, because what
/// it reaches belongs to their strand.
void lanes::cancel(lane& one, ended why)
{
    one.cancelled = why;
    deadlines::clear(one);
    wake_watch(returning_.set(one, deadlines::clock::now()));
    if (one.is_apart)
        asio::post(one.workers, [signal = one.cancel_apart] {
            signal->emit(asio::cancellation_type::terminal);
        });
    else
        one.cancel.emit(asio::cancellation_type::terminal);
}

void lanes::report_stuck(lane& one)
{
    one.stuck = true;
    ++stuck_;
    for (auto const& delivery : one.current)
        to_.stuck(delivery);
    if (one.alone)
        to_.alone_ended();
    tell_if_quiet();
}

void lanes::cancel_running()
{
    for (std::size_t i = 0; i != lanes_.size(); ++i)
        if (lanes_[i]->busy && !lanes_[i]->cancelled)
            cancel(*lanes_[i], ended::cancelled);
}

std::vector<lanes::stuck_delivery> lanes::abandon_running()
{
    std::vector<stuck_delivery> stuck;
    abandoned_ = true;
    clock_.notify();
    for (auto const& one : lanes_) {
        // A strand must be gone before the context of the workers is, which the end of the run may be waiting
        // for.
        one->workers = nullptr;
        one->cancel_apart.reset();
        if (!one->busy)
            continue;
        one->abandoned = true;
        if (!std::exchange(one->stuck, true)) {
            ++stuck_;
            if (one->alone)
                to_.alone_ended();
        }
        auto const counts = one->cancelled == ended::timed_out;
        for (auto const& delivery : one->current)
            if (!delivery.is_lost)
                stuck.push_back({delivery.ref, delivery.attempt - (counts ? 0 : 1)});
    }
    tell_if_quiet();
    return stuck;
}

} // namespace strandline::consume
