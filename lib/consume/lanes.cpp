#include "consume/lanes.hpp"

#include <strandline/consumer.hpp>
#include <strandline/detail/handler.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace strandline::consume {

namespace {

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
    asio::any_io_executor executor, std::size_t most, std::size_t queue_limit, spawn_function spawn,
    run_function run, ended_function ended
)
    : executor_(std::move(executor))
    , most_(most)
    , spawn_(std::move(spawn))
    , run_(std::move(run))
    , ended_(std::move(ended))
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
        spawn_(work(next), next.cancel.slot());
    }
}

asio::awaitable<void> lanes::work(lane& self)
{
    // Not within the lane that summoned this one: that would start the handlers in reverse, each deeper in the stack.
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
            outcome how;
            try {
                co_await run_(self.current);
            }
            catch (...) {
                how = current_outcome();
            }
            if (self.abandoned)
                co_return;
            // A handler shares this state; it may have switched cancellation off, or caught it.
            co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
            co_await asio::this_coro::throw_if_cancelled(true);
            if (std::exchange(self.cancelled, false))
                how.how = ended::cancelled;
            self.busy = false;
            --running_;
            ended_(self.current, std::move(how));
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
    return rest;
}

void lanes::cancel_running()
{
    // By index: what a cancelled handler does at once may not add lanes any more, but let it be no matter.
    for (std::size_t i = 0; i != lanes_.size(); ++i) {
        auto& one = *lanes_[i];
        if (one.busy && !one.cancelled) {
            one.cancelled = true;
            one.cancel.emit(asio::cancellation_type::terminal);
        }
    }
}

std::vector<std::pair<entry_ref, std::uint32_t>> lanes::abandon_running()
{
    std::vector<std::pair<entry_ref, std::uint32_t>> stuck;
    for (auto const& one : lanes_)
        if (one->busy) {
            one->abandoned = true;
            stuck.emplace_back(one->current.ref, one->current.attempt);
        }
    return stuck;
}

} // namespace strandline::consume
