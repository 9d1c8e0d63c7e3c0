// The engine in this process where it differs from a server: its clock comes from outside.

#include "contract/bed.hpp"
#include "support/run.hpp"

#include <strandline/memory.hpp>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct clock_of_a_test
{
    std::chrono::system_clock::time_point now{std::chrono::seconds(1'000'000)};
};

void check_with(clock_of_a_test& clock, std::function<asio::awaitable<void>(bed&)> body)
{
    asio::io_context context(1);
    auto const of = std::make_shared<bed>(make_memory_broker(context.get_executor(), {.now = [&clock] {
                                                                 return clock.now;
                                                             }}));
    auto const executor = of->broker->get_executor();
    run(context, executor, [of, &body]() -> asio::awaitable<void> {
        co_await body(*of);
        of->broker.reset();
    });
}

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

} // namespace

BOOST_AUTO_TEST_SUITE(engine_of_memory)

BOOST_AUTO_TEST_CASE(ids_are_the_clocks_milliseconds)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        clock.now += 999us;
        BOOST_TEST((co_await of.append("orders", "x")) == (entry_id{1'000'000'000, 0}));
        BOOST_TEST((co_await of.append("users", "x")) == (entry_id{1'000'000'000, 0}));
        clock.now += 1us;
        BOOST_TEST((co_await of.append("orders", "x")) == (entry_id{1'000'000'001, 0}));
        clock.now -= 1h;
        BOOST_TEST((co_await of.append("orders", "x")) == (entry_id{1'000'000'001, 1}));
    });
}

BOOST_AUTO_TEST_CASE(leases_and_idle_times_follow_the_clock)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        clock.now += lease - 1ms;
        BOOST_TEST((co_await of.claim(bob)).entries.empty());
        BOOST_TEST((co_await of.renew(alice, ids[1])) == holding::held);
        clock.now += 1ms;
        auto const pending = co_await of.pending("orders", "g");
        BOOST_TEST((pending.at(0).idle == lease));
        BOOST_TEST((pending.at(1).idle == 1ms));
        auto const consumers = co_await of.broker->inspect_consumers("orders", "g");
        BOOST_TEST((consumers->at(0).idle == lease));
        BOOST_TEST((consumers->at(1).idle == 1ms));
        auto const taken = co_await of.claim(bob);
        BOOST_REQUIRE(taken.entries.size() == 1);
        BOOST_TEST(taken.entries[0].id == ids[0]);
    });
}

BOOST_AUTO_TEST_CASE(dead_letters_tell_the_clocks_time)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        clock.now += 1min;
        co_await of.settle(alice, ending(ids[0], settle_as::dead));
        co_await of.ensure_group("{orders}:dead", "g");
        auto const letters = co_await of.read_now("{orders}:dead", "g", "c");
        BOOST_TEST(letters.at(0).entry.header(header_names::dead_at).value_or("none") == "1000060000");
    });
}

BOOST_AUTO_TEST_CASE(hints_are_not_told_from_within_the_release)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        auto const told = std::make_shared<int>(0);
        auto const interest = of.broker->watch("orders", "g", [told] { ++*told; });
        for (auto const id : ids) {
            auto const item = co_await of.settle(alice, ending(id, settle_as::released));
            BOOST_TEST(item.state == holding::held);
            BOOST_TEST(*told == 0);
        }
        co_await of.round_trip();
        BOOST_TEST(*told == 1);
    });
}

BOOST_AUTO_TEST_CASE(names_locks_and_letters_follow_the_clock)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        auto const ids = co_await of.deliver(alice, 2);
        BOOST_TEST(!(co_await broker.join({"orders", "g", "bob", "b"}, lease, true)));
        BOOST_TEST((co_await broker.lock("lock", "a", 10s)).value() == 1U);
        co_await of.settle(alice, ending(ids[0], settle_as::dead));

        clock.now += 9999ms;
        BOOST_TEST((co_await broker.lock("lock", "b", 10s)).error() == errc::locked);
        BOOST_TEST((co_await broker.remove_idle("orders", "g", 10s)).value() == 0U);
        auto item = ending(ids[1], settle_as::dead);
        clock.now += 1ms;
        BOOST_TEST((co_await broker.lock("lock", "b", 10s)).value() == 2U);
        BOOST_TEST((co_await broker.remove_idle("orders", "g", 10s)).value() == 1U);
        BOOST_TEST(!(co_await broker.settle(alice, {&item, 1}, {.age = 10s})));
        BOOST_TEST((co_await broker.inspect_stream("{orders}:dead"))->length == 2U);
        clock.now += 1ms;
        auto const more = co_await of.deliver(alice, 1);
        item = ending(more[0], settle_as::dead);
        BOOST_TEST(!(co_await broker.settle(alice, {&item, 1}, {.age = 10s})));
        BOOST_TEST((co_await broker.inspect_stream("{orders}:dead"))->length == 2U);
    });
}

BOOST_AUTO_TEST_CASE(D1_delayed_entries_follow_the_clock)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        clock.now += 1us;
        auto const id = co_await of.append(delayed("orders", "x", 10ms));
        BOOST_TEST(id.ms == 1'000'000'011U);
        BOOST_TEST((co_await of.broker->promote_due("orders", 10))->next.value().count() == 11);
        clock.now += 10ms;
        BOOST_TEST((co_await of.promote("orders")) == 0U);
        clock.now += 999us;
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->last->ms == id.ms);
    });
}

BOOST_AUTO_TEST_CASE(I1_marks_follow_the_clock)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "0", "k", 10s));
        clock.now += 9999ms;
        BOOST_TEST((co_await of.append(once("orders", "1", "k", 10s))) == id);
        clock.now += 1ms;
        auto const second = co_await of.append(once("orders", "2", "k", 10s));
        BOOST_TEST(second != id);
        BOOST_TEST((co_await of.append(once("orders", "3", "k", 10s))) == second);
    });
}

BOOST_AUTO_TEST_CASE(limits_of_age_follow_the_clock)
{
    clock_of_a_test clock;
    check_with(clock, [&](bed& of) -> asio::awaitable<void> {
        co_await of.append("orders", "0");
        clock.now += 10s;
        auto item = plain("orders", "1");
        item.keep.age = 10s;
        co_await of.append(item);
        BOOST_TEST((co_await of.stored("orders")).size() == 2U);
        clock.now += 1ms;
        BOOST_TEST((co_await of.broker->trim("orders", {.age = 10s})).value() == 1U);
        BOOST_TEST((co_await of.stored("orders")).size() == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
