#include "consume/settler.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 500;

/// Before what had no answer is told again.
constexpr std::chrono::milliseconds pause_after_failure{250};

/// Before what was refused is tried again; doubled each time.
constexpr std::chrono::milliseconds first_refused_pause{250};
constexpr std::chrono::milliseconds longest_refused_pause{5'000};

/// Text that goes into a header; a longer one is cut.
constexpr std::size_t longest_error = 4096;

} // namespace

settler::settler(broker& engine, identity const& who, settings how, hooks to)
    : engine_(engine)
    , who_(who)
    , how_(how)
    , to_(std::move(to))
    , streams_(who.streams.size())
    , changed_(engine.get_executor())
    , on_finished_(engine.get_executor())
{}

void settler::acknowledge(held const& delivery)
{
    ending one;
    one.id = delivery.ref.id;
    one.confirmed = delivery.confirmed;
    add(delivery.ref.stream, std::move(one));
}

void settler::drop(held const& delivery)
{
    ending one;
    one.id = delivery.ref.id;
    one.confirmed = delivery.confirmed;
    one.dropped = true;
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
        sum += stream.waiting.size() + stream.under_way.size() + stream.refused.size();
    return sum;
}

asio::awaitable<void> settler::run()
{
    auto const is_waiting = [](stream_endings const& stream) { return !stream.waiting.empty(); };
    auto last_try = false;
    for (;;) {
        if (closed_)
            last_try = true;
        if (last_try || std::chrono::steady_clock::now() >= refused_due_)
            try_refused_again();
        auto reached = true;
        for (stream_index index = 0; index != streams_.size() && reached; ++index)
            if (is_waiting(streams_[index]))
                reached = co_await settle(index);
        to_.progress();
        auto const all_tried = std::ranges::none_of(streams_, is_waiting);
        if (last_try && (all_tried || !reached))
            break;
        if (!reached)
            co_await changed_.wait_until(std::chrono::steady_clock::now() + pause_after_failure);
        else if (all_tried && !closed_) {
            idle_ = true;
            co_await changed_.wait_until(refused_due_);
            idle_ = false;
        }
    }
    finished_ = true;
    on_finished_.notify();
}

void settler::try_refused_again()
{
    refused_due_ = std::chrono::steady_clock::time_point::max();
    for (auto& stream : streams_) {
        std::ranges::move(stream.refused, std::back_inserter(stream.waiting));
        stream.refused.clear();
    }
}

/// False when the engine could not be reached; the rest waits then, so that one call at the most runs into
/// the engine's timeout.
asio::awaitable<bool> settler::settle(stream_index index)
{
    auto& stream = streams_[index];
    auto reached = true;
    stream.under_way.swap(stream.waiting);
    std::size_t begin = 0;
    while (reached && begin != stream.under_way.size()) {
        auto const end = std::min(begin + most_in_call, stream.under_way.size());
        reached = co_await settle_some(index, begin, end);
        begin = end;
    }
    std::move(
        stream.under_way.begin() + static_cast<std::ptrdiff_t>(begin), stream.under_way.end(),
        std::back_inserter(stream.waiting)
    );
    stream.under_way.clear();
    co_return reached;
}

asio::awaitable<bool> settler::settle_some(stream_index index, std::size_t begin, std::size_t end)
{
    auto& stream = streams_[index];
    auto const now = boot_clock::now();
    items_.clear();
    for (auto i = begin; i != end; ++i) {
        auto const& one = stream.under_way[i];
        auto& item = items_.emplace_back();
        item.id = one.id;
        item.as = one.as;
        item.surely_held = !one.repeated && now - one.confirmed < how_.lease / 2;
        item.remove = how_.delete_handled && one.as == settle_as::acknowledged;
        item.attempts = one.attempts;
        item.idle = one.idle;
        item.reason = one.reason;
        item.error = one.error;
    }

    auto broken = co_await engine_.settle(who_.in(index), items_, how_.dead_letters);
    if (broken)
        to_.on_error(broken);
    if (broken == errc::no_group) {
        // The group was removed, and with it all that was pending.
        for (auto& item : items_)
            item.state = holding::lost;
        broken = {};
    }
    failure refusal;
    for (std::size_t i = 0; i != items_.size(); ++i) {
        auto& one = stream.under_way[begin + i];
        if (broken) {
            one.repeated = true;
            stream.waiting.push_back(std::move(one));
        }
        else if (items_[i].error_of_item) {
            refusal = items_[i].error_of_item;
            stream.refused.push_back(std::move(one));
        }
        else
            count(one, items_[i].state);
    }
    if (refusal) {
        to_.on_error(refusal);
        refused_pause_ = std::clamp(refused_pause_ * 2, first_refused_pause, longest_refused_pause);
        refused_due_ = std::chrono::steady_clock::now() + refused_pause_;
    }
    else if (!broken)
        refused_pause_ = {};
    co_return !broken;
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
        ++(one.dropped ? counts_.dropped : counts_.handled);
    else if (one.as == settle_as::dead)
        ++counts_.dead;
    else if (one.cancelled)
        ++counts_.cancelled;
    else
        ++counts_.released;
}

} // namespace strandline::consume
