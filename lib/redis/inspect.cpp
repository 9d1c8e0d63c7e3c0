// What the server tells of streams, groups, consumers and pending entries.

#include "core/refusals.hpp"
#include "redis/ask.hpp"
#include "redis/engine.hpp"
#include "redis/entries_reply.hpp"

#include <algorithm>
#include <utility>

namespace strandline::redis {

namespace {

/// XINFO says "ERR no such key" where the other commands say NOGROUP.
asio::awaitable<result<node_replies>>
look(std::shared_ptr<connection> connected, boost::redis::request const& commands)
{
    auto replies = co_await ask(std::move(connected), commands);
    if (!replies && replies.error().words().starts_with("ERR no such key"))
        co_return failure(errc::no_group, std::string(replies.error().words()));
    co_return replies;
}

} // namespace

asio::awaitable<result<stream_info>> engine::inspect_stream(std::string_view stream)
{
    auto commands = make_request();
    commands.push("XINFO", "STREAM", key_of(stream).text());
    auto const replies = co_await look(commands_, commands);
    if (!replies)
        co_return replies.error();

    stream_info info;
    node_walk walk(replies->reply(0));
    auto const end_of_stream = [&]() -> std::optional<entry_id> {
        if (!walk.next_is_aggregate()) {
            walk.skip();
            return std::nullopt;
        }
        walk.enter();
        auto const id = walk.id();
        walk.skip(); // fields
        return id;
    };
    for (auto rest = walk.enter(); rest >= 2 && walk.ok(); rest -= 2) {
        auto const name = walk.text();
        if (name == "length")
            info.length = walk.number();
        else if (name == "groups")
            info.groups = walk.number();
        else if (name == "last-generated-id")
            info.last_generated = walk.id();
        else if (name == "first-entry")
            info.first = end_of_stream();
        else if (name == "last-entry")
            info.last = end_of_stream();
        else
            walk.skip();
    }
    if (!walk.ok())
        co_return unexpected_reply("XINFO STREAM");
    co_return info;
}

asio::awaitable<result<std::vector<group_info>>> engine::inspect_groups(std::string_view stream)
{
    auto commands = make_request();
    auto const at = key_of(stream);
    commands.push("XINFO", "GROUPS", at.text());
    commands.push("XLEN", at.text());
    auto const replies = co_await look(commands_, commands);
    if (!replies)
        co_return replies.error();

    std::vector<group_info> groups;
    std::optional<std::uint64_t> length;
    if (!replies->error(1))
        length = node_walk(replies->reply(1)).number();
    node_walk walk(replies->reply(0));
    for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest) {
        auto& group = groups.emplace_back();
        for (auto fields = walk.enter(); fields >= 2 && walk.ok(); fields -= 2) {
            auto const name = walk.text();
            if (name == "name")
                group.name = walk.text();
            else if (name == "consumers")
                group.consumers = walk.number();
            else if (name == "pending")
                group.pending = walk.number();
            else if (name == "last-delivered-id")
                group.last_delivered = walk.id();
            else if (name == "lag" && length && !walk.next_is_null())
                // Several versions count entries that were deleted.
                group.lag = std::min(walk.number(), *length);
            else
                walk.skip();
        }
    }
    if (!walk.ok())
        co_return unexpected_reply("XINFO GROUPS");
    co_return groups;
}

asio::awaitable<result<std::vector<consumer_info>>>
engine::inspect_consumers(std::string_view stream, std::string_view group)
{
    auto commands = make_request();
    commands.push("XINFO", "CONSUMERS", key_of(stream).text(), group);
    auto const replies = co_await look(commands_, commands);
    if (!replies)
        co_return replies.error();

    std::vector<consumer_info> consumers;
    node_walk walk(replies->reply(0));
    for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest) {
        auto& consumer = consumers.emplace_back();
        for (auto fields = walk.enter(); fields >= 2 && walk.ok(); fields -= 2) {
            auto const name = walk.text();
            if (name == "name")
                consumer.name = walk.text();
            else if (name == "pending")
                consumer.pending = walk.number();
            else if (name == "idle")
                consumer.idle = std::chrono::milliseconds(walk.number());
            else
                walk.skip();
        }
    }
    if (!walk.ok())
        co_return unexpected_reply("XINFO CONSUMERS");
    co_return consumers;
}

asio::awaitable<result<std::vector<pending_info>>>
engine::inspect_pending(std::string_view stream, std::string_view group, entry_id after, std::size_t count)
{
    auto const from = after.next();
    if (!from)
        co_return std::vector<pending_info>(); // the server refuses an interval that cannot hold any
    auto commands = make_request();
    commands.push("XPENDING", key_of(stream).text(), group, from->to_string(), "+", count);
    auto const replies = co_await look(commands_, commands);
    if (!replies)
        co_return replies.error();

    std::vector<pending_info> entries;
    node_walk walk(replies->reply(0));
    for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest) {
        walk.enter();
        auto& entry = entries.emplace_back();
        entry.id = walk.id();
        entry.consumer = walk.text();
        entry.idle = std::chrono::milliseconds(walk.number());
        entry.attempts = static_cast<std::uint32_t>(walk.number());
    }
    if (!walk.ok())
        co_return unexpected_reply("XPENDING");
    co_return entries;
}

asio::awaitable<result<std::vector<listed_entry>>>
engine::inspect_entries(std::string_view stream, entry_id after, std::size_t count)
{
    if (auto invalid = check_inspect_entries(count))
        co_return invalid;
    auto const from = after.next();
    if (!from)
        co_return std::vector<listed_entry>(); // the server refuses an interval that cannot hold any
    auto commands = make_request();
    commands.push("XRANGE", key_of(stream).text(), from->to_string(), "+", "COUNT", count);
    entries_reply reply(2, "XRANGE");
    if (auto broken = co_await commands_->exec(commands, reply))
        co_return broken;
    co_return reply.take();
}

} // namespace strandline::redis
