#include "consume/redelivery.hpp"

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 100;

/// Before bodies are asked for again that could not be had.
constexpr std::chrono::milliseconds pause_after_failure{250};

} // namespace

redelivery::redelivery(broker& engine, identity const& who, slots& places, hooks to)
    : engine_(engine)
    , who_(who)
    , places_(places)
    , to_(std::move(to))
    , changed_(engine.get_executor())
{}

void redelivery::add(waiting delivery)
{
    auto const next = queue_.next_due();
    queue_.push(delivery);
    if (!next || delivery.due < *next)
        changed_.notify();
}

void redelivery::add_recovered(waiting delivery)
{
    ++recovered_;
    delivery.due = long_ago;
    add(delivery);
}

void redelivery::places_free()
{
    if (wanted_ != 0)
        changed_.notify();
}

std::vector<waiting> redelivery::close()
{
    closed_ = true;
    changed_.notify();
    return queue_.pop_all();
}

std::size_t redelivery::possible() const
{
    return std::min({places_.free(), to_.room(), most_in_call});
}

asio::awaitable<void> redelivery::run()
{
    while (!closed_) {
        auto const due = queue_.next_due();
        if (!due)
            co_await changed_.wait();
        else if (*due > retry_queue::clock::now())
            co_await changed_.wait_until(*due);
        else if (possible() == 0) {
            wanted_ = std::min(queue_.size(), most_in_call);
            if (places_.free() == 0)
                to_.need_place();
            if (possible() == 0)
                co_await changed_.wait();
        }
        else
            co_await fetch();
    }
}

asio::awaitable<void> redelivery::fetch()
{
    under_way_ = queue_.pop_due(retry_queue::clock::now(), possible());
    wanted_ = 0;
    places_.reserve(under_way_.size());
    // One call for each stream, in the order of ids.
    std::ranges::sort(under_way_, {}, &waiting::ref);
    for (std::size_t begin = 0; begin != under_way_.size();) {
        auto end = begin;
        while (end != under_way_.size() && under_way_[end].ref.stream == under_way_[begin].ref.stream)
            ++end;
        co_await fetch_some(begin, end);
        begin = end;
    }
    recovered_ -= static_cast<std::size_t>(std::ranges::count(under_way_, long_ago, &waiting::due));
    under_way_.clear();
    to_.fetched();
}

asio::awaitable<void> redelivery::fetch_some(std::size_t begin, std::size_t end)
{
    std::vector<taking> items(end - begin);
    for (std::size_t i = 0; i != items.size(); ++i) {
        items[i].id = under_way_[begin + i].ref.id;
        items[i].counted = under_way_[begin + i].what == waiting_for::start;
    }
    auto const confirmed = boot_clock::now();
    auto const why = co_await engine_.take(who_.in(under_way_[begin].ref.stream), items);
    if (why)
        to_.on_error(why);
    for (std::size_t i = 0; i != items.size(); ++i) {
        auto waited = under_way_[begin + i];
        auto& item = items[i];
        if (why && why != errc::no_group) {
            places_.release(1);
            // A recovered one goes on counting as such: nothing new is read before it.
            recovered_ += waited.due == long_ago;
            if (waited.due != long_ago)
                waited.due = retry_queue::clock::now() + pause_after_failure;
            queue_.push(waited);
        }
        else if (!why && item.state == holding::held)
            to_.arrived(
                {waited.ref, item.attempt, item.entry, std::move(item.owner), confirmed, waited.in}, waited
            );
        else {
            places_.release(1);
            // Without the group nothing is pending any more.
            to_.vanished(waited, why ? holding::lost : item.state);
        }
    }
    // What is due since long ago would be asked for again at once.
    if (why && why != errc::no_group && !closed_)
        co_await changed_.wait_until(retry_queue::clock::now() + pause_after_failure);
}

} // namespace strandline::consume
