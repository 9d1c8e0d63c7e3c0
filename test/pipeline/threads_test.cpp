// Producers and consumers used from many threads at once, on a context that many threads run. The thread
// sanitizer sees what is not safe.

#include "pipeline/stage.hpp"
#include "support/redis_server.hpp"
#include "support/run.hpp"

#include <strandline/memory.hpp>
#include <strandline/redis.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// A value that another thread gives, or a failed test.
template <class T>
T get(std::future<T>& from)
{
    if (from.wait_for(guard) != std::future_status::ready) {
        // Nothing can be destroyed in order any more.
        std::fputs("a thread hangs\n", stderr);
        std::abort();
    }
    return from.get();
}

/// Runs the body on this thread, with a broker whose context four others run.
void with_threads(std::function<void(broker_ptr const&)> const& body)
{
    redis_server const server;
    redis_options options;
    options.unix_socket = server.socket();
    for (auto const in_memory : {true, false})
        BOOST_TEST_CONTEXT((in_memory ? "memory" : "redis"))
        {
            asio::thread_pool context(4);
            auto broker = in_memory ? make_memory_broker(context.get_executor())
                                    : make_redis_broker(context.get_executor(), options);
            body(broker);
            broker.reset();
            context.join();
        }
}

/// Calls the body in four threads, and waits for them. Boost.Test's checks are for this thread only.
void in_threads(std::function<void(int)> const& body)
{
    std::vector<std::jthread> threads;
    for (int i = 0; i != 4; ++i)
        threads.emplace_back(body, i);
}

} // namespace

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(publish_and_consume_at_the_same_time)
{
    with_threads([](broker_ptr const& broker) {
        constexpr int each = 400;
        constexpr int all = 4 * each + 8 * each;
        std::promise<void> all_handled;
        auto handled = 0; // on the broker's strand
        consumer billing(broker, in_group("billing"));
        billing.on<std::string>("orders", [&](std::string const& body) -> asio::awaitable<void> {
            if (body.size() % 3 == 0)
                co_await asio::post(co_await asio::this_coro::executor);
            if (++handled == all)
                all_handled.set_value();
        });
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));

        producer to(broker);
        std::atomic<int> stored = 0;
        in_threads([&](int) {
            for (int i = 0; i != each; ++i)
                to.async_publish(
                    "orders", std::string(static_cast<std::size_t>(i % 7), 'x'),
                    [&](failure const& why, entry_id) { stored += !why; }
                );
        });
        asio::thread_pool pool(2);
        std::vector<std::future<void>> writers;
        for (int i = 0; i != 8; ++i)
            writers.push_back(asio::co_spawn(
                asio::make_strand(pool),
                [&]() -> asio::awaitable<void> {
                    for (int k = 0; k != each; ++k)
                        co_await to.async_publish("orders", "body", headers{{"key", std::to_string(k)}});
                },
                asio::use_future
            ));
        for (auto& one : writers)
            get(one);
        auto future = all_handled.get_future();
        get(future);
        in_threads([&](int) { billing.stop(); });
        auto const [why, report] = get(ended);
        BOOST_TEST(!why);
        BOOST_TEST(report.handled == static_cast<std::uint64_t>(all));
        BOOST_TEST(stored == 4 * each);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(cancel_what_they_have_started)
{
    with_threads([](broker_ptr const& broker) {
        using namespace asio::experimental::awaitable_operators;
        producer to(broker);
        std::atomic<std::uint64_t> stored = 0;
        std::atomic<int> neither_stored_nor_cancelled = 0;
        auto const publish = [&]() -> asio::awaitable<void> {
            auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
            failure const& why = std::get<0>(end);
            if (!why)
                ++stored;
            else if (why.code() != asio::error::operation_aborted)
                ++neither_stored_nor_cancelled;
        };
        asio::thread_pool pool(4);
        std::vector<std::future<void>> writers;
        for (int i = 0; i != 8; ++i)
            writers.push_back(asio::co_spawn(
                asio::make_strand(pool),
                [&, i]() -> asio::awaitable<void> {
                    asio::steady_timer timer(co_await asio::this_coro::executor);
                    for (int k = 0; k != 100; ++k) {
                        timer.expires_after(std::chrono::microseconds((i * 37 + k * 11) % 200));
                        co_await (publish() || timer.async_wait(asio::as_tuple(asio::use_awaitable)));
                    }
                },
                asio::use_future
            ));
        for (auto& one : writers)
            get(one);
        pool.join();
        BOOST_TEST(neither_stored_nor_cancelled == 0);
        auto info =
            asio::co_spawn(broker->get_executor(), broker->inspect_stream("orders"), asio::use_future);
        auto const length = get(info);
        BOOST_TEST((length ? length->length : 0) == stored);
    });
}

BOOST_AUTO_TEST_CASE(work_on_what_handlers_were_given)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        std::promise<void> all_handled;
        std::atomic<int> wrong = 0;
        auto handled = 0; // on the broker's strand
        consumer billing(broker, in_group("billing"));
        billing.on<std::string_view>(
            "orders",
            [&](std::string_view const& body, delivery const& what) -> asio::awaitable<void> {
                auto const sum = co_await asio::co_spawn(
                    pool,
                    [&]() -> asio::awaitable<std::size_t> {
                        auto size = body.size();
                        for (auto const& [name, value] : what.headers())
                            size += name.size() + value.size();
                        co_return size;
                    },
                    asio::deferred
                );
                wrong += sum != 5'005;
                if (++handled == 300)
                    all_handled.set_value();
            }
        );
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        producer to(broker);
        for (int i = 0; i != 300; ++i)
            to.async_publish("orders", std::string(5'000, 'x'), headers{{"name", "v"}}, asio::detached);
        auto future = all_handled.get_future();
        get(future);
        billing.stop();
        BOOST_TEST(!std::get<0>(get(ended)));
        BOOST_TEST(wrong == 0);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(start_stop_and_destroy_consumers)
{
    with_threads([](broker_ptr const& broker) {
        producer to(broker);
        std::atomic<bool> goes_on = true;
        std::atomic<int> wrong = 0;
        std::jthread const writer([&] {
            while (goes_on) {
                auto stored = to.async_publish("orders", "x", asio::use_future);
                get(stored);
            }
        });
        in_threads([&](int thread) {
            for (int round = 0; round != 15; ++round) {
                std::promise<void> first;
                std::atomic<bool> seen = false;
                consumer billing(broker, in_group("billing" + std::to_string(thread % 2)));
                billing.on("orders", [&](delivery const&) -> asio::awaitable<void> {
                    if (!seen.exchange(true))
                        first.set_value();
                    co_return;
                });
                auto ended = billing.async_run(asio::as_tuple(asio::use_future));
                auto refused = billing.async_run(asio::as_tuple(asio::use_future));
                wrong += !(std::get<0>(get(refused)) == errc::already_running);
                auto future = first.get_future();
                get(future);
                billing.stop(0ms);
                wrong += static_cast<bool>(std::get<0>(get(ended)));
            }
        });
        goes_on = false;
        BOOST_TEST(wrong == 0);
    });
}

// A4: also those of other brokers, on other threads.
BOOST_AUTO_TEST_CASE(run_suspects_while_nothing_else_runs_in_the_process)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool other_context(1);
        asio::thread_pool pool(2);
        auto const other_broker = make_memory_broker(other_context.get_executor());
        constexpr std::size_t suspects = 5;
        constexpr std::size_t all = 3 * (suspects + 200);

        struct
        {
            std::mutex mutex;
            int running = 0;
            int suspects = 0;
            int beside = 0;
            std::size_t handled = 0;
            std::promise<void> all_handled;
        } saw;
        auto const watch = [&](delivery const& what) -> asio::awaitable<void> {
            auto const is_suspect = what.body()->starts_with("left");
            {
                std::lock_guard const lock(saw.mutex);
                saw.beside += saw.suspects != 0 || (is_suspect && saw.running != 0);
                ++saw.running;
                saw.suspects += is_suspect;
            }
            for (auto i = is_suspect ? 100 : 3; i != 0; --i)
                co_await asio::post(co_await asio::this_coro::executor);
            std::lock_guard const lock(saw.mutex);
            --saw.running;
            saw.suspects -= is_suspect;
            if (++saw.handled == all)
                saw.all_handled.set_value();
        };
        std::vector<std::unique_ptr<consumer>> consumers;
        std::vector<std::future<std::tuple<failure, consume_report>>> runs;
        for (auto const& [name, on_pool] :
             {std::pair("first", false), std::pair("second", true), std::pair("third", false)})
        {
            auto const& its = name == std::string_view("third") ? other_broker : broker;
            stage of(its);
            auto left = asio::co_spawn(
                its->get_executor(),
                [&]() -> asio::awaitable<void> {
                    co_await of.leave_behind(name, "billing", name, std::vector<std::uint32_t>(suspects, 2));
                    co_await of.publish_numbers(name, 200);
                },
                asio::use_future
            );
            get(left);
            auto options = in_group("billing");
            options.name = name;
            options.max_concurrency = 5;
            if (on_pool)
                options.worker_executor = pool.get_executor();
            consumers.push_back(std::make_unique<consumer>(its, options));
            consumers.back()->on(name, watch);
        }
        for (auto const& one : consumers)
            runs.push_back(one->async_run(asio::as_tuple(asio::use_future)));
        auto future = saw.all_handled.get_future();
        get(future);
        for (std::size_t i = 0; i != consumers.size(); ++i) {
            consumers[i]->stop();
            BOOST_TEST(!std::get<0>(get(runs[i])));
        }
        BOOST_TEST(saw.beside == 0);
        pool.join();
        other_broker->close();
        other_context.join();
    });
}

BOOST_AUTO_TEST_CASE(close_the_broker_in_the_middle)
{
    with_threads([](broker_ptr const& broker) {
        consumer billing(broker, in_group("billing"));
        std::promise<void> first;
        std::atomic<int> wrong = 0;
        auto handled = 0; // on the broker's strand
        billing.on("orders", [&](delivery const&) -> asio::awaitable<void> {
            if (++handled == 100)
                first.set_value();
            co_return;
        });
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        producer to(broker);
        auto future = first.get_future();
        std::jthread const closer([&] {
            get(future);
            broker->close();
        });
        in_threads([&](int) {
            for (;;) {
                auto outcome = to.async_publish("orders", "x", asio::as_tuple(asio::use_future));
                auto const why = std::get<0>(get(outcome));
                if (!why)
                    continue;
                wrong += !(why == errc::closed);
                return;
            }
        });
        BOOST_TEST(wrong == 0);
        BOOST_TEST((std::get<0>(get(ended)) == errc::closed));
    });
}

BOOST_AUTO_TEST_SUITE_END()
