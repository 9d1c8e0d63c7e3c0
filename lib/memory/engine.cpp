#include "memory/engine.hpp"

#include "core/refusals.hpp"
#include "core/strand.hpp"
#include "memory/follower.hpp"
#include "memory/reader.hpp"

#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <utility>

namespace strandline {

broker_ptr make_memory_broker(asio::any_io_executor executor, memory_options options)
{
    return std::make_shared<memory::engine>(make_strand_of(executor), std::move(options));
}

namespace memory {

namespace {

/// Carries out an operation when it is awaited, unless the broker was closed by then.
template <class Operation>
auto run(std::shared_ptr<core> engine, Operation operation)
    -> asio::awaitable<std::invoke_result_t<Operation&, core&, instant>>
{
    if (engine->closed)
        co_return failure(errc::closed);
    co_return operation(*engine, engine->now());
}

asio::awaitable<void> run_append(std::shared_ptr<core> engine, std::span<appending> entries, bool all)
{
    if (engine->closed) {
        for (auto& item : entries)
            item.outcome = failure(errc::closed);
        co_return;
    }
    auto const time = engine->tell_time();
    auto const nearer = engine->streams.append(
        entries, all, std::chrono::floor<std::chrono::milliseconds>(time),
        std::chrono::ceil<std::chrono::milliseconds>(time)
    );
    for (auto const stream : nearer)
        engine->watchers->tell(stream, {});
}

} // namespace

engine::engine(asio::any_io_executor strand, memory_options options)
    : broker(strand)
    , core_(std::make_shared<core>(
          strand, options.now ? std::move(options.now) : &std::chrono::system_clock::now
      ))
{}

engine::~engine()
{
    close();
}

void engine::close()
{
    core_->closed = true;
    asio::dispatch(get_executor(), [engine = core_] {
        for (auto* bell : engine->waiting)
            bell->ring();
    });
}

asio::awaitable<failure> engine::ready(std::chrono::milliseconds)
{
    return run(core_, [](core&, instant) { return failure(); });
}

asio::awaitable<void> engine::append(std::span<appending> entries, append_mode mode)
{
    return run_append(core_, entries, mode.atomic);
}

asio::awaitable<result<promotion>> engine::promote_due(std::string_view stream, std::size_t count)
{
    return run(core_, [=](core& in, instant now) -> result<promotion> {
        return in.streams.promote_due(stream, count, now);
    });
}

asio::awaitable<result<bool>> engine::cancel_delayed(std::string_view stream, entry_id id)
{
    return run(core_, [=](core& in, instant) -> result<bool> {
        return in.streams.cancel_delayed(stream, id);
    });
}

asio::awaitable<result<std::uint64_t>> engine::trim(std::string_view stream, retention keep)
{
    return run(core_, [=](core& in, instant now) { return in.streams.trim(stream, keep, now); });
}

asio::awaitable<failure>
engine::ensure_group(std::string_view stream, std::string_view group, start_position start)
{
    return run(core_, [=](core& in, instant) { return in.streams.ensure_group(stream, group, start); });
}

asio::awaitable<failure> engine::join(membership who, std::chrono::milliseconds lease, bool take_over)
{
    return run(core_, [=](core& in, instant now) {
        if (auto invalid = check_join(who, lease))
            return invalid;
        return in.streams.join(who, lease, take_over, now);
    });
}

asio::awaitable<failure> engine::leave(membership who)
{
    return run(core_, [=](core& in, instant) { return in.streams.leave(who); });
}

asio::awaitable<result<std::size_t>>
engine::remove_idle(std::string_view stream, std::string_view group, std::chrono::milliseconds idle)
{
    return run(core_, [=](core& in, instant now) {
        return in.streams.remove_idle(stream, group, idle, now);
    });
}

std::unique_ptr<stream_reader>
engine::make_reader(std::string_view group, std::string_view consumer, read_as how)
{
    return std::make_unique<reader>(core_, group, consumer, how);
}

asio::awaitable<result<std::vector<pending_entry>>>
engine::backlog(membership who, entry_id after, std::size_t count)
{
    return run(core_, [=](core& in, instant) { return in.streams.backlog(who, after, count); });
}

asio::awaitable<failure> engine::take(membership who, std::span<taking> entries)
{
    return run(core_, [=](core& in, instant now) { return in.streams.take(who, entries, now); });
}

asio::awaitable<result<claimed>>
engine::claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count)
{
    return run(core_, [=](core& in, instant now) {
        return in.streams.claim(who, lease, cursor, count, now);
    });
}

asio::awaitable<failure>
engine::renew(membership who, std::span<entry_id const> ids, std::span<holding> states)
{
    return run(core_, [=](core& in, instant now) { return in.streams.renew(who, ids, states, now); });
}

asio::awaitable<failure> engine::settle(membership who, std::span<settlement> items, retention limits)
{
    return run(core_, [=](core& in, instant now) {
        auto const refused = in.streams.settle(who, items, limits, now);
        auto const is_released = [](settlement const& item) {
            return item.as == settle_as::released && item.state == holding::held;
        };
        if (!refused && std::ranges::any_of(items, is_released))
            in.watchers->tell(who.stream, who.group);
        return refused;
    });
}

std::unique_ptr<watching>
engine::watch(std::string_view stream, std::string_view group, std::function<void()> told)
{
    return core_->watchers->add(stream, group, std::move(told));
}

asio::awaitable<result<std::uint64_t>>
engine::lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    return run(core_, [=](core& in, instant now) -> result<std::uint64_t> {
        if (auto invalid = check_lock(name, token, ttl))
            return invalid;
        return in.locks.lock(name, token, ttl, now);
    });
}

