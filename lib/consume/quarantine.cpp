#include "consume/quarantine.hpp"

#include <array>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::chrono::milliseconds first_hold{500};

/// A hold that was in vain costs at most one part in so many of the time.
constexpr int share_of_holds = 5;

constexpr std::chrono::milliseconds pause_after_failure{250};

} // namespace

quarantine::quarantine(broker& engine, identity const& who, slots& places, solitude::member& alone, hooks to)
    : engine_(engine)
    , who_(who)
    , places_(places)
    , alone_(alone)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , hold_(first_hold)
{}

void quarantine::add(waiting suspect)
{
    suspects_.push_back(suspect);
    changed_.notify();
}

void quarantine::finished()
{
    running_ = false;
    changed_.notify();
}

void quarantine::granted()
{
    is_alone_ = true;
    changed_.notify();
}

void quarantine::notify()
{
    if (!suspects_.empty())
        changed_.notify();
}

std::vector<waiting> quarantine::close()
{
    closed_ = true;
    changed_.notify();
    std::vector<waiting> const rest(suspects_.begin(), suspects_.end());
    suspects_.clear();
    return rest;
}

asio::awaitable<void> quarantine::run()
{
    while (!closed_) {
        if (suspects_.empty()) {
            co_await changed_.wait();
            continue;
        }
        // Its place first: later, all of them may belong to deliveries that are held.
        if (places_.free() == 0) {
            wanted_ = 1;
            to_.need_place();
            if (places_.free() == 0)
                co_await changed_.wait();
            continue;
        }
        wanted_ = 0;
        places_.reserve(1);
        if (co_await be_alone() && !suspects_.empty() && !closed_)
            co_await start_next();
        else
            places_.release(1);
        is_alone_ = false;
        alone_.leave();
        to_.ended();
        if (!closed_ && !suspects_.empty())
            co_await let_others_work();
    }
}

/// False when the others have not become quiet in time.
asio::awaitable<bool> quarantine::be_alone()
{
    auto const until = clock::now() + hold_;
    // A grant that came too late the last time is none.
    is_alone_ = false;
    alone_.enter();
    while (!is_alone_ && !closed_ && clock::now() < until)
        co_await changed_.wait_until(until);
    if (is_alone_)
        hold_ = first_hold;
    else if (!closed_) {
        alone_.leave();
        auto const resumed = clock::now() + hold_ * (share_of_holds - 1);
        hold_ *= 2;
        while (!closed_ && clock::now() < resumed)
            co_await changed_.wait_until(resumed);
        // What was granted meanwhile came too late.
        co_return false;
    }
    co_return is_alone_;
}

asio::awaitable<void> quarantine::start_next()
{
    current_ = suspects_.front();
    suspects_.pop_front();
    fetching_ = true;
    std::array<taking, 1> item;
    item[0].id = current_.ref.id;
    auto const confirmed = boot_clock::now();
    auto const why = co_await engine_.take(who_.in(current_.ref.stream), item);
    fetching_ = false;
    if (why && why != errc::no_group) {
        places_.release(1);
        suspects_.push_front(current_);
        to_.on_error(why);
        // Not alone meanwhile.
        alone_.leave();
        is_alone_ = false;
        if (!closed_)
            co_await changed_.wait_until(clock::now() + pause_after_failure);
    }
    else if (why || item[0].state != holding::held) {
        places_.release(1);
        to_.vanished(current_, why ? holding::lost : item[0].state);
    }
    else {
        running_ = true;
        to_.start(
            {current_.ref, item[0].attempt, item[0].entry, std::move(item[0].owner), confirmed, current_.in}
        );
        // Also while the consumer stops: it may be given time to return.
        while (running_)
            co_await changed_.wait();
    }
}

/// Until a handler has ended, or there is none: those that started with it go on beside it.
asio::awaitable<void> quarantine::let_others_work()
{
    auto const enough = to_.progress() + 1;
    while (!closed_ && to_.others_wait() && to_.progress() < enough)
        co_await changed_.wait();
}

} // namespace strandline::consume
