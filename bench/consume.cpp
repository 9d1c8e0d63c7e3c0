#include "consume.hpp"

#include "order.hpp"

#include <strandline/consumer.hpp>

#include <stdexcept>
#include <utility>

namespace bench {

namespace asio = boost::asio;

namespace {

strandline::consumer
make_consumer(strandline::broker_ptr broker, std::string group, std::chrono::milliseconds timeout)
{
    strandline::consumer_options options;
    options.group = std::move(group);
    options.max_in_flight = 4'000;
    options.handler_timeout = timeout;
    return {std::move(broker), options};
}

asio::awaitable<void> run(strandline::consumer& consumer, std::size_t events)
{
    auto const report = co_await consumer.async_run();
    if (report.handled != events)
        throw std::runtime_error("not every event was acknowledged");
}

} // namespace

asio::awaitable<void> consume(
    strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events,
    std::chrono::milliseconds timeout
)
{
    auto consumer = make_consumer(std::move(broker), std::move(group), timeout);
    std::size_t seen = 0;
    consumer.on(stream, [&](strandline::delivery const&) -> asio::awaitable<void> {
        if (++seen == events)
            consumer.stop();
        co_return;
    });
    co_await run(consumer, events);
}

asio::awaitable<void>
consume_orders(strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events)
{
    auto consumer = make_consumer(std::move(broker), std::move(group), std::chrono::seconds(3));
    std::size_t seen = 0;
    consumer.on<order>(stream, [&](order const& decoded) -> asio::awaitable<void> {
        if (decoded.quantity != some_order.quantity)
            throw std::runtime_error("decoded to something else");
        if (++seen == events)
            consumer.stop();
        co_return;
    });
    co_await run(consumer, events);
}

} // namespace bench
