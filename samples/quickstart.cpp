// Orders are published and charged, several at the same time. Some fail on purpose: one kind is tried again
// and succeeds, three kinds end as dead letters, which somebody else reads.
//
//     quickstart                                 streams in this process
//     quickstart --url redis://localhost:6379    streams on a server
//
// Ctrl-C ends it in good order: charges under way are finished first.

#include <strandline/names.hpp>
#include <strandline/strandline.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/describe.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

// An event is a plain struct. From its description it becomes JSON, and JSON becomes it.
struct order
{
    int number = 0;
    std::string customer;
    int cents = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (number, customer, cents))

// The work itself. It says how it went as any function does: it returns, or it throws.
struct cashier
{
    int busy = 0;
    int busiest = 0;

    asio::awaitable<void> charge(order const& what, std::uint32_t attempt)
    {
        // Stands for a request to a bank. Only this coroutine waits; other orders are charged meanwhile.
        asio::steady_timer bank(co_await asio::this_coro::executor, 20ms);
        busiest = std::max(busiest, ++busy);
        co_await bank.async_wait();
        --busy;

        if (what.cents <= 0) // will never succeed: a dead letter at once
            throw strandline::reject("there is nothing to pay");
        if (what.customer == "Mallory") // fails each time: a dead letter after the last attempt
            throw std::runtime_error("the card was declined");
        if (what.number % 7 == 0 && attempt == 1) // succeeds the second time
            throw std::runtime_error("the bank did not answer");
    }
};

struct summary
{
    int published = 0;
    int charged = 0;
    int at_once = 0;
    std::vector<std::string> dead_letters;
    strandline::consume_report billing;
};

asio::awaitable<summary> publish_and_consume(strandline::broker_ptr broker, std::string stream)
{
    summary result;

    // A publish completes when the event is stored, and gives the id of its entry.
    strandline::producer producer{broker};
    for (int number = 1; number <= 20; ++number) {
        auto const customer = number % 9 == 0 ? "Mallory" : "Alice";
        auto const cents = number == 5 ? 0 : 950 * number;
        co_await producer.async_publish(stream, order{number, customer, cents});
        ++result.published;
    }
    // Text is stored as it is. This one can be published, but no order be decoded from it.
    co_await producer.async_publish(stream, "not an order");
    ++result.published;

    strandline::consumer_options options;
    options.group = "billing";   // each group gets every event; the consumers of a group share them
    options.max_concurrency = 8; // handlers that run at the same time
    options.max_attempts = 3;    // before an event becomes a dead letter
    options.retry.first = 50ms;  // before the second attempt; twice as long before the third
    strandline::consumer billing{broker, options};

    // Dead letters are a stream like any other.
    options.group = "support";
    strandline::consumer support{broker, options};

    // Everything here runs on the broker's strand, never two handlers at the same instant: no locks.
    auto const stop = [&] {
        billing.stop();
        support.stop();
    };
    auto const stop_after_last = [&] {
        if (result.charged + std::ssize(result.dead_letters) == result.published)
            stop();
    };

    cashier till;
    billing.on<order>(
        stream,
        [&](order const& what, strandline::delivery const& delivery) -> asio::awaitable<void> {
            co_await till.charge(what, delivery.attempt());
            ++result.charged;
            stop_after_last();
        }
    );

    // A dead letter is the event as it was, with headers that say what happened.
    support.on(
        strandline::dead_letter_stream(stream),
        [&](strandline::delivery const& letter) -> asio::awaitable<void> {
            namespace names = strandline::header_names;
            auto const header = [&](std::string_view name) { return letter.header(name).value_or("?"); };
            result.dead_letters.push_back(fmt::format(
                "{}\n    {} after attempt {}: {}", letter.body().value_or(""), header(names::dead_reason),
                header(names::dead_attempts), header(names::dead_error)
            ));
            stop_after_last();
            co_return;
        }
    );

    asio::signal_set signals(broker->get_executor(), SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code cancelled, int) {
        if (!cancelled)
            stop();
    });

    // Both consume until they are stopped.
    using namespace asio::experimental::awaitable_operators;
    auto const reports =
        co_await (billing.async_run(asio::use_awaitable) && support.async_run(asio::use_awaitable));
    result.billing = std::get<0>(reports);
    result.at_once = till.busiest;
    co_return result;
}

int main(int argc, char** argv)
try {
    std::string_view url = "memory:";
    if (argc == 3 && argv[1] == std::string_view("--url"))
        url = argv[2];
    else if (argc != 1) {
        fmt::print(stderr, "usage: quickstart [--url memory:|redis://HOST:PORT]\n");
        return 2;
    }

    // A stream of its own for each run, because a server still has those of earlier runs.
    auto const stream = fmt::format("orders-{:08x}", std::random_device{}());
    auto const begin = std::chrono::steady_clock::now();

    asio::io_context context(1);
    auto broker = strandline::open(context.get_executor(), url);
    summary result;
    // The coroutine gets the only handle of the broker. With it the connections end, and so does run().
    asio::co_spawn(
        context, publish_and_consume(std::move(broker), stream),
        [&](std::exception_ptr thrown, summary done) {
            if (thrown)
                std::rethrow_exception(thrown);
            result = std::move(done);
        }
    );
    context.run();

    auto const elapsed = std::chrono::steady_clock::now() - begin;
    fmt::print("published     {:3} events to the stream {}\n", result.published, stream);
    fmt::print(
        "handled       {:3} of them, up to {} at the same time\n", result.billing.handled, result.at_once
    );
    fmt::print("retried       {:3} times\n", result.billing.retried);
    if (auto const back = result.billing.released + result.billing.cancelled)
        fmt::print("handed back   {:3}, because you stopped it\n", back);
    fmt::print("dead letters  {:3}\n", result.billing.dead);
    for (auto const& letter : result.dead_letters)
        fmt::print("  {}\n", letter);
    fmt::print(
        "elapsed       {:3} ms\n", std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count()
    );
}
catch (std::exception const& thrown) {
    fmt::print(stderr, "quickstart: {}\n", thrown.what());
    return 1;
}
