#include "redis/engine.hpp"

#include "core/strand.hpp"
#include "redis/ask.hpp"
#include "redis/batch.hpp"
#include "redis/follower.hpp"
#include "redis/reader.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <utility>

namespace strandline {

broker_ptr make_redis_broker(asio::any_io_executor executor, redis_options options, failure& why)
{
    why = validate(options);
    if (why)
        return nullptr;
    auto tls = redis::tls_identity::load(options);
    if (!tls) {
        why = tls.error();
        return nullptr;
    }
    return std::make_shared<redis::engine>(make_strand_of(executor), std::move(options), std::move(*tls));
}

broker_ptr make_redis_broker(asio::any_io_executor executor, redis_options options)
{
    failure why;
    auto made = make_redis_broker(std::move(executor), std::move(options), why);
    if (why)
        throw error(std::move(why));
    return made;
}

namespace redis {

namespace {

/// Bytes asked of a socket at a time: whole batches should come with few reads.
constexpr std::size_t for_batches = 64 * 1024;
constexpr std::size_t for_short_replies = 16 * 1024;

holding to_holding(std::string_view answer)
{
    return answer == "0" ? holding::held : answer == "2" ? holding::gone : holding::lost;
}

std::string_view kind_of(settlement const& item)
{
    switch (item.as) {
    case settle_as::acknowledged:
        return item.remove ? "remove" : "ack";
    case settle_as::released:
        return "release";
    case settle_as::dead:
        return "dead";
    }
    return {};
}

/// Adds the items to the words of the script that settles, runs it, and tells each how it went.
asio::awaitable<failure>
settle_checked(std::shared_ptr<connection> connected, script_words& words, std::span<settlement* const> items)
{
    texts text(items.size() * 3);
    for (auto const* item : items)
        words.add(
            {kind_of(*item), text(item->id), text(item->attempts), text(item->idle.count()), item->reason,
             item->error}
        );
    auto const replies = co_await run_script(connected, scripts::settle(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    if (walk.enter() != items.size())
        co_return unexpected_reply("the script that settles deliveries");
    for (auto* item : items) {
        auto const answer = walk.text();
        if (answer == "0" || answer == "1" || answer == "2")
            item->state = to_holding(answer);
        else {
            item->error_of_item = server_failure(answer);
            if (tells_of_replica(answer))
                connected->leave_replica();
        }
    }
    co_return failure();
}

} // namespace

engine::engine(asio::any_io_executor strand, redis_options options, tls_identity tls)
    : broker(strand)
    , options_(std::move(options))
    , tls_(std::move(tls))
    , commands_(make_connection(for_short_replies))
    , hints_(std::make_shared<hints>(commands_, make_connection(for_short_replies), options_.database))
{}

std::shared_ptr<connection> engine::make_connection(std::size_t read_size) const
{
    return std::make_shared<connection>(get_executor(), options_, tls_, read_size);
}

engine::~engine()
{
    close();
}

void engine::close()
{
    // Its own handles: the engine may be gone when this runs.
    asio::dispatch(get_executor(), [commands = commands_, listening = hints_, readers = readers_] {
        commands->close();
        listening->close();
        for (auto const& reader : *readers)
            if (auto const open = reader.lock())
                open->close();
    });
}

asio::awaitable<failure> engine::ready(std::chrono::milliseconds wait)
{
    return commands_->connected(wait);
}

asio::awaitable<failure>
engine::ensure_group(std::string_view stream, std::string_view group, start_position start)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    auto commands = make_request();
    auto const at = key_of(stream);
    commands.push(
        "XGROUP", "CREATE", at.text(), group, start.after ? start.after->to_string() : std::string("$"),
        "MKSTREAM"
    );
    node_replies replies;
    if (auto broken = co_await commands_->exec(commands, replies))
        co_return broken;
    auto refused = replies.error(0);
    if (refused.words().starts_with("BUSYGROUP"))
        co_return failure(); // it exists
    if (refused == errc::out_of_memory) {
        // Refused unseen, also where the group exists and can be read.
        auto const groups = co_await inspect_groups(stream);
        if (groups && std::ranges::find(*groups, group, &group_info::name) != groups->end())
            co_return failure();
    }
    co_return refused;
}

std::unique_ptr<stream_reader>
engine::make_reader(std::string_view group, std::string_view consumer, read_as how)
{
    return std::make_unique<reader>(commands_, make_reading_connection(), options_, group, consumer, how);
}

std::unique_ptr<stream_reader> engine::make_follower(start_position from)
{
    return std::make_unique<follower>(commands_, make_reading_connection(), options_, from);
}

std::shared_ptr<connection> engine::make_reading_connection()
{
    std::erase_if(*readers_, [](auto const& reader) { return reader.expired(); });
    auto own = make_connection(for_batches);
    if (commands_->is_closed())
        own->close(); // nobody would do so later
    readers_->push_back(own);
    return own;
}

std::unique_ptr<watching>
engine::watch(std::string_view stream, std::string_view group, std::function<void()> told)
{
    return hints_->watch(key_of(stream), group, std::move(told));
}

asio::awaitable<result<std::vector<pending_entry>>>
engine::backlog(membership who, entry_id after, std::size_t count)
{
    auto const from = after.next();
    if (!from)
        co_return std::vector<pending_entry>(); // the server refuses an interval that cannot hold any
    auto commands = make_request();
    auto const at = key_of(who.stream);
    commands.push("XPENDING", at.text(), who.group, from->to_string(), "+", count, who.consumer);
    auto const replies = co_await ask(commands_, commands);
    if (!replies)
        co_return replies.error();
    std::vector<pending_entry> entries;
    node_walk walk(replies->reply(0));
    for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest) {
        walk.enter();
        auto& entry = entries.emplace_back();
        entry.id = walk.id();
        walk.skip(); // consumer
        walk.skip(); // idle
        entry.attempts = static_cast<std::uint32_t>(walk.number());
    }
    if (!walk.ok())
        co_return unexpected_reply("XPENDING");
    co_return entries;
}

asio::awaitable<failure> engine::take(membership who, std::span<taking> entries)
{
    if (entries.empty())
        co_return failure();
    texts text(entries.size());
    auto const at = key_of(who.stream);
    script_words words(at, who);
    for (auto const& item : entries)
        words.add({text(item.id), item.counted ? "1" : "0"});
    take_reply reply(entries);
    if (auto broken = co_await run_script(commands_, scripts::take(), words, reply))
        co_return broken;
    co_return reply.error();
}

asio::awaitable<result<claimed>>
engine::claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count)
{
    // Sent the moment the server is back, it would take over what others had no chance to renew yet.
    if (commands_->is_lost())
        co_return commands_->why_down();
    texts text(3);
    auto const at = key_of(who.stream);
    script_words words(at, who);
    words.add({text(lease.count()), text(cursor), text(count)});
    auto const replies = co_await run_script(commands_, scripts::claim(), words);
    if (!replies)
        co_return replies.error();
    claimed taken;
    node_walk walk(replies->reply(0));
    walk.enter();
    taken.cursor = walk.id();
    for (auto rest = walk.enter(); rest >= 2 && walk.ok(); rest -= 2) {
        auto const id = walk.id();
        taken.entries.push_back({id, static_cast<std::uint32_t>(walk.number())});
    }
    for (auto rest = walk.enter(); rest != 0 && walk.ok(); --rest)
        taken.gone.push_back(walk.id());
    if (!walk.ok())
        co_return unexpected_reply("the script that claims entries");
    co_return taken;
}

asio::awaitable<failure>
engine::renew(membership who, std::span<entry_id const> ids, std::span<holding> states)
{
    texts text(ids.size());
    auto const at = key_of(who.stream);
    script_words words(at, who);
    for (auto const id : ids)
        words.add({text(id)});
    auto const replies = co_await run_script(commands_, scripts::renew(), words);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    if (walk.enter() != ids.size())
        co_return unexpected_reply("the script that renews leases");
    for (std::size_t i = 0; i != ids.size(); ++i)
        states[i] = to_holding(walk.text());
    co_return walk.ok() ? failure() : unexpected_reply("the script that renews leases");
}

asio::awaitable<failure> engine::settle(membership who, std::span<settlement> items, retention limits)
{
    texts text(items.size());
    auto const at = key_of(who.stream);
    std::vector<std::string_view> acknowledged{at, who.group};
    // The dead ones apart: a user without rights on their stream can still do the rest.
    std::vector<settlement*> checked;
    std::vector<settlement*> dead;
    for (auto& item : items) {
        item.state = holding::held;
        item.error_of_item = {};
        if (item.as == settle_as::acknowledged && item.surely_held && !item.remove)
            acknowledged.push_back(text(item.id));
        else
            (item.as == settle_as::dead ? dead : checked).push_back(&item);
    }

    // The engine may be gone when the acknowledgements have been answered.
    auto const connected = commands_;
    auto const channel = hint_channel(options_.database, at);
    if (acknowledged.size() > 2) {
        auto commands = make_request();
        commands.push_range("XACK", acknowledged);
        node_replies replies;
        // XACK asks nobody who owns the entry. Sent later, after a reconnect, it could remove what another
        // has begun.
        if (auto broken = co_await connected->exec_now(commands, replies))
            co_return broken;
        if (auto refused = replies.error(0))
            co_return refused;
    }
    if (!checked.empty()) {
        script_words words(at, who);
        words.add({"0", "0", channel, who.stream});
        if (auto failed = co_await settle_checked(connected, words, checked))
            co_return failed;
    }
    if (!dead.empty()) {
        script_words words(at, who, dead_letter_stream(at));
        texts of_limits(2);
        words.add({of_limits(limits.count), of_limits(limits.age.count()), channel, who.stream});
        auto failed = co_await settle_checked(connected, words, dead);
        if (failed != errc::not_permitted)
            co_return failed;
        for (auto* item : dead)
            item->error_of_item = failed;
    }
    co_return failure();
}

} // namespace redis
} // namespace strandline
