#include "consume/reclaimer.hpp"

#include <utility>

namespace strandline::consume {

namespace {

constexpr std::size_t most_in_call = 100;

} // namespace

reclaimer::reclaimer(
    broker& engine, std::vector<std::string_view> streams, std::string_view group, std::string_view consumer,
    std::chrono::milliseconds lease, std::chrono::milliseconds interval, hooks to
)
    : engine_(engine)
    , streams_(std::move(streams))
    , group_(group)
    , consumer_(consumer)
    , lease_(lease)
    , interval_(interval)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , cursors_(streams_.size())
{
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

asio::awaitable<void> reclaimer::run()
{
    while (!closed_) {
        if (clock::now() < not_before_) {
            co_await changed_.wait_until(not_before_);
            continue;
        }
        for (stream_index stream = 0; stream != streams_.size(); ++stream)
            co_await pass(stream);
        if (!closed_)
            co_await changed_.wait_until(clock::now() + interval_);
    }
}

/// A pass runs to the end of the pending entries without a pause: a call looks at some of them only, and the
/// old ones may stand behind thousands of young ones. One that has to stop for want of room goes on there the
/// next time.
asio::awaitable<void> reclaimer::pass(stream_index stream)
{
    auto& cursor = cursors_[stream];
    do {
        if (closed_ || clock::now() < not_before_ || !to_.has_room())
            co_return;
        auto const taken =
            co_await engine_.claim({streams_[stream], group_, consumer_}, lease_, cursor, most_in_call);
        if (!taken) {
            // A missing group is made again by who reads it.
            if (taken.error() != errc::no_group)
                to_.on_error(taken.error());
            co_return;
        }
        gone_ += taken->gone.size();
        cursor = taken->cursor;
        if (!closed_ && !taken->entries.empty())
            to_.recovered(stream, taken->entries);
    } while (cursor != entry_id::min());
}

} // namespace strandline::consume
