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

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
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

/// A consumer of the group "billing" whose handlers have a pool of four threads.
consumer_options with_pool(asio::thread_pool& pool)
{
    auto options = in_group("billing");
    options.max_concurrency = 4;
    options.worker_executor = pool.get_executor();
    return options;
}

/// Publishes bodies "0", "1", …, and waits until they are stored.
void publish_numbers(broker_ptr const& broker, std::string const& stream, int count)
{
    producer to(broker);
    std::vector<std::future<entry_id>> stored;
    for (int i = 0; i != count; ++i)
        stored.push_back(to.async_publish(stream, std::to_string(i), asio::use_future));
    for (auto& one : stored)
        get(one);
}

std::size_t length_of(broker_ptr const& broker, std::string_view stream)
{
    auto info = asio::co_spawn(broker->get_executor(), broker->inspect_stream(stream), asio::use_future);
    auto const found = get(info);
    return found ? found->length : 0;
}

/// What many threads count, and one waits for.
class countdown
{
public:
    explicit countdown(int count) : left_(count) {}

    void count()
    {
        if (--left_ == 0)
            reached_.set_value();
    }

    void wait() { get(future_); }

private:
    std::atomic<int> left_;
    std::promise<void> reached_;
    std::future<void> future_ = reached_.get_future();
};

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

BOOST_AUTO_TEST_SUITE(workers)

