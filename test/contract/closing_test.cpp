// Ends: of the broker, of its last handle, of a reader.

#include "contract/bed.hpp"

#include <thread>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// Every operation of the broker says that it is closed.
asio::awaitable<void> all_are_closed(broker& closed)
{
    membership const who{"orders", "g", "c"};
    appending item{"orders", {"x", {}}, {}};
    co_await closed.append({&item, 1});
    BOOST_REQUIRE(item.outcome.has_error());
    BOOST_TEST(item.outcome.error() == errc::closed);
    BOOST_TEST((co_await closed.ensure_group("orders", "g", {})) == errc::closed);
    membership const own{"orders", "g", "c", "token"};
    BOOST_TEST((co_await closed.join(own, lease, true)) == errc::closed);
    BOOST_TEST((co_await closed.leave(own)) == errc::closed);
    BOOST_TEST((co_await closed.remove_idle("orders", "g", 0ms)).error() == errc::closed);
    BOOST_TEST((co_await closed.lock("lock", "token", lease)).error() == errc::closed);
    BOOST_TEST((co_await closed.renew_lock("lock", "token", lease)) == errc::closed);
    BOOST_TEST((co_await closed.unlock("lock", "token")) == errc::closed);
    auto const reader = closed.make_reader("g", "c");
    BOOST_TEST((co_await read(*reader, {"orders"}, 10, long_wait)).why == errc::closed);
    BOOST_TEST((co_await closed.backlog(who, {}, 10)).error() == errc::closed);
    BOOST_TEST((co_await closed.claim(who, lease, {}, 10)).error() == errc::closed);
    auto wanted = asking({1, 1});
    BOOST_TEST((co_await closed.take(who, {&wanted, 1})) == errc::closed);
    auto state = holding::held;
    BOOST_TEST((co_await closed.renew(who, {&wanted.id, 1}, {&state, 1})) == errc::closed);
    for (auto const sure : {false, true}) {
        auto done = ending({1, 1});
        done.surely_held = sure;
        BOOST_TEST((co_await closed.settle(who, {&done, 1})) == errc::closed);
    }
    BOOST_TEST((co_await closed.inspect_stream("orders")).error() == errc::closed);
    BOOST_TEST((co_await closed.inspect_groups("orders")).error() == errc::closed);
    BOOST_TEST((co_await closed.inspect_consumers("orders", "g")).error() == errc::closed);
    BOOST_TEST((co_await closed.inspect_pending("orders", "g", {}, 10)).error() == errc::closed);
}

} // namespace

BOOST_AUTO_TEST_SUITE(closing)

BOOST_AUTO_TEST_CASE(before_anything_was_done)
{
    check([](bed& of) -> asio::awaitable<void> {
        of.broker->close();
        of.broker->close();
        co_await all_are_closed(*of.broker);
    });
}

BOOST_AUTO_TEST_CASE(a_broker_that_was_never_used)
{
    check([](bed&) -> asio::awaitable<void> { co_return; });
}

BOOST_AUTO_TEST_CASE(a_broker_with_reads_that_wait)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto first = of.start(read(*reader, {"orders"}, 10, long_wait));
        auto second = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        of.broker->close();
        BOOST_TEST((co_await first.get()).why == errc::closed);
        BOOST_TEST((co_await second.get()).why == errc::closed);
        co_await all_are_closed(*of.broker);
        BOOST_TEST((co_await read(*reader, {"orders"}, 10, long_wait)).why == errc::closed);
        reader->wake();
    });
}

BOOST_AUTO_TEST_CASE(from_another_thread)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
        std::jthread const other([broker = of.broker] { broker->close(); });
        BOOST_TEST((co_await waiting.get()).why == errc::closed);
        co_await all_are_closed(*of.broker);
    });
}

BOOST_AUTO_TEST_CASE(the_last_handle_goes_while_reads_wait)
{
    for (int steps = 0; steps != 4; ++steps)
        check([=](bed& of) -> asio::awaitable<void> {
            co_await of.ensure_group("orders", "g");
            auto const reader = of.broker->make_reader("g", "c");
            auto first = of.start(read(*reader, {"orders"}, 10, long_wait));
            auto second = of.start(read(*reader, {"orders"}, 10, long_wait));
            for (int step = 0; step != steps; ++step)
                co_await of.round_trip();
            of.broker.reset();
            BOOST_TEST((co_await first.get()).why == errc::closed);
            BOOST_TEST((co_await second.get()).why == errc::closed);
        });
}

BOOST_AUTO_TEST_CASE(the_last_handle_goes_while_operations_are_under_way)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver({"orders", "g", "c"}, 1);
        // The names are literals: what starts here outlives this body where the test fails.
        auto& broker = *of.broker;
        auto backlog = of.start(broker.backlog({"orders", "g", "c"}, {}, 10));
        auto claim = of.start(broker.claim({"orders", "g", "c"}, lease, {}, 10));
        auto group = of.start(broker.ensure_group("users", "g", {}));
        auto info = of.start(broker.inspect_groups("orders"));
        of.broker.reset();
        // Whether they had been done by then is the engine's affair.
        auto const done_or_closed = [](failure const& why) { return !why || why == errc::closed; };
        auto const backlogged = co_await backlog.get();
        BOOST_TEST((backlogged.has_value() || backlogged.error() == errc::closed));
        auto const claimed = co_await claim.get();
        BOOST_TEST((claimed.has_value() || claimed.error() == errc::closed));
        auto const created = co_await group.get();
        BOOST_TEST(done_or_closed(created), created);
        auto const groups = co_await info.get();
        BOOST_TEST((groups.has_value() || groups.error() == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(a_reader_goes_while_it_waits)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto reader = of.broker->make_reader("g", "c");
        auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        reader.reset();
        BOOST_TEST((co_await waiting.get()).why == errc::closed);
        // The others go on. A server may not have noticed yet, and deliver to who is gone.
        do
            co_await of.append("orders", "x");
        while ((co_await of.read_now("orders", "g", "c")).empty());
    });
}

BOOST_AUTO_TEST_CASE(a_reader_outlives_its_broker)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        of.broker.reset();
        BOOST_TEST((co_await read(*reader, {"orders"}, 10, long_wait)).why == errc::closed);
    });
}

BOOST_AUTO_TEST_CASE(the_context_goes_while_reads_wait)
{
    std::unique_ptr<stream_reader> reader;
    {
        asio::io_context context(1);
        auto broker = make_empty_broker(context.get_executor());
        auto const body = [&]() -> asio::awaitable<void> {
            BOOST_TEST(!(co_await broker->ensure_group("orders", "g", {})));
            reader = broker->make_reader("g", "c");
            context.stop();
            (void)co_await read(*reader, {"orders"}, 10, long_wait);
            BOOST_TEST(false, "the read returned");
        };
        asio::co_spawn(broker->get_executor(), body, [](std::exception_ptr) {});
        context.run_for(10s);
        BOOST_REQUIRE(reader != nullptr);
        reader.reset();
        broker.reset();
    }
}

BOOST_AUTO_TEST_SUITE_END()
