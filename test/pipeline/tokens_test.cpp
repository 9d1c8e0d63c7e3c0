// Publishing with completion tokens of every kind, and where handlers are called.

#include "pipeline/stage.hpp"
#include "support/run.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_disposition.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <stdexcept>
#include <thread>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// A context that a thread of its own runs.
class running_context
{
public:
    ~running_context()
    {
        work_.reset();
        // Before the context goes.
        if (thread_.joinable())
            thread_.join();
    }

    asio::io_context context{1};

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
    std::thread thread_{[this] { context.run(); }};
};

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(of_coroutines)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        entry_id const first = co_await to.async_publish("orders", "x");
        entry_id const second = co_await to.async_publish("orders", "x", asio::use_awaitable);
        auto const [third_why, third] = co_await to.async_publish("orders", "x", asio::as_tuple);
        auto const [fourth_why, fourth] =
            co_await to.async_publish("orders", "x", asio::as_tuple(asio::use_awaitable));
        BOOST_TEST((first < second && second < third && third < fourth));
        BOOST_TEST((!third_why && !fourth_why));

        failure why = errc::closed;
        entry_id const fifth = co_await to.async_publish("orders", "x", asio::redirect_disposition(why));
        BOOST_TEST(!why);
        BOOST_TEST(fourth < fifth);
        co_await to.async_publish("a}b", "x", asio::redirect_disposition(why));
        BOOST_TEST((why == errc::invalid_name));
        BOOST_TEST(!why.words().empty());

        entry_id const sixth = co_await to.async_publish("orders", "x", asio::cancel_after(1h));
        BOOST_TEST(fifth < sixth);
    });
}

BOOST_AUTO_TEST_CASE(of_coroutines_throw_the_code_and_the_words)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        try {
            co_await to.async_publish("a}b", "x");
            BOOST_TEST(false, "nothing was thrown");
        }
        catch (boost::system::system_error const& thrown) {
            BOOST_TEST((thrown.code() == errc::invalid_name));
            auto const* const ours = dynamic_cast<error const*>(&thrown);
            BOOST_REQUIRE(ours);
            BOOST_TEST(!ours->cause().words().empty());
        }
    });
}

BOOST_AUTO_TEST_CASE(that_are_callbacks_run_on_the_strand_or_where_they_want)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        auto const thread = std::this_thread::get_id();
        to.async_publish("orders", "x", [&](failure const& why, entry_id) {
            BOOST_TEST(!why);
            BOOST_TEST((std::this_thread::get_id() == thread));
            done->add();
        });
        auto const other = asio::make_strand(of.strand());
        to.async_publish("orders", "x", asio::bind_executor(other, [&](failure const& why, entry_id) {
                             BOOST_TEST(!why);
                             BOOST_TEST(other.running_in_this_thread());
                             asio::post(of.strand(), [done] { done->add(); });
                         }));
        to.async_publish("orders", "x", asio::detached);
        co_await done->reach(2);
    });
}

BOOST_AUTO_TEST_CASE(that_are_callbacks_with_a_name_are_copied)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        auto const callback = [done](failure const& why, entry_id) {
            BOOST_TEST(!why);
            done->add();
        };
        to.async_publish("orders", "x", callback);
        to.async_publish("orders", "x", callback);
        auto batch = to.batch();
        batch.add("orders", "x");
        auto const flushed = [done](failure const& why, std::vector<entry_id> const&) {
            BOOST_TEST(!why);
            done->add();
        };
        batch.async_flush(flushed);
        co_await done->reach(3);
    });
}

BOOST_AUTO_TEST_CASE(that_are_futures_wait_in_another_thread)
{
    running_context of;
    auto const broker = make_empty_broker(of.context.get_executor());
    producer to(broker);
    auto good = to.async_publish("orders", "x", asio::use_future);
    BOOST_TEST(good.get().ms != 0);
    auto bad = to.async_publish("a}b", "x", asio::use_future);
    BOOST_CHECK_EXCEPTION(bad.get(), error, [](error const& thrown) {
        return thrown.cause() == errc::invalid_name && !thrown.cause().words().empty();
    });
    auto pair = to.async_publish("a}b", "x", asio::as_tuple(asio::use_future));
    BOOST_TEST((std::get<0>(pair.get()) == errc::invalid_name));
    broker->close();
    BOOST_CHECK_EXCEPTION(
        to.async_publish("orders", "x", asio::use_future).get(), error,
        [](error const& thrown) { return thrown.cause() == errc::closed; }
    );
}

BOOST_AUTO_TEST_CASE(come_back_to_the_coroutine_s_own_executor)
{
    running_context of;
    auto broker = make_empty_broker(of.context.get_executor());
    producer to(broker);
    asio::thread_pool pool(2);
    std::vector<std::future<void>> all;
    for (int writer = 0; writer != 20; ++writer) {
        auto const own = asio::make_strand(pool);
        all.push_back(asio::co_spawn(
            own,
            [&, own]() -> asio::awaitable<void> {
                for (int i = 0; i != 20; ++i) {
                    co_await to.async_publish("orders", "x");
                    if (!own.running_in_this_thread())
                        throw std::logic_error("not on its own strand");
                }
            },
            asio::use_future
        ));
    }
    for (auto& one : all)
        BOOST_CHECK_NO_THROW(one.get());
    pool.join();
}

BOOST_AUTO_TEST_CASE(keep_their_own_context_at_work)
{
    running_context of;
    auto broker = make_empty_broker(of.context.get_executor());
    producer to(broker);
    asio::io_context own(1);
    std::size_t called = 0;
    for (int i = 0; i != 100; ++i)
        to.async_publish("orders", "x", asio::bind_executor(own, [&called](failure const& why, entry_id) {
                             called += !why;
                         }));
    // Would return at once if it had no work.
    own.run_for(guard);
    BOOST_TEST(called == 100);
    BOOST_TEST(own.stopped());
}

BOOST_AUTO_TEST_CASE(whose_handlers_throw_take_nothing_from_the_others)
{
    asio::io_context context(1);
    auto broker = make_empty_broker(context.get_executor());
    producer to(broker);
    auto called = 0;
    auto const add = [&](int i) {
        // A third is refused, a third is not in order.
        event what{"x", {}};
        if (i % 3 == 0)
            what.headers.push_back({"body", ""});
        to.async_publish(
            i % 3 == 1 ? "a}b" : "orders", std::move(what),
            [&called, i](failure const&, entry_id) {
                ++called;
                if (i % 5 == 0)
                    throw std::runtime_error("thrown by a handler");
            }
        );
    };
    for (int i = 0; i != 150; ++i)
        add(i);
    auto thrown = 0;
    while (called != 150 && thrown <= 30) {
        try {
            if (context.run_one_for(guard) == 0)
                break;
        }
        catch (std::runtime_error const&) {
            ++thrown;
        }
    }
    while (thrown != 30) {
        try {
            if (context.run_one_for(guard) == 0)
                break;
        }
        catch (std::runtime_error const&) {
            ++thrown;
        }
    }
    BOOST_TEST(called == 150);
    BOOST_TEST(thrown == 30);
    // And it goes on.
    add(2);
    while (called != 151 && context.run_one_for(guard) != 0)
        ;
    BOOST_TEST(called == 151);
    broker->close();
    context.run_for(guard);
}

BOOST_AUTO_TEST_SUITE_END()