BOOST_AUTO_TEST_CASE(block_side_by_side_while_the_strand_goes_on)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        // Opens when all four are in at once.
        std::latch inside(5);
        std::promise<void> way_out;
        auto const exit = way_out.get_future().share();
        countdown handled(12);
        consumer billing(broker, with_pool(pool));
        billing.on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.body()->size() == 1 && *what.body() < "4") {
                inside.arrive_and_wait();
                exit.wait();
            }
            handled.count();
            co_return;
        });
        publish_numbers(broker, "orders", 12);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        inside.arrive_and_wait();
        publish_numbers(broker, "mails", 10);
        BOOST_TEST(length_of(broker, "mails") == 10);
        way_out.set_value();
        handled.wait();
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 12);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(have_a_strand_each_and_may_suspend)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        std::atomic<int> wrong = 0;
        countdown handled(200);
        consumer billing(broker, with_pool(pool));
        billing.on<std::string_view>(
            "orders",
            [&](std::string_view const& body, delivery const& what) -> asio::awaitable<void> {
                auto const own = co_await asio::this_coro::executor;
                wrong += own == broker->get_executor();
                auto number = std::stoi(std::string(body));
                for (int i = 0; i != number % 4; ++i)
                    co_await asio::post(own);
                if (number % 5 == 0) {
                    asio::steady_timer timer(own, 1ms);
                    co_await timer.async_wait();
                }
                wrong += what.body() != std::to_string(number);
                handled.count();
            }
        );
        publish_numbers(broker, "orders", 200);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        handled.wait();
        billing.stop();
        BOOST_TEST(std::get<1>(get(ended)).handled == 200);
        BOOST_TEST(wrong == 0);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(O2_handle_those_of_a_key_one_after_another)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        auto options = with_pool(pool);
        options.order = ordering::by_key;
        // Without a lock: each key's is one handler's at a time.
        std::array<std::vector<int>, 4> order;
        countdown handled(200);
        consumer billing(broker, options);
        billing.on<int>("orders", [&](int const& number, delivery const& what) -> asio::awaitable<void> {
            auto& own = order[static_cast<std::size_t>(number % 4)];
            if (number % 3 == 0)
                co_await asio::post(co_await asio::this_coro::executor);
            if (number % 25 == 7 && what.attempt() == 1)
                throw std::runtime_error("once more");
            own.push_back(number);
            handled.count();
        });
        producer to(broker);
        std::vector<std::future<entry_id>> stored;
        for (int i = 0; i != 200; ++i)
            stored.push_back(to.async_publish(
                "orders", std::to_string(i), headers{{"key", std::to_string(i % 4)}}, asio::use_future
            ));
        for (auto& one : stored)
            get(one);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        handled.wait();
        billing.stop();
        BOOST_TEST(std::get<1>(get(ended)).handled == 200);
        for (auto const& own : order) {
            BOOST_TEST(own.size() == 50);
            BOOST_TEST(std::ranges::is_sorted(own));
        }
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(T1_are_cancelled_when_their_time_is_over)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        auto options = with_pool(pool);
        options.handler_timeout = 5ms;
        options.max_attempts = 2;
        auto buried = 0; // on the broker's strand
        countdown dead(20);
        options.on_dead = [&](delivery const&, std::string_view reason, std::string_view) {
            buried += reason == "exhausted";
            dead.count();
            return dead_action::bury;
        };
        std::atomic<int> aborted = 0;
        consumer billing(broker, options);
        billing.on("orders", [&](delivery const&) -> asio::awaitable<void> {
            asio::steady_timer never(
                co_await asio::this_coro::executor, asio::steady_timer::time_point::max()
            );
            auto const end = co_await never.async_wait(asio::as_tuple);
            aborted += std::get<0>(end) == asio::error::operation_aborted;
        });
        publish_numbers(broker, "orders", 20);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        dead.wait();
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.retried == 20);
        BOOST_TEST(report.dead == 20);
        BOOST_TEST(aborted == 40);
        BOOST_TEST(buried == 20);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(throw_everything)
{
    with_threads([](broker_ptr const& broker) {
        constexpr int count = 160;
        asio::thread_pool pool(4);
        auto options = with_pool(pool);
        options.max_attempts = 3;
        std::map<std::string, int> errors; // on the broker's strand
        countdown dead(count);
        options.on_dead = [&](delivery const& what, std::string_view reason, std::string_view error) {
            ++errors[std::string(reason) + ": " + std::string(error)];
            dead.count();
            return what.id().seq % 2 == 0 ? dead_action::bury : dead_action::drop;
        };
        options.on_undecodable = [&](delivery const&, std::string_view) {
            ++errors["undecodable"];
            dead.count();
            return dead_action::bury;
        };
        stream_options own;
        std::atomic<int> asked = 0;
        own.give_up_if = [&](std::exception_ptr thrown) {
            ++asked;
            try {
                std::rethrow_exception(thrown);
            }
            catch (std::logic_error const&) {
                return true;
            }
            catch (...) {
                return false;
            }
        };
        std::atomic<int> runs = 0;
        consumer billing(broker, options);
        billing.on<int>(
            "orders",
            [&](int const& number) -> asio::awaitable<void> {
                ++runs;
                if (number % 2 == 0)
                    co_await asio::post(co_await asio::this_coro::executor);
                switch (number % 8) {
                case 0:
                case 1:
                    throw std::runtime_error("not now " + std::to_string(number % 8));
                case 2:
                case 3:
                    throw reject("never");
                case 4:
                    throw retry_after(1ms, "later");
                case 5:
                    throw std::logic_error("impossible");
                default:
                    throw number;
                }
            },
            own
        );
        producer to(broker);
        for (int i = 0; i != count - 20; ++i)
            to.async_publish("orders", std::to_string(i), asio::detached);
        for (int i = 0; i != 20; ++i)
            to.async_publish("orders", "no number", asio::detached);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        dead.wait();
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.dead + report.dropped == static_cast<std::uint64_t>(count));
        // 0 to 139: eighteen of 0 to 3 each, seventeen of 4 to 7.
        BOOST_TEST(errors["exhausted: not now 0"] == 18);
        BOOST_TEST(errors["exhausted: not now 1"] == 18);
        BOOST_TEST(errors["rejected: never"] == 36);
        BOOST_TEST(errors["exhausted: later"] == 17);
        BOOST_TEST(errors["exhausted: impossible"] == 17);
        BOOST_TEST(errors["exhausted: an exception that is no std::exception"] == 34);
        BOOST_TEST(errors["undecodable"] == 20);
        BOOST_TEST(errors.size() == 7);
        BOOST_TEST(runs == 3 * 18 * 2 + 36 + 3 * 17 + 17 + 3 * 34);
        BOOST_TEST(asked == 3 * 18 * 2 + 17 + 3 * 34);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(work_beside_batches_and_receivers)
{
    with_threads([](broker_ptr const& broker) {
        constexpr int each = 200;
        asio::thread_pool pool(4);
        auto options = with_pool(pool);
        options.max_concurrency = 16;
        countdown handled(3 * each);
        std::atomic<int> wrong = 0;
        consumer billing(broker, options);
        billing.on<int>("orders", [&](int const& number) -> asio::awaitable<void> {
            if (number % 10 == 0)
                co_await asio::post(co_await asio::this_coro::executor);
            handled.count();
        });
        billing.on_batch<int>("mails", 16, [&](std::span<batch_item<int>> all) -> asio::awaitable<void> {
            for (auto& one : all) {
                wrong += one.delivery().body() != std::to_string(one.value());
                if (one.value() % 7 == 0 && one.delivery().attempt() == 1)
                    one.retry_after(0ms, "once more");
                else
                    handled.count();
            }
            co_await asio::post(co_await asio::this_coro::executor);
        });
        billing.pull("bills");
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        std::vector<std::future<void>> receivers;
        for (int i = 0; i != 4; ++i)
            receivers.push_back(asio::co_spawn(
                asio::make_strand(pool),
                [&]() -> asio::awaitable<void> {
                    for (;;) {
                        auto [why, one] = co_await billing.async_receive(asio::as_tuple);
                        if (why) {
                            wrong += !(why == errc::not_running);
                            co_return;
                        }
                        one.extend();
                        wrong += !one.is_held();
                        auto const number = one.as<int>().value();
                        if (number % 9 == 0 && one.delivery().attempt() == 1)
                            one.retry("once more");
                        else {
                            one.ack();
                            handled.count();
                        }
                    }
                },
                asio::use_future
            ));
        for (auto const* const stream : {"orders", "mails", "bills"})
            publish_numbers(broker, stream, each);
        handled.wait();
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 3U * each);
        BOOST_TEST(report.retried == 29U + 23U);
        for (auto& one : receivers)
            get(one);
        BOOST_TEST(wrong == 0);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(have_the_grace_of_a_stop_to_return)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        std::latch inside(5);
        std::promise<void> way_out;
        auto const exit = way_out.get_future().share();
        consumer billing(broker, with_pool(pool));
        billing.on("orders", [&](delivery const&) -> asio::awaitable<void> {
            inside.arrive_and_wait();
            exit.wait();
            co_return;
        });
        publish_numbers(broker, "orders", 10);
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        inside.arrive_and_wait();
        billing.stop(1h);
        publish_numbers(broker, "mails", 1);
        way_out.set_value();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 4);
        BOOST_TEST(report.cancelled == 0);
        pool.join();
    });
}

