#include "consume/lanes.hpp"

#include <strandline/consumer.hpp>
#include <strandline/detail/handler.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace strandline::consume {

namespace {

/// How long after its cancellation a handler counts as stuck.
constexpr std::chrono::seconds time_to_return{1};

/// The outcome that an exception stands for. Called in a catch block.
outcome current_outcome()
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
    catch (std::exception const& thrown) {
        return {ended::threw, thrown.what()};
    }
    catch (...) {
        return {ended::threw, "an exception that is no std::exception"};
    }
}

} // namespace

lanes::lanes(
    asio::any_io_executor executor, std::size_t most, std::size_t queue_limit,
    std::chrono::milliseconds timeout, functions to
)
    : executor_(std::move(executor))
    , most_(most)
    , to_(std::move(to))
    , timeout_(timeout)
    , running_out_(timeout)
    , returning_(time_to_return)
    , clock_(executor_)
    , queue_(queue_limit)
{}

void lanes::push(held delivery)
{
    queue_.push_back(std::move(delivery));
    summon();
}

void lanes::summon()
{
    if (summoned_ || closed_ || queue_.empty())
        return;
    if (!idle_.empty()) {
        summoned_ = true;
        auto* const next = idle_.back();
        idle_.pop_back();
        next->idle = false;
        next->wake.notify();
    }
    else if (lanes_.size() < most_) {
        summoned_ = true;
        auto& next = *lanes_.emplace_back(std::make_unique<lane>(executor_));
        to_.spawn(work(next), next.cancel.slot());
    }
}

asio::awaitable<void> lanes::work(lane& self)
{
    // Not within the lane that summoned this one: that would start the handlers in reverse, each deeper in
    // the stack.
    co_await asio::post(executor_);
    // Handlers see every kind of cancellation.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    for (;;) {
        summoned_ = false;
        while (!queue_.empty() && !closed_) {
            self.current = std::move(queue_.front());
            queue_.pop_front();
            self.busy = true;
            ++running_;
            summon();
            if (timeout_.count() != 0)
                start_clock(self);
            outcome how;
            try {
                co_await to_.run(self.current);
            }
            catch (...) {
                how = current_outcome();
            }
            if (self.abandoned)
                co_return;
            // A handler shares this state; it may have switched cancellation off, or caught it.
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            co_await asio::this_coro::throw_if_cancelled(true);
            deadlines::clear(self);
            if (self.cancelled)
                how = {
                    *std::exchange(self.cancelled, std::nullopt),
                    fmt::format("the handler was cancelled after {} ms", timeout_.count())
                };
            self.busy = false;
            if (--running_ == 0 && closed_)
                clock_.notify();
            to_.ended(self.current, std::move(how));
        }
        if (closed_)
            co_return;
        self.current = {};
        self.idle = true;
        idle_.push_back(&self);
        while (self.idle && !closed_)
            co_await self.wake.wait();
    }
}

std::vector<held> lanes::close()
{
    closed_ = true;
    std::vector<held> rest(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
    for (auto* waiting : idle_)
        waiting->wake.notify();
    idle_.clear();
    clock_.notify();
    return rest;
}

void lanes::start_clock(lane& one)
{
    wake_watch(running_out_.set(one, deadlines::clock::now()));
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
    co_await asio::post(executor_);
    while (!abandoned_ && !(closed_ && running_ == 0)) {
        auto const now = deadlines::clock::now();
        while (auto* const late = running_out_.expire(now))
            cancel(static_cast<lane&>(*late), ended::timed_out);
        while (auto* const late = returning_.expire(now))
            to_.stuck(static_cast<lane&>(*late).current);
        auto const never = deadlines::clock::time_point::max();
        wakes_at_ = std::min(running_out_.next().value_or(never), returning_.next().value_or(never));
        co_await clock_.wait_until(wakes_at_);
    }
}

/// The signal comes last: a handler can end within it.
void lanes::cancel(lane& one, ended why)
{
    one.cancelled = why;
    deadlines::clear(one);
    wake_watch(returning_.set(one, deadlines::clock::now()));
    one.cancel.emit(asio::cancellation_type::terminal);
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
    for (auto const& one : lanes_)
        if (one->busy) {
            one->abandoned = true;
            auto const counts = one->cancelled == ended::timed_out;
            stuck.push_back({one->current.ref, one->current.attempt - (counts ? 0 : 1)});
        }
    return stuck;
}

} // namespace strandline::consume
