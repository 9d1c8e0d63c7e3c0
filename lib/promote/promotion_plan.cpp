#include "promote/promotion_plan.hpp"

#include <algorithm>
#include <utility>

namespace strandline::promote {

namespace {

using namespace std::chrono_literals;

constexpr promotion_plan::clock::duration longest_sleep = 30s;

/// Of so many streams it is longer, so that an idle process sends at most one of these commands in two
/// seconds.
constexpr promotion_plan::clock::duration sleep_for_each_stream = 2s;

/// An interest takes its time to reach a server. Until then what is nearer is found by these looks.
constexpr promotion_plan::clock::duration first_sleep = 1s;

constexpr promotion_plan::clock::duration first_pause = 250ms;
constexpr promotion_plan::clock::duration longest_pause = 5s;

} // namespace

promotion_plan::promotion_plan(std::size_t streams, clock::time_point now)
    : streams_(streams)
    , longest_sleep_(std::max<clock::duration>(longest_sleep, streams * sleep_for_each_stream))
{
    look_at_all(now);
}

void promotion_plan::look_at_all(clock::time_point now)
{
    for (auto& of : streams_) {
        of.when = now;
        of.longest_sleep = first_sleep;
        of.pause = {};
        of.hinted = true;
    }
}

void promotion_plan::look_at(std::size_t stream, clock::time_point now)
{
    auto& of = streams_[stream];
    of.hinted = true;
    if (of.pause == of.pause.zero())
        of.when = std::min(of.when, now);
}

promotion_plan::turn promotion_plan::next() const
{
    auto const first = std::ranges::min_element(streams_, {}, &state::when);
    if (first == streams_.end())
        return {};
    return {static_cast<std::size_t>(first - streams_.begin()), first->when};
}

void promotion_plan::began(std::size_t stream)
{
    streams_[stream].hinted = false;
}

void promotion_plan::ended(std::size_t stream, promotion const& done, clock::time_point now)
{
    auto& of = streams_[stream];
    of.is_at_rest = done.next != 0ms;
    // There is more, but the look did not get at it.
    if (!of.is_at_rest && done.moved == 0 && done.set_aside == 0) {
        of.when = now + next_pause(of, longest_pause);
        return;
    }
    of.pause = {};
    if (of.hinted) {
        of.when = now;
        return;
    }
    auto const sleep = of.longest_sleep;
    of.when = now + (done.next ? std::min<clock::duration>(*done.next, sleep) : sleep);
    if (of.is_at_rest)
        of.longest_sleep = std::min(sleep * 2, longest_sleep_);
}

void promotion_plan::failed(std::size_t stream, bool may_pass, clock::time_point now)
{
    auto& of = streams_[stream];
    of.is_at_rest = !may_pass;
    of.when = now + next_pause(of, may_pass ? longest_pause : longest_sleep_);
}

bool promotion_plan::is_at_rest() const
{
    return std::ranges::all_of(streams_, &state::is_at_rest);
}

promotion_plan::clock::duration promotion_plan::next_pause(state& of, clock::duration longest)
{
    of.pause = std::clamp(of.pause * 2, first_pause, longest);
    return of.pause;
}

} // namespace strandline::promote