asio::awaitable<failure>
engine::renew_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl)
{
    return run(core_, [=](core& in, instant now) {
        if (auto invalid = check_lock(name, token, ttl))
            return invalid;
        return in.locks.renew(name, token, ttl, now);
    });
}

asio::awaitable<failure> engine::unlock(std::string_view name, std::string_view token)
{
    return run(core_, [=](core& in, instant now) {
        if (auto invalid = check_lock(name, token))
            return invalid;
        auto why = in.locks.unlock(name, token, now);
        if (!why)
            in.watchers->tell(name, {});
        return why;
    });
}

asio::awaitable<result<lock_info>> engine::inspect_lock(std::string_view name)
{
    return run(core_, [=](core& in, instant now) -> result<lock_info> {
        if (auto invalid = check_lock(name))
            return invalid;
        return in.locks.inspect(name, now);
    });
}

asio::awaitable<failure> engine::replay(std::string_view stream, std::span<replaying> letters)
{
    return run(core_, [=](core& in, instant now) { return in.streams.replay(stream, letters, now); });
}

asio::awaitable<result<transferred>> engine::transfer(
    std::string_view stream, std::string_view group, std::string_view from, std::string_view to, bool forced,
    entry_id cursor, std::size_t count
)
{
    return run(core_, [=](core& in, instant now) {
        auto const done = in.streams.transfer(stream, group, from, to, forced, cursor, count, now);
        if (done && done->moved != 0)
            in.watchers->tell(stream, group);
        return done;
    });
}

asio::awaitable<result<collection>>
engine::collect(std::string_view stream, std::span<std::string_view const> groups, std::size_t count)
{
    return run(core_, [=](core& in, instant) { return in.streams.collect(stream, groups, count); });
}

asio::awaitable<result<std::size_t>> engine::remove(std::string_view stream, std::span<entry_id const> ids)
{
    return run(core_, [=](core& in, instant) { return in.streams.remove(stream, ids); });
}

asio::awaitable<result<bool>> engine::remove_group(std::string_view stream, std::string_view group)
{
    return run(core_, [=](core& in, instant) { return in.streams.remove_group(stream, group); });
}

std::unique_ptr<stream_reader> engine::make_follower(start_position from)
{
    return std::make_unique<follower>(core_, from);
}

asio::awaitable<result<std::vector<std::string>>> engine::list_streams()
{
    return run(core_, [](core& in, instant) -> result<std::vector<std::string>> {
        return in.streams.names();
    });
}

asio::awaitable<result<std::vector<listed_entry>>>
engine::inspect_entries(std::string_view stream, entry_id after, std::size_t count)
{
    return run(core_, [=](core& in, instant) { return in.streams.inspect_entries(stream, after, count); });
}

asio::awaitable<result<stream_info>> engine::inspect_stream(std::string_view stream)
{
    return run(core_, [=](core& in, instant) { return in.streams.inspect_stream(stream); });
}

asio::awaitable<result<std::vector<group_info>>> engine::inspect_groups(std::string_view stream)
{
    return run(core_, [=](core& in, instant) { return in.streams.inspect_groups(stream); });
}

asio::awaitable<result<std::vector<consumer_info>>>
engine::inspect_consumers(std::string_view stream, std::string_view group)
{
    return run(core_, [=](core& in, instant now) {
        return in.streams.inspect_consumers(stream, group, now);
    });
}

asio::awaitable<result<std::vector<pending_info>>>
engine::inspect_pending(std::string_view stream, std::string_view group, entry_id after, std::size_t count)
{
    return run(core_, [=](core& in, instant now) {
        return in.streams.inspect_pending(stream, group, after, count, now);
    });
}

asio::awaitable<result<std::vector<listed_entry>>>
engine::inspect_delayed(std::string_view stream, entry_id after, std::size_t count)
{
    return run(core_, [=](core& in, instant) -> result<std::vector<listed_entry>> {
        return in.streams.inspect_delayed(stream, after, count);
    });
}

asio::awaitable<result<std::uint64_t>> engine::count_delayed(std::string_view stream)
{
    return run(core_, [=](core& in, instant) -> result<std::uint64_t> {
        return in.streams.count_delayed(stream);
    });
}

} // namespace memory
} // namespace strandline
