// Contexts that end in the middle of everything. The sanitizers see what would be left, or used too late.

#include "pipeline/stage.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <memory>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// How many handlers the context runs before it ends: few at each place, many in all.
template <class Body>
void at_many_moments(Body body)
{
    for (int handlers = 0; handlers < 40; ++handlers)
        body(handlers);
    for (int handlers = 40; handlers < 400; handlers += 23)
        body(handlers);
}

/// Counts how many of it there are.
class counted
{
public:
    explicit counted(int& number) : number_(&number) { ++number; }

    counted(counted const& other) noexcept : number_(other.number_) { ++*number_; }

    counted& operator=(counted const&) = delete;

    ~counted() { --*number_; }

private:
    int* number_;
};

void run_some(asio::io_context& context, int handlers)
{
    // Those that wait for a server are not waited for at length: only for the first of them.
    for (int i = 0; i != handlers; ++i)
        if (context.run_one_for(20ms) == 0)
            return;
}

} // namespace

BOOST_AUTO_TEST_SUITE(contexts)

BOOST_AUTO_TEST_CASE(end_with_publishes_at_every_stage)
{
    at_many_moments([](int handlers) {
        int left = 0;
        {
            asio::io_context context(1);
            {
                auto const broker = make_empty_broker(context.get_executor());
                producer to(broker);
                for (int i = 0; i != 700; ++i)
                    to.async_publish("orders", "x", [what = counted(left)](failure const&, entry_id) {});
                run_some(context, handlers);
                for (int i = 0; i != 5; ++i)
                    to.async_publish("orders", "x", [what = counted(left)](failure const&, entry_id) {});
            }
        }
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_CASE(end_with_coroutines_that_own_their_producer)
{
    at_many_moments([](int handlers) {
        int left = 0;
        {
            asio::io_context context(1);
            {
                auto const broker = make_empty_broker(context.get_executor());
                for (int i = 0; i != 3; ++i)
                    asio::co_spawn(
                        i == 0 ? asio::any_io_executor(asio::make_strand(context)) : broker->get_executor(),
                        [](producer to, counted) -> asio::awaitable<void> {
                            for (;;)
                                co_await to.async_publish("orders", "x");
                        }(producer(broker), counted(left)),
                        asio::detached
                    );
            }
            run_some(context, handlers);
        }
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_CASE(of_the_handlers_end_before_that_of_the_broker)
{
    at_many_moments([](int handlers) {
        int left = 0;
        asio::io_context context(1);
        auto const broker = make_empty_broker(context.get_executor());
        producer to(broker);
        {
            asio::io_context own(1);
            for (int i = 0; i != 10; ++i)
                to.async_publish(
                    "orders", "x",
                    asio::bind_executor(own, [what = counted(left)](failure const&, entry_id) {})
                );
            run_some(context, handlers);
            // Only those may be destroyed with their context that have come there.
            own.poll();
            while (left != 0 && context.run_one_for(10s) != 0)
                own.poll();
        }
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_CASE(end_with_a_consumer_at_every_stage)
{
    for (auto const waiting : {false, true})
        at_many_moments([waiting](int handlers) {
            int left = 0;
            {
                asio::io_context context(1);
                {
                    auto const broker = make_empty_broker(context.get_executor());
                    auto options = in_group("billing");
                    options.max_concurrency = 3;
                    options.max_in_flight = 10;
                    consumer billing(broker, options);
                    auto const doors = std::make_shared<gate>(broker->get_executor());
                    billing.on(
                        "orders",
                        [doors, waiting,
                         what = counted(left)](delivery const& given) -> asio::awaitable<void> {
                            counted const inside(what);
                            if (given.attempt() == 1)
                                throw reject("no");
                            if (waiting)
                                co_await doors->pass();
                        }
                    );
                    billing.async_run([what = counted(left)](failure const&, consume_report const&) {});
                    producer to(broker);
                    for (int i = 0; i != 50; ++i)
                        to.async_publish("orders", "x", [what = counted(left)](failure const&, entry_id) {});
                    run_some(context, handlers);
                }
            }
            BOOST_TEST(left == 0);
        });
}

BOOST_AUTO_TEST_CASE(end_while_a_consumer_stops)
{
    at_many_moments([](int handlers) {
        int left = 0;
        {
            asio::io_context context(1);
            {
                auto const broker = make_empty_broker(context.get_executor());
                consumer billing(broker, in_group("billing"));
                auto const doors = std::make_shared<gate>(broker->get_executor());
                billing.on("orders", [doors, what = counted(left)](delivery const&) -> asio::awaitable<void> {
                    counted const inside(what);
                    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                    co_await doors->pass();
                });
                billing.async_run([what = counted(left)](failure const&, consume_report const&) {});
                producer to(broker);
                for (int i = 0; i != 5; ++i)
                    to.async_publish("orders", "x", [what = counted(left)](failure const&, entry_id) {});
                while (doors->arrived.count() == 0)
                    BOOST_REQUIRE(context.run_one_for(10s) != 0);
                billing.stop(0ms);
                run_some(context, handlers);
            }
        }
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()
