#include "consume/lease_keeper.hpp"

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
    , next_check_(std::chrono::steady_clock::now() + lease / 2)
{}

void lease_keeper::renew_all()
{
    all_ = true;
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
        auto const next = std::chrono::steady_clock::now() + lease_ / 4;
        auto const old =
            boot_clock::now() - (std::exchange(all_, false) ? std::chrono::milliseconds(0) : lease_ / 2);
        if (std::chrono::steady_clock::now() >= next_check_)
            co_await check_name();
        auto due = to_.held_since_before(old);
        if (!due.empty() && !co_await renew(std::move(due)))
            co_await changed_.wait_until(std::chrono::steady_clock::now() + pause_after_failure);
        else if (!closed_ && !all_)
            co_await changed_.wait_until(next);
    }
}

asio::awaitable<void> lease_keeper::check_name()
{
    next_check_ = std::chrono::steady_clock::now() + lease_ / 2;
    for (stream_index stream = 0; stream != who_.streams.size() && !closed_; ++stream)
        if (auto const why = co_await engine_.renew(who_.in(stream), {}, {}); why && why != errc::no_group) {
            to_.on_error(why);
            break;
        }
}

/// False when the engine could not be reached: the rest is for the next time.
asio::awaitable<bool> lease_keeper::renew(std::vector<entry_ref> due)
{
    std::vector<answer> answers;
    answers.reserve(due.size());
    auto reached = true;
    for (auto begin = due.begin(); begin != due.end() && reached && !closed_;) {
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
        else
            reached = false;
        begin = end;
    }
    if (!answers.empty())
        to_.answered(answers);
    co_return reached;
}

} // namespace strandline::consume
