#include "consume/settler.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 500;

/// Before what was refused, or had no answer, is told again.
constexpr std::chrono::milliseconds pause_after_failure{250};

/// Text that goes into a header; a longer one is cut.
constexpr std::size_t longest_error = 4096;

} // namespace

settler::settler(
    broker& engine, std::vector<std::string_view> streams, std::string_view group, std::string_view consumer,
    std::chrono::milliseconds lease, std::function<void(failure const&)> on_error
)
    : engine_(engine)
    , group_(group)
    , consumer_(consumer)
    , lease_(lease)
    , on_error_(std::move(on_error))
    , changed_(engine.get_executor())
    , on_finished_(engine.get_executor())
{
    for (auto const name : streams)
        streams_.push_back({name, {}, {}});
}

void settler::acknowledge(held const& delivery)
{
    ending one;
    one.what.id = delivery.ref.id;
    one.what.as = settle_as::acknowledged;
    one.confirmed = delivery.confirmed;
    add(delivery.ref.stream, std::move(one));
}

void settler::release(entry_ref ref, std::uint32_t attempts, std::chrono::milliseconds idle, bool cancelled)
{
    ending one;
    one.what.id = ref.id;
    one.what.as = settle_as::released;
    one.what.attempts = attempts;
    one.what.idle = idle;
    one.cancelled = cancelled;
    add(ref.stream, std::move(one));
}

void settler::bury(entry_ref ref, std::uint32_t attempts, std::string_view reason, std::string error)
{
    ending one;
    one.what.id = ref.id;
    one.what.as = settle_as::dead;
    one.what.attempts = attempts;
    one.what.reason = reason;
    one.error = std::move(error);
    one.error.resize(std::min(one.error.size(), longest_error));
    add(ref.stream, std::move(one));
}

void settler::add(stream_index stream, ending&& one)
{
    streams_[stream].waiting.push_back(std::move(one));
    if (std::exchange(idle_, false))
        changed_.notify();
}

void settler::close()
{
    closed_ = true;
    changed_.notify();
}

std::size_t settler::unsettled() const noexcept
{
    std::size_t sum = 0;
    for (auto const& stream : streams_)
        sum += stream.waiting.size() + stream.under_way.size();
    return sum;
}

asio::awaitable<void> settler::run()
{
    for (;;) {
        auto all_told = true;
        for (auto& stream : streams_)
            if (!stream.waiting.empty() && !co_await settle(stream))
                all_told = false;
        if (closed_ && (unsettled() == 0 || !all_told))
            break;
        if (!all_told)
            co_await changed_.wait_until(std::chrono::steady_clock::now() + pause_after_failure);
        else if (unsettled() == 0) {
            idle_ = true;
            co_await changed_.wait();
            idle_ = false;
        }
    }
    finished_ = true;
    on_finished_.notify();
}

/// False when something was refused or had no answer, and waits again.
asio::awaitable<bool> settler::settle(stream_endings& stream)
{
    auto const last =
        stream.waiting.begin() + static_cast<std::ptrdiff_t>(std::min(stream.waiting.size(), most_in_call));
    if (last == stream.waiting.end())
        stream.under_way.swap(stream.waiting);
    else {
        stream.under_way.assign(
            std::make_move_iterator(stream.waiting.begin()), std::make_move_iterator(last)
        );
        stream.waiting.erase(stream.waiting.begin(), last);
    }

    auto const now = boot_clock::now();
    std::vector<settlement> items;
    items.reserve(stream.under_way.size());
    for (auto& one : stream.under_way) {
        one.what.error = one.error;
        one.what.surely_held = !one.repeated && now - one.confirmed < lease_ / 2;
        items.push_back(one.what);
    }

    auto broken = co_await engine_.settle({stream.name, group_, consumer_}, items);
    if (broken && on_error_)
        on_error_(broken);
    if (broken == errc::no_group) {
        // The group was removed, and with it all that was pending.
        for (auto& item : items)
            item.state = holding::lost;
        broken = {};
    }
    auto all_told = !broken;
    for (std::size_t i = 0; i != items.size(); ++i) {
        auto& one = stream.under_way[i];
        if (!broken && !items[i].error_of_item) {
            one.what.state = items[i].state;
            count(one);
            continue;
        }
        if (!broken) {
            all_told = false;
            if (on_error_)
                on_error_(items[i].error_of_item);
        }
        one.repeated = true;
        stream.waiting.push_back(std::move(one));
    }
    stream.under_way.clear();
    co_return all_told;
}

void settler::count(ending const& one)
{
    if (one.what.state == holding::gone)
        ++counts_.gone;
    // What had no answer the first time and is not ours the second was carried out the first time, as far as
    // anyone can tell.
    else if (one.what.state == holding::lost && !one.repeated)
        ++counts_.lost;
    else if (one.what.as == settle_as::acknowledged)
        ++counts_.handled;
    else if (one.what.as == settle_as::dead)
        ++counts_.dead;
    else if (one.cancelled)
        ++counts_.cancelled;
    else
        ++counts_.released;
}

} // namespace strandline::consume
