#include "consume/exclusion.hpp"

#include <strandline/names.hpp>

#include <utility>

namespace strandline::consume {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause_after_failure{250};

} // namespace

exclusion::exclusion(broker& engine, identity const& who, std::chrono::milliseconds ttl, hooks to)
    : engine_(engine)
    , who_(who)
    , ttl_(ttl)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , on_finished_(engine.get_executor())
{}

void exclusion::stop_waiting()
{
    gives_up_ = true;
    changed_.notify();
}

void exclusion::close()
{
    closed_ = true;
    changed_.notify();
}

asio::awaitable<failure> exclusion::acquire()
{
    for (;;) {
        auto why = co_await try_acquire();
        if (!is_retryable(why) || gives_up_)
            co_return why;
        to_.on_error(why);
        co_await changed_.wait_until(clock::now() + pause_after_failure);
    }
}

asio::awaitable<failure> exclusion::try_acquire()
{
    for (std::size_t i = 0; i != who_.streams.size(); ++i) {
        auto const fence = co_await engine_.lock(group_lock(who_.streams[i], who_.group), who_.token, ttl_);
        if (fence)
            continue;
        co_await release(i);
        co_return fence.error();
    }
    co_return failure();
}

asio::awaitable<void> exclusion::release(std::size_t count)
{
    for (std::size_t i = 0; i != count; ++i)
        // What cannot be released runs out.
        if (co_await engine_.unlock(group_lock(who_.streams[i], who_.group), who_.token))
            co_return;
}

asio::awaitable<failure> exclusion::renew()
{
    for (auto const& stream : who_.streams)
        if (auto why = co_await engine_.renew_lock(group_lock(stream, who_.group), who_.token, ttl_))
            co_return why;
    co_return failure();
}

asio::awaitable<void> exclusion::run()
{
    // Counted from before the command that renewed them.
    auto held_since = clock::now();
    auto next = held_since + ttl_ / 3;
    while (!closed_) {
        co_await changed_.wait_until(next);
        if (closed_)
            break;
        auto const now = clock::now();
        if (now < next)
            continue;
        auto const why = co_await renew();
        if (!why)
            held_since = now;
        else if (why == errc::lock_lost || clock::now() - held_since >= ttl_) {
            to_.lost(why == errc::lock_lost ? why : failure(errc::lock_lost, why.message()));
            break;
        }
        else
            to_.on_error(why);
        next = why ? clock::now() + pause_after_failure : now + ttl_ / 3;
    }
    co_await release(who_.streams.size());
    finished_ = true;
    on_finished_.notify();
}

} // namespace strandline::consume
