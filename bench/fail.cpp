#include "fail.hpp"

#include <strandline/consumer.hpp>

#include <stdexcept>

namespace bench {

namespace asio = boost::asio;

asio::awaitable<void>
fail_all(strandline::broker_ptr broker, std::string stream, std::string group, std::size_t events)
{
    strandline::consumer_options options;
    options.group = group;
    options.max_in_flight = 4'000;
    options.handler_timeout = std::chrono::seconds(3);
    options.max_attempts = attempts;
    options.retry = {
        .first = std::chrono::milliseconds(5), .factor = 1, .longest = std::chrono::milliseconds(5)
    };
    strandline::consumer consumer{broker, options};
    std::size_t runs = 0;
    consumer.on(stream, [&](strandline::delivery const&) -> asio::awaitable<void> {
        if (++runs == events * attempts)
            consumer.stop();
        throw std::runtime_error("the other side does not answer");
        co_return;
    });
    auto const report = co_await consumer.async_run();
    if (report.dead != events || report.retried != events * (attempts - 1))
        throw std::runtime_error("not every event has become a dead letter");
}

} // namespace bench
