#include "consume/lease_keeper.hpp"

#include "core/reach.hpp"

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

/// A server is blocked for the length of one call.
constexpr std::size_t most_in_call = 500;

constexpr std::chrono::milliseconds pause_after_failure{250};

} // namespace

lease_keeper::lease_keeper(broker& engine, identity const& who, std::chrono::milliseconds lease, hooks to)
    : engine_(engine)
    , who_(who)
    , lease_(lease)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , next_check_(clock::now() + lease / 2)
{}

void lease_keeper::renew_all()
{
    all_ = true;
    changed_.notify();
}

void lease_keeper::look_anew()
{
    looks_anew_ = true;
    changed_.notify();
}

void lease_keeper::close()
{
    closed_ = true;
    changed_.notify();
}

asio::awaitable<void> lease_keeper::run()
{
    while (!closed_) {
        // Looked at each quarter, renewed past the half: a quarter is left at the least.
        auto const now = clock::now();
        auto const all = std::exchange(all_, false);
        looks_anew_ = false;
        auto reached = true;
        if (all || now >= next_check_) {
            next_check_ = now + lease_ / 2;
            reached = co_await check_names();
        }
        if (reached && !closed_) {
            auto due =
                to_.held_since_before(boot_clock::now() - (all ? std::chrono::milliseconds(0) : lease_ / 2));
            reached = due.empty() || co_await renew(std::move(due));
            all_ = all_ || (all && looks_anew_);
        }
        if (!reached) {
            all_ = all_ || all;
            co_await changed_.wait_until(clock::now() + pause_after_failure);
        }
        else if (!closed_ && !all_ && !looks_anew_)
            co_await changed_.wait_until(now + lease_ / 4);
    }
}

/// False when the engine has not answered. A name that is not this process's yet may still be that of one
/// that died.
asio::awaitable<bool> lease_keeper::check_names()
{
    auto answered = false;
    for (stream_index stream = 0; stream != who_.streams.size() && !closed_; ++stream) {
        if (!to_.has_joined(stream))
            continue;
        if (auto const why = co_await engine_.renew(who_.in(stream), {}, {}); why && why != errc::no_group) {
            to_.on_error(why);
            if (is_out_of_reach(why))
                co_return false;
        }
        answered = true;
    }
    if (answered)
        to_.reached();
    co_return answered;
}

/// False when the engine could not be reached: the rest is for the next time.
asio::awaitable<bool> lease_keeper::renew(std::vector<entry_ref> due)
{
    std::vector<answer> answers;
    answers.reserve(due.size());
    auto reached = true;
    for (auto begin = due.begin(); begin != due.end() && reached && !closed_ && !looks_anew_;) {
        auto const stream = begin->stream;
        auto end = begin;
        std::vector<entry_id> ids;
        for (; end != due.end() && end->stream == stream && ids.size() != most_in_call; ++end)
            ids.push_back(end->id);
        std::vector<holding> states(ids.size());
        auto const confirmed = boot_clock::now();
        auto const why = co_await engine_.renew(who_.in(stream), ids, states);
        if (why)
            to_.on_error(why);
        // Without the group nothing is pending any more. What had no answer stays uncertain: its handler goes
        // on, and is settled only after a check.
        if (!why || why == errc::no_group)
            for (std::size_t i = 0; i != ids.size(); ++i)
                answers.push_back({{stream, ids[i]}, why ? holding::lost : states[i], confirmed});
        else if (is_out_of_reach(why))
            reached = false;
        begin = end;
    }
    if (!answers.empty())
        to_.answered(answers);
    co_return reached;
}

} // namespace strandline::consume
