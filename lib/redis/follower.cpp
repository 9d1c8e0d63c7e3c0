#include "redis/follower.hpp"

#include "core/condition.hpp"

#include <boost/asio/error.hpp>

#include <map>

namespace strandline::redis {

struct follower::positions
{
    positions(asio::any_io_executor const& strand, start_position start) : from(start), changed(strand) {}

    start_position from;
    /// The last entry that was read of each stream, by its key.
    std::map<std::string, entry_id, std::less<>> last;
    /// Reads take turns: two that begin at the same place would bring the same.
    std::uint64_t turns_given = 0;
    std::uint64_t turns_ended = 0;
    condition changed;
};

follower::follower(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
    start_position from
)
    : reading_(commands, std::move(own), options)
    , prefix_(options.key_prefix)
    , positions_(std::make_shared<positions>(commands->get_executor(), from))
{}

asio::awaitable<failure>
follower::begin(std::shared_ptr<positions> at, connection& own, std::span<std::string_view const> keys)
{
    std::vector<std::string_view> fresh;
    for (auto const key : keys)
        if (!at->last.contains(key))
            fresh.push_back(key);
    if (at->from.after || fresh.empty()) {
        for (auto const key : fresh)
            at->last.emplace(key, *at->from.after);
        co_return failure();
    }
    // Once, and not `$` with each read: what comes between two reads would be missed.
    auto commands = make_request();
    for (auto const key : fresh)
        commands.push("XREVRANGE", key, "+", "-", "COUNT", "1");
    node_replies replies;
    if (auto broken = co_await own.exec(commands, replies))
        co_return broken;
    for (std::size_t i = 0; i != fresh.size(); ++i) {
        if (auto refused = replies.error(i))
            co_return refused;
        node_walk walk(replies.reply(i));
        auto last = entry_id::min();
        if (walk.enter() != 0) {
            walk.enter();
            last = walk.id();
        }
        if (!walk.ok())
            co_return unexpected_reply("XREVRANGE");
        at->last.emplace(fresh[i], last);
    }
    co_return failure();
}

asio::awaitable<failure> follower::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    stream_keys const keys(prefix_, streams);
    auto const count_text = std::to_string(count);
    auto const wait_text = reading_.blocking_time(wait);
    auto const at = positions_;
    reading::under_way mine(reading_);
    auto const turn = at->turns_given++;
    while (at->turns_ended != turn)
        co_await at->changed.wait();
    struct ending
    {
        positions& of;

        ~ending()
        {
            ++of.turns_ended;
            of.changed.notify();
        }
    } const at_the_end{*at};

    if (auto why = co_await begin(at, mine.own(), keys.all()))
        // Woken while it waited for the connection.
        co_return why.code() == asio::error::operation_aborted ? failure() : why;
    std::vector<std::string> ids;
    for (auto const key : keys.all())
        ids.push_back(at->last.find(key)->second.to_string());
    auto commands = make_request();
    std::vector<std::string_view> arguments{"COUNT", count_text};
    // BLOCK 0 would wait for ever.
    if (wait > wait.zero())
        arguments.insert(arguments.end(), {"BLOCK", wait_text});
    arguments.push_back("STREAMS");
    arguments.insert(arguments.end(), keys.all().begin(), keys.all().end());
    arguments.insert(arguments.end(), ids.begin(), ids.end());
    commands.push_range("XREAD", arguments);

    auto const before = out.size();
    auto const why = co_await mine.carry_out(commands, keys.all(), out);
    // Also after a failure: what has come is not read again.
    for (auto i = before; i != out.size(); ++i)
        at->last.find(keys.all()[out[i].stream])->second = out[i].id;
    co_return why;
}

} // namespace strandline::redis
