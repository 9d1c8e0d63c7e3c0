// Entries that are not due yet.

#include "redis/ask.hpp"
#include "redis/engine.hpp"
#include "redis/entries_reply.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace strandline::redis {

namespace {

/// The contract's limit.
constexpr std::size_t most_in_call = 500;

/// Where a stream's delayed entries are: a set of their ids, and their contents by id.
struct delayed_keys
{
    explicit delayed_keys(std::string_view stream)
        : ids(derived_name(stream, "delayed"))
        , contents(derived_name(stream, "delayed:entries"))
    {}

    std::string ids;
    std::string contents;
};

/// As the server orders it: texts compare as the ids do.
std::string member_of(entry_id id)
{
    return fmt::format("{:013}-{:016}", id.ms, id.seq);
}

/// Makes dead letters of entries that cannot be understood; tells how many, and why no more.
asio::awaitable<failure> set_aside(
    std::shared_ptr<connection> connected, std::string_view stream, key const& at,
    delayed_keys const& delayed, std::span<std::string_view const> members, std::size_t& done
)
{
    auto const letters = dead_letter_stream(at);
    while (!members.empty()) {
        auto const now = members.first(std::min(members.size(), most_in_call));
        members = members.subspan(now.size());
        script_words words({delayed.ids, delayed.contents, letters});
        words.add({stream});
        for (auto const member : now)
            words.add({member});
        node_replies replies;
        if (auto broken = co_await run_script(connected, scripts::set_aside(), words, replies))
            co_return broken;
        if (auto refused = replies.error(0))
            co_return refused;
        node_walk walk(replies.reply(0));
        walk.enter();
        done += walk.number();
        auto const why = walk.text();
        if (!walk.ok())
            co_return unexpected_reply("the script that sets delayed entries aside");
        if (!why.empty()) {
            if (tells_of_replica(why))
                connected->leave_replica();
            co_return server_failure(why);
        }
    }
    co_return failure();
}

} // namespace

asio::awaitable<result<promotion>> engine::promote_due(std::string_view stream, std::size_t count)
{
    auto const at = key_of(stream);
    delayed_keys const delayed(at);
    auto const connected = commands_;
    texts text(1);
    script_words words({at, delayed.ids, delayed.contents});
    words.add({text(count)});
    auto const replies = co_await run_script(connected, scripts::promote(), words);
    if (!replies)
        co_return replies.error();

    promotion done;
    node_walk walk(replies->reply(0));
    walk.enter();
    done.moved = walk.number();
    if (walk.next_is_null())
        walk.skip();
    else
        done.next = std::chrono::milliseconds(walk.number());
    auto const why_stopped = walk.text();
    std::vector<std::string_view> damaged(walk.enter());
    std::ranges::generate(damaged, [&] { return walk.text(); });
    if (!walk.ok())
        co_return unexpected_reply("the script that moves delayed entries");
    if (!damaged.empty())
        done.not_set_aside = co_await set_aside(connected, stream, at, delayed, damaged, done.set_aside);
    if (!why_stopped.empty()) {
        if (tells_of_replica(why_stopped))
            connected->leave_replica();
        co_return server_failure(why_stopped);
    }
    co_return done;
}

asio::awaitable<result<bool>> engine::cancel_delayed(std::string_view stream, entry_id id)
{
    delayed_keys const delayed(key_of(stream));
    auto const member = member_of(id);
    script_words words({delayed.ids, delayed.contents});
    words.add({member});
    auto const replies = co_await run_script(commands_, scripts::cancel_delayed(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    auto const removed = walk.number();
    if (!walk.ok())
        co_return unexpected_reply("the script that removes a delayed entry");
    co_return removed == 1;
}

asio::awaitable<result<std::vector<listed_entry>>>
engine::inspect_delayed(std::string_view stream, entry_id after, std::size_t count)
{
    delayed_keys const delayed(key_of(stream));
    auto const behind = "(" + member_of(after);
    texts text(1);
    script_words words({delayed.ids, delayed.contents});
    words.add({behind, text(count)});
    entries_reply reply(1, "the script that shows delayed entries");
    if (auto broken = co_await run_script(commands_, scripts::inspect_delayed(), words, reply))
        co_return broken;
    co_return reply.take();
}

asio::awaitable<result<std::uint64_t>> engine::count_delayed(std::string_view stream)
{
    auto commands = make_request();
    commands.push("ZCARD", delayed_keys(key_of(stream)).ids);
    co_return co_await ask_for_number(commands_, commands, "ZCARD");
}

} // namespace strandline::redis
