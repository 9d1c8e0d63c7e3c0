#include "consume/solitude.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace strandline::consume {

struct solitude::member::state
{
    asio::any_io_executor strand;
    hooks to;
    bool is_quiet = true;
    /// On its strand only: the round in which it was held last.
    std::uint64_t round = 0;
    /// On its strand only: its hooks are not to be called any more.
    bool ended = false;
};

solitude::member::member(asio::any_io_executor strand, hooks to)
    : state_(std::make_shared<state>(std::move(strand), std::move(to)))
    , begins_held_(of_process().join(state_))
{}

solitude::member::~member()
{
    state_->ended = true;
    of_process().remove(state_);
}

void solitude::member::enter()
{
    of_process().request(state_);
}

void solitude::member::leave()
{
    of_process().withdraw(state_);
}

void solitude::member::quiet()
{
    of_process().set_quiet(state_, state_->round);
}

solitude& solitude::of_process()
{
    static solitude the_one;
    return the_one;
}

void solitude::post(participant const& one, std::function<void()> hooks::* which)
{
    asio::post(one->strand, [one, which] {
        if (!one->ended)
            (one->to.*which)();
    });
}

bool solitude::join(participant const& one)
{
    std::lock_guard const lock(mutex_);
    members_.push_back(one);
    return !wanting_.empty();
}

void solitude::remove(participant const& one)
{
    withdraw(one);
    std::lock_guard const lock(mutex_);
    std::erase(members_, one);
    grant_if_quiet();
}

void solitude::request(participant const& one)
{
    std::lock_guard const lock(mutex_);
    wanting_.push_back(one);
    if (wanting_.size() == 1)
        begin();
}

void solitude::withdraw(participant const& one)
{
    std::lock_guard const lock(mutex_);
    auto const place = std::ranges::find(wanting_, one);
    if (place == wanting_.end())
        return;
    auto const was_first = place == wanting_.begin();
    wanting_.erase(place);
    if (!was_first)
        return;
    granted_ = false;
    // In between everybody goes on.
    for (auto const& other : members_)
        post(other, &hooks::resume);
    if (!wanting_.empty())
        begin();
}

void solitude::begin()
{
    ++round_;
    for (auto const& other : members_) {
        other->is_quiet = false;
        hold(other);
    }
}

void solitude::hold(participant const& one)
{
    asio::post(one->strand, [one, round = round_] {
        if (one->ended)
            return;
        one->round = round;
        one->to.hold();
    });
}

void solitude::set_quiet(participant const& one, std::uint64_t round)
{
    std::lock_guard const lock(mutex_);
    if (round != round_)
        return;
    one->is_quiet = true;
    grant_if_quiet();
}

void solitude::grant_if_quiet()
{
    if (granted_ || wanting_.empty() || !std::ranges::all_of(members_, &member::state::is_quiet))
        return;
    granted_ = true;
    post(wanting_.front(), &hooks::alone);
}

} // namespace strandline::consume
