#include "core/refusals.hpp"
#include "redis/ask.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

#include <algorithm>

namespace strandline::redis {

namespace {

/// Nobody means longer, and the server refuses what does not fit its clock.
constexpr std::chrono::milliseconds longest_lock = std::chrono::years(100);

/// Not the name itself: what one lock has behind its name could be another lock's name.
std::string holder_of(key const& lock)
{
    return derived_name(lock, "holder");
}

/// A script that answers 0 to who does not have the lock.
asio::awaitable<failure> run_for_holder(
    std::shared_ptr<connection> connected, script const& lua, std::string_view name, script_words const& words
)
{
    auto const replies = co_await run_script(std::move(connected), lua, words);
    if (!replies)
        co_return replies.error();
    if (node_walk(replies->reply(0)).number() == 0)
        co_return failure(errc::lock_lost, std::string(name));
    co_return failure();
}

} // namespace

asio::awaitable<result<std::uint64_t>>
engine::lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    if (auto invalid = check_lock(name, token, ttl))
        co_return invalid;
    auto const at = key_of(name);
    auto const holder = holder_of(at);
    auto const fence = derived_name(at, "fence");
    texts text(1);
    script_words words({holder, fence});
    words.add({token, text(std::min(ttl, longest_lock).count())});
    auto const replies = co_await run_script(commands_, scripts::lock(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    if (walk.next_is_null())
        co_return failure(errc::locked, std::string(name));
    auto const number = walk.number();
    if (!walk.ok())
        co_return unexpected_reply("the script that locks");
    co_return number;
}

asio::awaitable<failure>
engine::renew_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    if (auto invalid = check_lock(name, token, ttl))
        co_return invalid;
    texts text(1);
    auto const holder = holder_of(key_of(name));
    script_words words({holder});
    words.add({token, text(std::min(ttl, longest_lock).count())});
    co_return co_await run_for_holder(commands_, scripts::renew_lock(), name, words);
}

asio::awaitable<failure> engine::unlock(std::string_view name, std::string_view token)
{
    if (auto invalid = check_lock(name, token))
        co_return invalid;
    auto const at = key_of(name);
    auto const holder = holder_of(at);
    auto const channel = hint_channel(options_.database, at);
    script_words words({holder});
    words.add({token, channel});
    co_return co_await run_for_holder(commands_, scripts::unlock(), name, words);
}

asio::awaitable<result<lock_info>> engine::inspect_lock(std::string_view name)
{
    if (auto invalid = check_lock(name))
        co_return invalid;
    auto commands = make_request();
    commands.push("PTTL", holder_of(key_of(name)));
    auto const replies = co_await ask(commands_, commands);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    lock_info info;
    if (auto const left = node_walk(replies->reply(0)).text(); left == "-2")
        co_return info; // nobody has it
    else if (left == "-1")
        info.free_in = std::chrono::milliseconds::max(); // somebody took its end away
    else
        info.free_in = std::chrono::milliseconds(walk.number());
    if (!walk.ok())
        co_return unexpected_reply("PTTL");
    co_return info;
}

} // namespace strandline::redis
