// What there is to be counted, and the server itself.

#include "redis/ask.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"
#include "redis/server_report.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace strandline::redis {

namespace {

/// The contract's limit of what is counted where the server cannot tell a lag.
constexpr std::string_view most_counted = "10000";

/// The stream, and what is derived from it.
struct measured_keys
{
    explicit measured_keys(std::string_view stream)
        : of_stream(stream)
        , of_delayed(derived_name(stream, "delayed"))
        , of_letters(dead_letter_stream(stream))
    {}

    std::string of_stream;
    std::string of_delayed;
    std::string of_letters;
};

/// Nothing where the reply has nothing.
template <class Read>
auto optional_of(node_walk& walk, Read read) -> std::optional<std::invoke_result_t<Read>>
{
    if (!walk.next_is_null())
        return read();
    walk.skip();
    return std::nullopt;
}

group_statistics read_group(node_walk& walk)
{
    group_statistics group;
    group.name = walk.text();
    group.pending = walk.number();
    group.lowest_pending = optional_of(walk, [&] { return walk.id(); });
    group.last_delivered = walk.id();
    group.lag = walk.number();
    group.lag_is_at_least = walk.number() != 0;
    for (auto rest = walk.enter(); rest >= 3 && walk.ok(); rest -= 3) {
        auto& consumer = group.consumers.emplace_back();
        consumer.name = walk.text();
        consumer.pending = walk.number();
        consumer.idle = std::chrono::milliseconds(walk.number());
    }
    return group;
}

stream_statistics read_statistics(node_walk walk)
{
    stream_statistics told;
    walk.enter();
    told.now += std::chrono::milliseconds(walk.number());
    told.delayed = optional_of(walk, [&] { return walk.number(); });
    told.dead = optional_of(walk, [&] { return walk.number(); });
    if (auto const why = walk.text(); why.starts_with("ERR no such key"))
        told.why = {errc::no_group, std::string(why)};
    else if (!why.empty())
        told.why = server_failure(why);
    if (told.why)
        return told;
    told.length = walk.number();
    told.first = optional_of(walk, [&] { return walk.id(); });
    told.last = optional_of(walk, [&] { return walk.id(); });
    told.last_generated = walk.id();
    told.appended = walk.number();
    // Each begins where the one before has ended.
    for (auto rest = walk.enter(); rest >= 7 && walk.ok(); rest -= 7)
        told.groups.push_back(read_group(walk));
    if (!walk.ok())
        told.why = unexpected_reply("the script that measures a stream");
    std::ranges::sort(told.groups, {}, &group_statistics::name);
    return told;
}

void push(request& commands, measured_keys const& keys, bool teaches)
{
    auto const& lua = scripts::measure();
    commands.push(
        teaches ? "EVAL" : "EVALSHA", teaches ? lua.text() : lua.hash(), "3", keys.of_stream, keys.of_delayed,
        keys.of_letters, most_counted
    );
}

} // namespace

asio::awaitable<result<std::vector<stream_statistics>>>
engine::measure(std::span<std::string_view const> streams)
{
    // The engine may be gone when they have been answered.
    auto const connected = commands_;
    std::vector<stream_statistics> all(streams.size());
    std::vector<std::pair<stream_statistics*, measured_keys>> wanted;
    for (std::size_t i = 0; i != streams.size(); ++i)
        if (all[i].why = check_stream_name(streams[i]); !all[i].why)
            wanted.emplace_back(&all[i], measured_keys(key_of(streams[i])));
    for (auto teaches = false; !wanted.empty(); teaches = true) {
        auto commands = make_request();
        for (auto const& [out, keys] : wanted)
            push(commands, keys, teaches && out == wanted.front().first);
        node_replies replies;
        if (auto broken = co_await connected->exec(commands, replies))
            co_return broken;
        for (std::size_t i = 0; i != wanted.size(); ++i) {
            auto& told = *wanted[i].first;
            told.why = replies.error(i);
            if (!told.why)
                told = read_statistics(node_walk(replies.reply(i)));
        }
        // They come again, the first of them with the text.
        std::erase_if(wanted, [](auto const& one) {
            return !one.first->why.words().starts_with("NOSCRIPT");
        });
    }
    co_return all;
}

asio::awaitable<result<server_info>> engine::inspect_server()
{
    auto commands = make_request();
    commands.push("INFO", "server", "memory", "replication");
    auto const replies = co_await ask(commands_, commands);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    auto const report = walk.text();
    if (!walk.ok())
        co_return unexpected_reply("INFO");
    co_return read_server_report(report);
}

} // namespace strandline::redis
