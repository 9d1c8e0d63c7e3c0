#include "core/refusals.hpp"
#include "redis/ask.hpp"
#include "redis/engine.hpp"

#include <algorithm>

namespace strandline::redis {

namespace {

/// A server does nothing else meanwhile; so many take it about a millisecond.
constexpr std::size_t most_in_step = 10'000;

/// Removes what is beyond the threshold: whole nodes first, because only that can be done in steps, then the
/// few entries that are left in one.
asio::awaitable<result<std::uint64_t>> trim_to(
    std::shared_ptr<connection> connected, std::string_view stream, std::string_view strategy,
    std::string_view threshold
)
{
    std::uint64_t removed = 0;
    for (auto is_exact = false;;) {
        auto commands = make_request();
        if (is_exact)
            commands.push("XTRIM", stream, strategy, "=", threshold);
        else
            commands.push("XTRIM", stream, strategy, "~", threshold, "LIMIT", most_in_step);
        auto const now_removed = co_await ask_for_number(connected, commands, "XTRIM");
        if (!now_removed)
            co_return now_removed.error();
        removed += *now_removed;
        if (is_exact)
            co_return removed;
        is_exact = *now_removed < most_in_step / 2;
    }
}

asio::awaitable<result<std::chrono::milliseconds>> ask_for_time(std::shared_ptr<connection> connected)
{
    auto commands = make_request();
    commands.push("TIME");
    auto const replies = co_await ask(connected, commands);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    walk.enter();
    std::chrono::microseconds now = std::chrono::seconds(walk.number());
    now += std::chrono::microseconds(walk.number());
    if (!walk.ok())
        co_return unexpected_reply("TIME");
    co_return std::chrono::floor<std::chrono::milliseconds>(now);
}

} // namespace

asio::awaitable<result<std::uint64_t>> engine::trim(std::string_view stream, retention keep)
{
    if (auto invalid = check_retention(keep))
        co_return invalid;
    auto const connected = commands_;
    auto const at = key_of(stream);
    std::uint64_t removed = 0;
    if (keep.age != keep.age.zero()) {
        auto const now = co_await ask_for_time(connected);
        if (!now)
            co_return now.error();
        auto const oldest = std::max(*now - keep.age, std::chrono::milliseconds(0));
        auto const too_old = co_await trim_to(connected, at, "MINID", std::to_string(oldest.count()));
        if (!too_old)
            co_return too_old.error();
        removed += *too_old;
    }
    if (keep.count != 0) {
        auto const too_many = co_await trim_to(connected, at, "MAXLEN", std::to_string(keep.count));
        if (!too_many)
            co_return too_many.error();
        removed += *too_many;
    }
    co_return removed;
}

} // namespace strandline::redis
