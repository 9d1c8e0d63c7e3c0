#include "consume/redelivery.hpp"

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 100;

/// Before bodies are asked for again that could not be had.
constexpr std::chrono::milliseconds pause_after_failure{250};

} // namespace

redelivery::redelivery(
    broker& engine, std::vector<std::string_view> streams, std::string_view group, std::string_view consumer,
    slots& places, hooks to
)
    : engine_(engine)
    , streams_(std::move(streams))
    , group_(group)
    , consumer_(consumer)
    , places_(places)
    , to_(std::move(to))
    , changed_(engine.get_executor())
{}

void redelivery::add(retry_queue::waiting delivery)
{
    auto const next = queue_.next_due();
    queue_.push(delivery);
    if (!next || delivery.due < *next)
        changed_.notify();
}

void redelivery::add_recovered(entry_ref ref, std::uint32_t attempts, boot_clock::time_point confirmed)
{
    ++recovered_;
    add({long_ago, ref, attempts, confirmed});
}

void redelivery::places_free()
{
    if (wanted_ != 0)
        changed_.notify();
}

std::vector<retry_queue::waiting> redelivery::close()
{
    closed_ = true;
    changed_.notify();
    return queue_.pop_all();
}

asio::awaitable<void> redelivery::run()
{
    while (!closed_) {
        auto const due = queue_.next_due();
        if (!due)
            co_await changed_.wait();
        else if (*due > retry_queue::clock::now())
            co_await changed_.wait_until(*due);
        else if (places_.free() == 0) {
            wanted_ = std::min(queue_.all().size(), most_in_call);
            to_.need_place();
            co_await changed_.wait();
        }
        else
            co_await fetch();
    }
}

asio::awaitable<void> redelivery::fetch()
{
    under_way_ = queue_.pop_due(retry_queue::clock::now(), std::min(places_.free(), most_in_call));
    wanted_ = 0;
    places_.reserve(under_way_.size());
    // One call for each stream, in the order of ids.
    std::ranges::sort(under_way_, {}, &retry_queue::waiting::ref);

    for (std::size_t begin = 0; begin != under_way_.size();) {
        auto const stream = under_way_[begin].ref.stream;
        std::vector<taking> items;
        for (auto i = begin; i != under_way_.size() && under_way_[i].ref.stream == stream; ++i)
            items.emplace_back().id = under_way_[i].ref.id;
        auto const confirmed = boot_clock::now();
        auto const why = co_await engine_.take({streams_[stream], group_, consumer_}, items);
        if (why)
            to_.on_error(why);
        for (std::size_t i = 0; i != items.size(); ++i) {
            auto const& waited = under_way_[begin + i];
            auto& item = items[i];
            if (why && why != errc::no_group) {
                places_.release(1);
                queue_.push(
                    {retry_queue::clock::now() + pause_after_failure, waited.ref, waited.attempts,
                     waited.confirmed}
                );
            }
            else if (!why && item.state == holding::held)
                to_.arrived({waited.ref, item.attempt, item.entry, std::move(item.owner), confirmed});
            else {
                // Without the group nothing is pending any more.
                places_.release(1);
                ++(item.state == holding::gone ? gone_ : lost_);
            }
        }
        begin += items.size();
    }
    recovered_ -=
        static_cast<std::size_t>(std::ranges::count(under_way_, long_ago, &retry_queue::waiting::due));
    under_way_.clear();
    to_.fetched();
}

} // namespace strandline::consume
