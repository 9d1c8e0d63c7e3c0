#include "consume/settler.hpp"

#include "core/reach.hpp"

#include <strandline/detail/utf8.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
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

/// Does not cut within a character.
std::string shortened(std::string text)
{
    if (text.size() <= longest_error)
        return text;
    constexpr std::size_t longest_character = 4;
    auto end = longest_error;
    while (end > longest_error - longest_character + 1 &&
           (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80)
        --end;
    // It may not be UTF-8.
    if (detail::utf8_prefix(std::string_view(text).substr(end, longest_character)) == 0)
        end = longest_error;
    text.resize(end);
    return text;
}

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

void settler::pass_over(held const& delivery)
{
    ending one;
    one.id = delivery.ref.id;
    one.confirmed = delivery.confirmed;
    one.passed_over = true;
    add(delivery.ref.stream, std::move(one));
}

void settler::release(entry_ref ref, std::uint32_t attempts, std::chrono::milliseconds idle, bool cancelled)
{
    ending one;
    one.id = ref.id;
    one.as = settle_as::released;
    // Not to be renewed any more: a renewal that comes behind it would hide it from those who are told of it.
    one.confirmed = boot_clock::time_point::max();
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
    one.died_of = std::make_unique<cause>(reason, shortened(std::move(error)));
    add(ref.stream, std::move(one));
}

void settler::add(stream_index stream, ending&& one)
{
    ++unsettled_;
    queue(streams_[stream], std::move(one));
    if (may_start(streams_[stream]))
        wake();
}

void settler::queue(stream_endings& stream, ending&& one)
{
    if (stream.waiting.empty() || stream.waiting.back().size() == most_in_call) {
        auto& fresh = stream.waiting.emplace_back();
        if (!spare_.empty()) {
            fresh.swap(spare_.back());
            spare_.pop_back();
        }
    }
    stream.waiting.back().push_back(std::move(one));
}

void settler::wake()
{
    if (std::exchange(idle_, false))
        changed_.notify();
}

void settler::close()
{
    closed_ = true;
    wake();
}

asio::awaitable<void> settler::run()
{
    for (;;) {
        auto const now = clock::now();
        if (closed_ && !last_try_ && under_way_ == 0) {
            last_try_ = true;
            is_silent_ = false;
            try_refused_again();
        }
        if (!last_try_) {
            if (now >= silent_until_)
                is_silent_ = false;
            if (now >= refused_due_)
                try_refused_again();
        }
        start_calls();
        if (under_way_ == 0) {
            if (last_try_)
                break;
            if (closed_)
                continue;
            // The engine may go away before the next call.
            window_ = 1;
        }
        idle_ = true;
        co_await changed_.wait_until(next_due());
        idle_ = false;
    }
    finished_ = true;
    on_finished_.notify();
}

/// When there is something to do again, unless somebody wakes.
settler::clock::time_point settler::next_due() const noexcept
{
    if (last_try_)
        return clock::time_point::max();
    return is_silent_ ? std::min(silent_until_, refused_due_) : refused_due_;
}

/// A call beside another one of its stream is a full one: fewer and larger calls cost less, and what comes
/// slower than the answers need not be told earlier.
bool settler::may_start(stream_endings const& stream) const noexcept
{
    return !stream.waiting.empty() && !is_silent_ && under_way_ < window_ && (!closed_ || last_try_) &&
           (stream.calls == 0 || stream.waiting.front().size() == most_in_call);
}

void settler::start_calls()
{
    auto const count = static_cast<stream_index>(streams_.size());
    // One that is answered at once may leave the next one something to do.
    for (stream_index passed = 0; passed != count;) {
        auto const index = turn_;
        turn_ = (turn_ + 1) % count;
        if (may_start(streams_[index])) {
            start_call(index);
            passed = 0;
        }
        else
            ++passed;
    }
}

void settler::start_call(stream_index index)
{
    auto& stream = streams_[index];
    auto& own = *std::ranges::find_if(calls_, [](call const& one) { return one.endings.empty(); });
    own.stream = index;
    own.endings.swap(stream.waiting.front());
    if (stream.waiting.front().capacity() != 0)
        spare_.push_back(std::move(stream.waiting.front()));
    stream.waiting.pop_front();
    ++stream.calls;
    ++under_way_;
    // `run` ends after all calls, and so does whoever owns this.
    asio::co_spawn(engine_.get_executor(), carry_out(own), [](std::exception_ptr unexpected) {
        if (unexpected)
            std::rethrow_exception(unexpected);
    });
}

asio::awaitable<void> settler::carry_out(call& own)
{
    auto const now = boot_clock::now();
    own.items.clear();
    for (auto const& one : own.endings) {
        auto& item = own.items.emplace_back();
        item.id = one.id;
        item.as = one.as;
        item.surely_held =
            one.as == settle_as::acknowledged && !one.repeated && now - one.confirmed < how_.lease / 2;
        item.remove = how_.delete_handled && one.as == settle_as::acknowledged;
        item.attempts = one.attempts;
        item.idle = one.idle;
        if (one.died_of) {
            item.reason = one.died_of->reason;
            item.error = one.died_of->error;
        }
    }
    auto broken = co_await engine_.settle(who_.in(own.stream), own.items, how_.dead_letters);
    finish(own, std::move(broken));
}

void settler::finish(call& own, failure broken)
{
    auto& stream = streams_[own.stream];
    auto const reached = !is_out_of_reach(broken);
    auto const had_group = broken != errc::no_group;
    auto const handled_before = counts_.handled;
    failure refusal;
    for (std::size_t i = 0; i != own.endings.size(); ++i) {
        auto& one = own.endings[i];
        if (!had_group)
            // The group was removed, and with it all that was pending.
            count(one, holding::lost);
        else if (broken) {
            one.repeated = true;
            if (reached)
                stream.refused.push_back(std::move(one));
            else
                queue(stream, std::move(one));
        }
        else if (own.items[i].error_of_item) {
            refusal = own.items[i].error_of_item;
            stream.refused.push_back(std::move(one));
        }
        else
            count(one, own.items[i].state);
    }
    if (counts_.handled != handled_before)
        stream.handled_at = clock::now();
    own.endings.clear();
    --stream.calls;
    --under_way_;

    auto const is_news = reached || !is_silent_;
    if (!reached)
        fall_silent();
    else
        window_ = std::min(window_ + 1, most_calls);
    if (refusal || (broken && reached && had_group))
        hold_refused();
    else if (!broken)
        refused_pause_ = {};

    if (broken && is_news)
        to_.on_error(broken);
    if (refusal)
        to_.on_error(refusal);
    to_.progress();
    wake();
}

/// One call at a time runs into the engine's timeout until there is an answer.
void settler::fall_silent()
{
    is_silent_ = true;
    silent_until_ = clock::now() + pause_after_failure;
    window_ = 1;
}

void settler::hold_refused()
{
    // Those refused later are tried with the first ones: a steady stream of refusals shall not put that off.
    if (refused_due_ != clock::time_point::max())
        return;
    refused_pause_ = std::clamp(refused_pause_ * 2, first_refused_pause, longest_refused_pause);
    refused_due_ = clock::now() + refused_pause_;
}

void settler::try_refused_again()
{
    refused_due_ = clock::time_point::max();
    for (auto& stream : streams_) {
        for (auto& one : stream.refused)
            queue(stream, std::move(one));
        stream.refused.clear();
    }
}

void settler::count(ending const& one, holding state)
{
    --unsettled_;
    if (one.passed_over)
        return;
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
