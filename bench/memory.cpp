#include "consume.hpp"
#include "publish.hpp"
#include "suite.hpp"
#include "timed.hpp"

#include <strandline/memory.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include <memory>
#include <stdexcept>

namespace bench {

namespace asio = boost::asio;

namespace {

/// More than elsewhere, because they are quick.
constexpr std::size_t memory_events = 2'048'000;

constexpr std::size_t capacity = 1'024;

using channel = asio::experimental::channel<void(boost::system::error_code, std::string)>;

asio::awaitable<void> send_some(channel& to, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await to.async_send({}, body);
}

asio::awaitable<void> receive_all(channel& from, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await from.async_receive();
}

rate through_broker(std::size_t events, strandline::consumer_options options)
{
    return timed(events, [&](asio::io_context& context) {
        auto broker = strandline::make_memory_broker(context.get_executor());
        auto const strand = broker->get_executor();
        asio::co_spawn(strand, consume(broker, std::move(options), {"s"}, events), rethrow);
        asio::co_spawn(strand, publish(std::move(broker), {"s"}, body, events), rethrow);
    });
}

rate through_channel(std::size_t events)
{
    std::unique_ptr<channel> through;
    return timed(events, [&](asio::io_context& context) {
        through = std::make_unique<channel>(context, capacity);
        for (std::size_t i = 0; i != publishers; ++i)
            asio::co_spawn(context, send_some(*through, events / publishers), rethrow);
        asio::co_spawn(context, receive_all(*through, events), rethrow);
    });
}

/// Filled and emptied in turn by one thread: nobody waits, nobody is woken, nothing is kept.
rate through_queue(std::size_t events)
{
    boost::lockfree::spsc_queue<std::string> queue(capacity);
    auto const begin = clock::now();
    std::string out;
    for (std::size_t done = 0; done != events;) {
        auto const some = std::min(capacity, events - done);
        for (std::size_t i = 0; i != some; ++i)
            if (!queue.push(body))
                throw std::logic_error("the queue is full");
        while (queue.pop(out))
            ++done;
    }
    return static_cast<double>(events) / seconds_since(begin);
}

asio::awaitable<std::size_t> handle(std::string event)
{
    co_return event.size();
}

asio::awaitable<void> call_all(std::size_t events)
{
    std::size_t sum = 0;
    for (std::size_t i = 0; i != events; ++i)
        sum += co_await handle(body);
    if (sum != events * body.size())
        throw std::logic_error("a call has lost its event");
}

rate through_calls(std::size_t events)
{
    return timed(events, [&](asio::io_context& context) {
        asio::co_spawn(context, call_all(events), rethrow);
    });
}

scenario in_memory(
    std::string name, strandline::consumer_options options, std::string reference,
    rate (*reference_run)(std::size_t), std::optional<demand> asked = {}
)
{
    scenario one;
    one.name = std::move(name);
    one.figures = {{"", "events/s", asked}};
    one.ours = [=](run& with) -> sample { return {through_broker(with.events(memory_events), options)}; };
    one.reference = std::move(reference);
    one.reference_run = [=](run& with) -> sample { return {reference_run(with.events(memory_events))}; };
    return one;
}

} // namespace

/// Published by 256 coroutines, handled and acknowledged in one process and thread. What was handled leaves
/// the stream, because no reference keeps anything either; only the channel makes a sender wait as ours does,
/// the others say what the way costs at the least.
void add_in_memory(suite& to)
{
    constexpr auto channel_name = "asio::experimental::channel, 256 senders";
    auto const forgetting = [](auto options) {
        options.delete_handled = true;
        return options;
    };
    auto const usual = forgetting(everyday_options());
    to.add(in_memory("memory/base", forgetting(base_options()), channel_name, through_channel));
    to.add(in_memory(
        "memory/timeout", usual, channel_name, through_channel, demand{demand::of::ratio_at_least, 1.2}
    ));
    to.add(in_memory("memory/keeping-all", everyday_options(), channel_name, through_channel));
    to.add(in_memory("memory/beside-queue", usual, "boost::lockfree::spsc_queue, one thread", through_queue));
    to.add(in_memory("memory/beside-call", usual, "co_await of a plain coroutine", through_calls));
}

} // namespace bench
