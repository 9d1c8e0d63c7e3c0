// Removing what nobody needs any more, and moving what somebody has left.

#include "core/refusals.hpp"
#include "redis/ask.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

#include <algorithm>

namespace strandline::redis {

namespace {

/// Keys that a server looks at before it answers; how many there are does not matter to others.
constexpr std::string_view keys_in_step = "1000";

} // namespace

asio::awaitable<result<transferred>> engine::transfer(
    std::string_view stream, std::string_view group, std::string_view from, std::string_view to, bool forced,
    entry_id cursor, std::size_t count
)
{
    if (auto invalid = check_transfer(stream, from, to, count))
        co_return invalid;
    auto const at = key_of(stream);
    auto const record = group_record(at, group);
    auto const channel = hint_channel(options_.database, at);
    texts text(2);
    script_words words({at, record});
    words.add({group, from, to, forced ? "1" : "0", text(cursor), text(count), channel});
    auto const replies = co_await run_script(commands_, scripts::transfer(), words);
    if (!replies)
        co_return replies.error();
    transferred done;
    node_walk walk(replies->reply(0));
    walk.enter();
    done.moved = walk.number();
    if (auto const last = walk.text(); !last.empty()) {
        auto const id = entry_id::parse(last);
        if (!id)
            co_return unexpected_reply("the script that transfers entries");
        done.cursor = id->next().value_or(entry_id::min());
    }
    if (!walk.ok())
        co_return unexpected_reply("the script that transfers entries");
    co_return done;
}

asio::awaitable<result<collection>>
engine::collect(std::string_view stream, std::span<std::string_view const> groups, std::size_t count)
{
    if (auto invalid = check_collect(count))
        co_return invalid;
    auto const at = key_of(stream);
    texts text(1);
    script_words words({at});
    words.add({text(count)});
    for (auto const group : groups)
        words.add({group});
    auto const replies = co_await run_script(commands_, scripts::collect(), words);
    if (!replies)
        co_return replies.error();
    collection done;
    node_walk walk(replies->reply(0));
    walk.enter();
    done.removed = walk.number();
    done.more = walk.number() != 0;
    if (!walk.ok())
        co_return unexpected_reply("the script that collects entries");
    co_return done;
}

asio::awaitable<result<std::size_t>> engine::remove(std::string_view stream, std::span<entry_id const> ids)
{
    if (auto invalid = check_remove(ids.size()))
        co_return invalid;
    if (ids.empty())
        co_return std::size_t{0};
    auto const at = key_of(stream);
    texts text(ids.size());
    std::vector<std::string_view> words{at};
    for (auto const id : ids)
        words.push_back(text(id));
    auto commands = make_request();
    commands.push_range("XDEL", words);
    co_return co_await ask_for_number(commands_, commands, "XDEL");
}

asio::awaitable<result<bool>> engine::remove_group(std::string_view stream, std::string_view group)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    auto const at = key_of(stream);
    auto const record = group_record(at, group);
    script_words words({at, record});
    words.add({group});
    auto const replies = co_await run_script(commands_, scripts::remove_group(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    auto const removed = walk.number();
    if (!walk.ok())
        co_return unexpected_reply("the script that removes a group");
    co_return removed != 0;
}

asio::awaitable<result<std::vector<std::string>>> engine::list_streams()
{
    auto const connected = commands_;
    auto const prefix = options_.key_prefix;
    // Within a tag the prefix is not at the beginning.
    auto const pattern = "*" + glob_of(prefix) + "*";
    std::vector<std::string> names;
    for (std::string cursor = "0";;) {
        std::vector<std::string_view> words{cursor, "TYPE", "stream", "COUNT", keys_in_step};
        if (!prefix.empty())
            words.insert(words.end(), {"MATCH", pattern});
        auto commands = make_request();
        commands.push_range("SCAN", words);
        auto const replies = co_await ask(connected, commands);
        if (!replies)
            co_return replies.error();
        node_walk walk(replies->reply(0));
        walk.enter();
        cursor = walk.text();
        for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest)
            if (auto name = name_of_key(prefix, walk.text()))
                names.push_back(std::move(*name));
        if (!walk.ok())
            co_return unexpected_reply("SCAN");
        if (cursor == "0")
            break;
    }
    // While keys are added, a server may show one more than once.
    std::ranges::sort(names);
    auto const repeats = std::ranges::unique(names);
    names.erase(repeats.begin(), repeats.end());
    co_return names;
}

} // namespace strandline::redis
