// Who has which name in a group, and the group's lease.

#include "core/refusals.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

namespace strandline::redis {

namespace {

/// The contract's limit.
constexpr std::size_t most_removed = 500;

} // namespace

asio::awaitable<failure> engine::join(membership who, std::chrono::milliseconds lease, bool take_over)
{
    if (auto invalid = check_join(who, lease))
        co_return invalid;
    texts text(1);
    auto const at = key_of(who.stream);
    script_words words(at, who);
    words.add({text(lease.count()), take_over ? "1" : "0"});
    auto const replies = co_await run_script(commands_, scripts::join(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    if (!walk.next_is_aggregate())
        co_return failure();
    auto const size = walk.enter();
    auto const set = std::chrono::milliseconds(walk.number());
    std::vector<std::string_view> owned;
    while (owned.size() + 1 < size)
        owned.push_back(walk.text());
    co_return walk.ok() ? lease_differs(who, set, lease, owned)
                        : unexpected_reply("the script that joins a group");
}

asio::awaitable<failure> engine::leave(membership who)
{
    auto const at = key_of(who.stream);
    auto const record = group_record(at, who.group);
    script_words words({at, record});
    words.add({who.group, who.consumer, who.token});
    node_replies replies;
    if (auto broken = co_await run_script(commands_, scripts::leave(), words, replies))
        co_return broken;
    co_return replies.error(0);
}

asio::awaitable<result<std::size_t>>
engine::remove_idle(std::string_view stream, std::string_view group, std::chrono::milliseconds idle)
{
    auto const at = key_of(stream);
    auto const record = group_record(at, group);
    texts text(2);
    script_words words({at, record});
    words.add({group, text(idle.count()), text(most_removed)});
    auto const replies = co_await run_script(commands_, scripts::remove_idle(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    auto const removed = walk.number();
    if (!walk.ok())
        co_return unexpected_reply("the script that removes idle names");
    co_return removed;
}

} // namespace strandline::redis
