// Ways to publish: headers, idempotency keys, batches, delayed events, limits.

#include <strandline/strandline.hpp>

#include <boost/asio.hpp>
#include <boost/describe.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

asio::awaitable<void> publish(strandline::broker_ptr broker)
{
    strandline::producer_options options;
    options.timeout = 10s;                                // then a publish fails, and says what is known
    options.streams["orders"] = {.keep = {.count = 100}}; // only the newest 100, whoever has read the others
    strandline::producer producer{broker, options};

    // With an idempotency key an event is stored once, however often it is published.
    strandline::publish_options with;
    with.type = "placed";
    with.key = "alice";
    with.idempotency_key = "order 42";
    auto const first = co_await producer.async_publish("orders", order{"42", 9.5}, with);
    auto const again = co_await producer.async_publish("orders", order{"42", 9.5}, with);
    std::cout << "published twice, stored " << (first == again ? "once" : "twice") << '\n';

    // A batch: all are sent together, or not at all when one cannot be encoded.
    auto batch = producer.batch();
    for (auto const* const id : {"43", "44", "45"})
        batch.add("orders", order{id, 1});
    batch.add("mails", "thank you");
    auto const ids = co_await batch.async_flush(strandline::flush_mode::atomic);
    std::cout << "stored " << ids.size() << " events in one step\n";

    // Delayed events wait in the engine, and can be cancelled until they are due.
    strandline::delayed_events delayed{broker};
    auto const reminder = co_await producer.async_publish_after("mails", 24h, "how was it?");
    auto const soon = co_await producer.async_publish_after("mails", 50ms, "it is on its way");
    std::cout << co_await delayed.async_count("mails") << " events wait\n";
    if (co_await delayed.async_cancel("mails", reminder))
        std::cout << "cancelled one\n";

    // Who reads a stream moves its delayed events when they are due.
    strandline::consumer_options consuming;
    consuming.group = "post office";
    strandline::consumer consumer{broker, consuming};
    consumer.on<std::string>(
        "mails",
        [&](std::string const& text, strandline::delivery const& mail) -> asio::awaitable<void> {
            std::cout << "mail: " << text << '\n';
            if (text == "it is on its way") {
                // An id begins with the time at which the event got into its stream.
                std::cout << "it came " << (mail.id().ms >= soon.ms ? "in time" : "early") << '\n';
                consumer.stop();
            }
            co_return;
        }
    );
    co_await consumer.async_run();
}

int main(int argc, char** argv)
try {
    asio::io_context context;
    auto broker = strandline::open(context.get_executor(), argc > 1 ? argv[1] : "memory:");
    asio::co_spawn(context, publish(std::move(broker)), [](std::exception_ptr thrown) {
        if (thrown)
            std::rethrow_exception(thrown);
    });
    context.run();
}
catch (std::exception const& thrown) {
    std::cerr << thrown.what() << '\n';
    return 1;
}
