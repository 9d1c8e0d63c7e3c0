#include "consume/reclaimer.hpp"

#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 100;

/// A consumer's name that nobody has used for so long is removed, when nothing is pending for it.
constexpr std::chrono::hours names_kept{24};

constexpr std::chrono::hours between_removals{1};

} // namespace

reclaimer::reclaimer(
    broker& engine, identity const& who, std::chrono::milliseconds lease, std::chrono::milliseconds interval,
    bool at_once, hooks to
)
    : engine_(engine)
    , who_(who)
    , lease_(lease)
    , interval_(interval)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , cursors_(who_.streams.size())
{
    if (!at_once)
        hold_off();
}

void reclaimer::hold_off()
{
    not_before_ = clock::now() + lease_;
}

void reclaimer::close()
{
    closed_ = true;
    changed_.notify();
}

void reclaimer::room_is_back()
{
    if (wants_room_ && to_.has_room())
        hint();
}

void reclaimer::joined()
{
    if (!passed_)
        hint();
}

void reclaimer::hint()
{
    hinted_ = true;
    changed_.notify();
}

asio::awaitable<void> reclaimer::run()
{
    for (auto const& stream : who_.streams)
        hints_.push_back(engine_.watch(stream, who_.group, [this] { hint(); }));
    while (!closed_) {
        if (clock::now() < not_before_) {
            co_await changed_.wait_until(not_before_);
            continue;
        }
        auto const next = clock::now() + interval_;
        hinted_ = false;
        wants_room_ = false;
        auto whole = true;
        for (stream_index stream = 0; stream != who_.streams.size(); ++stream)
            whole = co_await pass(stream) && whole;
        passed_ = passed_ || whole;
        to_.passed();
        if (!closed_ && clock::now() >= names_due_)
            co_await remove_idle_names();
        while (!closed_ && !hinted_ && clock::now() < next)
            co_await changed_.wait_until(next);
    }
    hints_.clear();
}

/// A pass runs to the end of the pending entries without a pause: a call looks at some of them only, and the
/// old ones may stand behind thousands of young ones. One that has to stop for want of room goes on there
/// when some is back. False when it has not come to the end.
asio::awaitable<bool> reclaimer::pass(stream_index stream)
{
    auto& cursor = cursors_[stream];
    do {
        if (!to_.has_room())
            wants_room_ = true;
        if (closed_ || clock::now() < not_before_ || wants_room_ || !to_.has_joined(stream))
            co_return false;
        busy_ = true;
        auto const taken = co_await engine_.claim(who_.in(stream), lease_, cursor, most_in_call);
        busy_ = false;
        if (!taken) {
            // A missing group is made again by who reads it.
            if (taken.error() != errc::no_group)
                to_.on_error(taken.error());
            co_return false;
        }
        gone_ += taken->gone.size();
        cursor = taken->cursor;
        if (!taken->entries.empty())
            to_.recovered(stream, taken->entries);
    } while (cursor != entry_id::min());
    co_return true;
}

asio::awaitable<void> reclaimer::remove_idle_names()
{
    names_due_ = clock::now() + between_removals;
    for (auto const& stream : who_.streams) {
        auto const removed = co_await engine_.remove_idle(stream, who_.group, names_kept);
        if (!removed && removed.error() != errc::no_group)
            to_.on_error(removed.error());
        if (closed_)
            co_return;
    }
}

} // namespace strandline::consume
