#include "consume.hpp"
#include "publish.hpp"
#include "scenarios.hpp"
#include "timed.hpp"

#include <strandline/memory.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <memory>

namespace bench {

namespace asio = boost::asio;

namespace {

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

rate through_broker(std::size_t events, std::chrono::milliseconds timeout)
{
    return timed(events, [&](asio::io_context& context) {
        auto broker = strandline::make_memory_broker(context.get_executor());
        auto const strand = broker->get_executor();
        asio::co_spawn(strand, consume(broker, "s", "g", events, timeout), rethrow);
        asio::co_spawn(strand, publish(std::move(broker), "s", body, events), rethrow);
    });
}

rate through_channel(std::size_t events)
{
    std::unique_ptr<channel> through;
    return timed(events, [&](asio::io_context& context) {
        through = std::make_unique<channel>(context, 1024);
        for (std::size_t i = 0; i != publishers; ++i)
            asio::co_spawn(context, send_some(*through, events / publishers), rethrow);
        asio::co_spawn(context, receive_all(*through, events), rethrow);
    });
}

} // namespace

void in_memory(amounts const& amount)
{
    // More of them, because they are quick.
    auto const events = amount.events * 4;
    constexpr auto reference = "asio::experimental::channel, capacity 1024, 256 senders";
    auto const through_reference = [&] { return through_channel(events); };
    compare(
        "memory: publish, handle, acknowledge", reference,
        [&] { return through_broker(events, std::chrono::seconds(0)); }, through_reference, amount.pairs
    );
    compare(
        "the same with handler_timeout", reference,
        [&] { return through_broker(events, std::chrono::seconds(3)); }, through_reference, amount.pairs
    );
}

} // namespace bench
