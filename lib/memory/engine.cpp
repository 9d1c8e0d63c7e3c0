#include "memory/engine.hpp"

#include "memory/reader.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/strand.hpp>

#include <utility>

namespace strandline {

broker_ptr make_memory_broker(asio::any_io_executor executor, memory_options options)
{
    return std::make_shared<memory::engine>(asio::make_strand(std::move(executor)), std::move(options));
}

namespace memory {

namespace {

/// Carries out an operation when it is awaited, unless the broker was closed by then.
template <class Operation>
auto run(std::shared_ptr<core> engine, Operation operation)
    -> asio::awaitable<std::invoke_result_t<Operation&, streams&, instant>>
{
    if (engine->closed)
        co_return failure(errc::closed);
    co_return operation(engine->streams, engine->now());
}

asio::awaitable<void> run_append(std::shared_ptr<core> engine, std::span<appending> entries)
{
    if (engine->closed)
        for (auto& item : entries)
            item.outcome = failure(errc::closed);
    else
        engine->streams.append(entries, engine->now());
    co_return;
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

asio::awaitable<void> engine::append(std::span<appending> entries)
{
    return run_append(core_, entries);
}

asio::awaitable<failure>
engine::ensure_group(std::string_view stream, std::string_view group, start_position start)
{
    return run(core_, [=](streams& all, instant) { return all.ensure_group(stream, group, start); });
}

std::unique_ptr<group_reader> engine::make_reader(std::string_view group, std::string_view consumer)
{
    return std::make_unique<reader>(core_, group, consumer);
}

asio::awaitable<result<std::vector<pending_entry>>>
engine::backlog(membership who, entry_id after, std::size_t count)
{
    return run(core_, [=](streams& all, instant) { return all.backlog(who, after, count); });
}

asio::awaitable<failure> engine::take(membership who, std::span<taking> entries)
{
    return run(core_, [=](streams& all, instant now) { return all.take(who, entries, now); });
}

asio::awaitable<result<claimed>>
engine::claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count)
{
    return run(core_, [=](streams& all, instant now) { return all.claim(who, lease, cursor, count, now); });
}

asio::awaitable<failure>
engine::renew(membership who, std::span<entry_id const> ids, std::span<holding> states)
{
    return run(core_, [=](streams& all, instant now) { return all.renew(who, ids, states, now); });
}

asio::awaitable<failure> engine::settle(membership who, std::span<settlement> items)
{
    return run(core_, [=](streams& all, instant now) { return all.settle(who, items, now); });
}

asio::awaitable<result<stream_info>> engine::inspect_stream(std::string_view stream)
{
    return run(core_, [=](streams& all, instant) { return all.inspect_stream(stream); });
}

asio::awaitable<result<std::vector<group_info>>> engine::inspect_groups(std::string_view stream)
{
    return run(core_, [=](streams& all, instant) { return all.inspect_groups(stream); });
}

asio::awaitable<result<std::vector<consumer_info>>>
engine::inspect_consumers(std::string_view stream, std::string_view group)
{
    return run(core_, [=](streams& all, instant now) { return all.inspect_consumers(stream, group, now); });
}

asio::awaitable<result<std::vector<pending_info>>>
engine::inspect_pending(std::string_view stream, std::string_view group, entry_id after, std::size_t count)
{
    return run(core_, [=](streams& all, instant now) {
        return all.inspect_pending(stream, group, after, count, now);
    });
}

} // namespace memory
} // namespace strandline
