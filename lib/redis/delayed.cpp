// Entries that are not due yet.

#include "redis/batch.hpp"
#include "redis/engine.hpp"
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

/// The reply of the script that shows delayed entries: depth 0 an array; 1 a member, then the array of its
/// fields; 2 their names and values in turn.
class delayed_reply final : public reply_sink
{
public:
    void on_node(resp3::node_view const& node) override
    {
        if (node.depth == 0 && is_error(node))
            error_ = server_failure(node.value);
        else if (node.depth == 1 && !is_aggregate(node.data_type)) {
            auto const id = entry_id::parse(node.value);
            if (!id)
                error_ = unexpected_reply("the script that shows delayed entries");
            entries_.push_back({id ? *id : entry_id(), {}, batch_});
        }
        else if (node.depth == 1)
            fields_.begin(node.aggregate_size);
        else if (node.depth == 2 && !entries_.empty() && fields_.add(node.value, *batch_))
            entries_.back().entry = fields_.finish(*batch_);
    }

    result<std::vector<listed_entry>> take()
    {
        if (error_)
            return error_;
        return std::move(entries_);
    }

private:
    boost::intrusive_ptr<batch> batch_ = new batch(1024);
    std::vector<listed_entry> entries_;
    entry_fields fields_;
    failure error_;
};

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
    delayed_reply reply;
    if (auto broken = co_await run_script(commands_, scripts::inspect_delayed(), words, reply))
        co_return broken;
    co_return reply.take();
}

asio::awaitable<result<std::uint64_t>> engine::count_delayed(std::string_view stream)
{
    auto commands = make_request();
    commands.push("ZCARD", delayed_keys(key_of(stream)).ids);
    node_replies replies;
    if (auto broken = co_await commands_->exec(commands, replies))
        co_return broken;
    if (auto refused = replies.error(0))
        co_return refused;
    node_walk walk(replies.reply(0));
    auto const count = walk.number();
    if (!walk.ok())
        co_return unexpected_reply("ZCARD");
    co_return count;
}

} // namespace strandline::redis