BOOST_AUTO_TEST_CASE(that_block_beyond_the_deadline_are_left_behind)
{
    with_threads([](broker_ptr const& broker) {
        asio::thread_pool pool(4);
        std::latch inside(5);
        std::promise<void> way_out;
        auto const exit = way_out.get_future().share();
        std::atomic<int> wrong = 0;
        countdown returned(4);
        {
            consumer billing(broker, with_pool(pool));
            billing.on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                inside.arrive_and_wait();
                exit.wait();
                // What it was given is there still.
                wrong += *what.body() > "3";
                returned.count();
                co_return;
            });
            publish_numbers(broker, "orders", 4);
            auto ended = billing.async_run(asio::as_tuple(asio::use_future));
            inside.arrive_and_wait();
            billing.stop(0ms);
            auto const [why, report] = get(ended);
            BOOST_TEST(!why, why);
            BOOST_TEST(report.cancelled == 4);
            BOOST_TEST(report.stuck == 4);
            BOOST_TEST(report.handled == 0);
        }
        way_out.set_value();
        returned.wait();
        pool.join();
        // By now the strand knows, too.
        BOOST_TEST(length_of(broker, "orders") == 4);
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(of_other_threads_decide_about_what_they_receive)
{
    with_threads([](broker_ptr const& broker) {
        constexpr int each = 50;
        auto options = in_group("billing");
        options.handler_timeout = 24h;
        consumer billing(broker, options);
        billing.pull("orders");
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        publish_numbers(broker, "orders", 4 * each);
        std::atomic<int> wrong = 0;
        in_threads([&](int) {
            for (int i = 0; i != each; ++i) {
                auto next = billing.async_receive(asio::use_future);
                auto one = get(next);
                one.extend();
                wrong += !one.is_held();
                if (i % 2 == 0)
                    one.ack();
                else
                    one.reject("never");
            }
        });
        auto waiting = billing.async_receive(asio::as_tuple(asio::use_future));
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 2U * each);
        BOOST_TEST(report.dead == 2U * each);
        BOOST_TEST((std::get<0>(get(waiting)) == errc::not_running));
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(of_other_threads_cancel_their_receivers)
{
    with_threads([](broker_ptr const& broker) {
        using namespace asio::experimental::awaitable_operators;
        constexpr int count = 200;
        asio::thread_pool pool(4);
        auto options = in_group("billing");
        options.lease = 100ms;
        options.claim_interval = 10ms;
        consumer billing(broker, options);
        billing.pull("orders");
        auto ended = billing.async_run(asio::as_tuple(asio::use_future));
        std::atomic<int> received = 0;
        std::atomic<int> wrong = 0;
        auto const receive = [&]() -> asio::awaitable<void> {
            auto [why, one] = co_await billing.async_receive(asio::as_tuple);
            if (why)
                wrong += why.code() != asio::error::operation_aborted;
            else {
                one.ack();
                ++received;
            }
        };
        publish_numbers(broker, "orders", count);
        std::vector<std::future<void>> receivers;
        for (int i = 0; i != 8; ++i)
            receivers.push_back(asio::co_spawn(
                asio::make_strand(pool),
                [&, i]() -> asio::awaitable<void> {
                    asio::steady_timer timer(co_await asio::this_coro::executor);
                    for (int k = 0; received < count; ++k) {
                        timer.expires_after(std::chrono::microseconds((i * 37 + k * 11) % 300));
                        co_await (receive() || timer.async_wait(asio::as_tuple(asio::use_awaitable)));
                    }
                },
                asio::use_future
            ));
        for (auto& one : receivers)
            get(one);
        billing.stop();
        auto const [why, report] = get(ended);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == static_cast<std::uint64_t>(count));
        BOOST_TEST(wrong == 0);
        pool.join();
    });
}

BOOST_AUTO_TEST_SUITE_END()
