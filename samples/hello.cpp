// The smallest whole program: publishes one event and handles it.

#include <strandline/strandline.hpp>

#include <boost/asio.hpp>
#include <boost/describe.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;

// README.md shows the lines between the marks.
// [readme]
struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total)) // JSON comes from the description

asio::awaitable<void> serve(strandline::broker_ptr broker)
{
    strandline::producer producer{broker};
    co_await producer.async_publish("orders", order{"42", 9.5});

    strandline::consumer_options options;
    options.group = "billing";
    strandline::consumer consumer{broker, options};
    consumer.on<order>("orders", [&](order const& o) -> asio::awaitable<void> {
        std::cout << "order " << o.id << ": " << o.total << '\n';
        consumer.stop();
        co_return; // acknowledged; had it thrown, the order would be tried again, later
    });
    co_await consumer.async_run(); // until stop()
}
// [/readme]

int main(int argc, char** argv)
try {
    asio::io_context context;
    auto broker = strandline::open(context.get_executor(), argc > 1 ? argv[1] : "memory:");
    // The coroutine gets the only handle: with the last one the connections end, and so does run().
    asio::co_spawn(context, serve(std::move(broker)), [](std::exception_ptr thrown) {
        if (thrown)
            std::rethrow_exception(thrown);
    });
    context.run();
}
catch (std::exception const& thrown) {
    std::cerr << thrown.what() << '\n';
    return 1;
}
