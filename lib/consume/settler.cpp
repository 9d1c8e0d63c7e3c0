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
    one.id = delivery.ref.id;
    one.confirmed = delivery.confirmed;
    add(delivery.ref.stream, std::move(one));
}

void settler::release(entry_ref ref, std::uint32_t attempts, std::chrono::milliseconds idle, bool cancelled)
{
    ending one;
    one.id = ref.id;
    one.as = settle_as::released;
    one.attempts = attempts;
    one.idle = idle;
    one.cancelled = cancelled;
    add(ref.stream, std::move(one));
}

void settler::bury(entry_ref ref, std::uint32_t attempts, std::string_view reason, std::string error)
{
    ending one;
    one.id = ref.id;
    one.as = settle_as::dead;
    one.attempts = attempts;
    one.reason = reason;
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
    auto all_told = true;
    stream.under_way.swap(stream.waiting);
    for (std::size_t begin = 0; begin < stream.under_way.size(); begin += most_in_call) {
        auto const end = std::min(begin + most_in_call, stream.under_way.size());
        if (!co_await settle_some(stream, begin, end))
            all_told = false;
    }
    stream.under_way.clear();
    co_return all_told;
}

asio::awaitable<bool> settler::settle_some(stream_endings& stream, std::size_t begin, std::size_t end)
{
    auto const now = boot_clock::now();
    items_.clear();
    for (auto i = begin; i != end; ++i) {
        auto const& one = stream.under_way[i];
        auto& item = items_.emplace_back();
        item.id = one.id;
        item.as = one.as;
        item.surely_held = !one.repeated && now - one.confirmed < lease_ / 2;
        item.attempts = one.attempts;
        item.idle = one.idle;
        item.reason = one.reason;
        item.error = one.error;
    }

    auto broken = co_await engine_.settle({stream.name, group_, consumer_}, items_);
    if (broken)
        on_error_(broken);
    if (broken == errc::no_group) {
        // The group was removed, and with it all that was pending.
        for (auto& item : items_)
            item.state = holding::lost;
        broken = {};
    }
    auto all_told = !broken;
    for (std::size_t i = 0; i != items_.size(); ++i) {
        auto& one = stream.under_way[begin + i];
        if (!broken && !items_[i].error_of_item) {
            count(one, items_[i].state);
            continue;
        }
        if (!broken) {
            all_told = false;
            on_error_(items_[i].error_of_item);
        }
        one.repeated = one.repeated || broken;
        stream.waiting.push_back(std::move(one));
    }
    co_return all_told;
}

void settler::count(ending const& one, holding state)
{
    if (state == holding::gone)
        ++counts_.gone;
    // What had no answer the first time and is not ours the second was carried out the first time, as far as
    // anyone can tell.
    else if (state == holding::lost && !one.repeated)
        ++counts_.lost;
    else if (one.as == settle_as::acknowledged)
        ++counts_.handled;
    else if (one.as == settle_as::dead)
        ++counts_.dead;
    else if (one.cancelled)
        ++counts_.cancelled;
    else
        ++counts_.released;
}

} // namespace strandline::consume
