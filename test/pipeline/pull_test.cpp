// Deliveries that a program fetches and decides about itself.

#include "pipeline/stage.hpp"
#include "support/run.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// With a short lease, because what was handed back is found by looking for it.
consumer_options named(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    options.lease = 100ms;
    options.claim_interval = 10ms;
    return options;
}

std::shared_ptr<consumer> make_puller(stage const& of, consumer_options options)
{
    auto made = of.make_consumer(std::move(options));
    made->pull("orders");
    return made;
}

asio::awaitable<pending_delivery> receive(std::shared_ptr<consumer> from)
{
    auto [why, one] = co_await from->async_receive(asio::as_tuple);
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_REQUIRE(one);
    BOOST_TEST(one.is_held());
    co_return std::move(one);
}

/// How a receiver ended that was not to get anything.
asio::awaitable<failure> receive_nothing(std::shared_ptr<consumer> from)
{
    auto const [why, one] = co_await from->async_receive(asio::as_tuple);
    BOOST_TEST(!one);
    co_return why;
}

asio::awaitable<void> until_over(stage& of, pending_delivery const& one)
{
    return of.until([&]() -> asio::awaitable<bool> { co_return !one.is_held(); });
}

static_assert(!std::is_copy_constructible_v<pending_delivery>);
static_assert(std::is_nothrow_move_constructible_v<pending_delivery>);
static_assert(std::is_nothrow_move_assignable_v<pending_delivery>);

} // namespace

BOOST_AUTO_TEST_SUITE(pulling)

BOOST_AUTO_TEST_CASE(brings_what_is_there_and_waits_for_what_comes)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        // Before it runs.
        started<pending_delivery> first(of.strand(), receive(clerk));
        co_await of.publish("orders", "0", {{"key", "k"}});
        auto run = of.start(clerk);
        auto one = co_await first.get();
        BOOST_TEST((one.delivery().body() == "0"));
        BOOST_TEST((one.delivery().key() == "k"));
        BOOST_TEST((one.delivery().stream() == "orders"));
        BOOST_TEST(one.delivery().attempt() == 1);
        one.ack();
        BOOST_TEST(!one);
        started<pending_delivery> second(of.strand(), receive(clerk));
        co_await of.publish("orders", "1");
        one = co_await second.get();
        BOOST_TEST((one.delivery().body() == "1"));
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
    });
}

BOOST_AUTO_TEST_CASE(gives_each_receiver_its_own_in_the_order_of_asking)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_concurrency = 4;
        auto const clerk = make_puller(of, options);
        clerk->pull("mails");
        std::vector<started<pending_delivery>> receivers;
        for (int i = 0; i != 10; ++i)
            receivers.emplace_back(of.strand(), receive(clerk));
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        for (int i = 0; i != 10; ++i) {
            auto one = co_await receivers[static_cast<std::size_t>(i)].get();
            BOOST_TEST((one.delivery().body() == std::to_string(i)));
            one.ack();
        }
        // Of whatever stream.
        co_await of.publish("mails", "x");
        auto one = co_await receive(clerk);
        BOOST_TEST((one.delivery().stream() == "mails"));
        one.ack();
        co_await of.until_pending("mails", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 11);
    });
}

BOOST_AUTO_TEST_CASE(no_more_are_undecided_than_handlers_may_run)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_concurrency = 2;
        auto const clerk = make_puller(of, options);
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        auto first = co_await receive(clerk);
        auto second = co_await receive(clerk);
        started<pending_delivery> third(of.strand(), receive(clerk));
        co_await of.until_pending("orders", "billing", 3);
        BOOST_TEST(!third.has_ended());
        first.ack();
        auto last = co_await third.get();
        BOOST_TEST((last.delivery().body() == "2"));
        second.ack();
        last.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(retries_and_rejects_as_a_handler_does)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.max_attempts = 3;
        auto const clerk = make_puller(of, options);
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        one.retry("once more");
        one = co_await receive(clerk);
        BOOST_TEST(one.delivery().attempt() == 2);
        one.retry_after(0ms, "and again");
        one = co_await receive(clerk);
        BOOST_TEST(one.delivery().attempt() == 3);
        one.retry("it never works");
        co_await of.until_pending("orders", "billing", 0);
        co_await of.publish("orders", "y");
        one = co_await receive(clerk);
        one.reject("unknown article");
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 2);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(report.handled == 0);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 2);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
        BOOST_TEST(letters[0].header_of("dead-error") == "it never works");
        BOOST_TEST(letters[0].header_of("dead-attempts") == "3");
        BOOST_TEST(letters[1].header_of("dead-reason") == "rejected");
        BOOST_TEST(letters[1].header_of("dead-error") == "unknown article");
    });
}

BOOST_AUTO_TEST_CASE(retries_after_the_time_that_its_receiver_says)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        auto const clerk = make_puller(of, options);
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        (co_await receive(clerk)).retry_after(1h, "tomorrow");
        // Decided before the next is offered.
        co_await of.publish("orders", "y");
        (co_await receive(clerk)).ack();
        co_await of.until_pending("orders", "billing", 1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.released == 1);
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].attempts == 1);
        BOOST_TEST((left[0].idle < options.lease / 2));
    });
}

BOOST_AUTO_TEST_CASE(decides_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        one.ack();
        one.retry("no");
        one.reject("no");
        one.release();
        one.extend();
        BOOST_TEST(!one.is_held());
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.dead + report.retried + report.released == 0);
    });
}

BOOST_AUTO_TEST_CASE(what_is_destroyed_undecided_comes_again_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        for (int i = 0; i != 3; ++i) {
            auto const one = co_await receive(clerk);
            BOOST_TEST(one.delivery().attempt() == 1);
        }
        auto one = co_await receive(clerk);
        one.release();
        one = co_await receive(clerk);
        BOOST_TEST(one.delivery().attempt() == 1);
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released == 4);
        BOOST_TEST(report.retried == 0);
    });
}

BOOST_AUTO_TEST_CASE(what_is_handed_back_may_come_to_another_consumer)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        auto const other = make_puller(of, named("other"));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        auto second = of.start(other);
        started<pending_delivery> elsewhere(of.strand(), receive(other));
        // Otherwise it may be the first to find it again.
        clerk->stop();
        one.release();
        auto same = co_await elsewhere.get();
        BOOST_TEST((same.delivery().body() == "x"));
        BOOST_TEST(same.delivery().attempt() == 1);
        BOOST_TEST((co_await of.good_end(run)).released == 1);
        same.ack();
        co_await of.until_pending("orders", "billing", 0);
        other->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(T1_what_is_undecided_for_too_long_has_failed_and_deciding_then_changes_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.handler_timeout = 20ms;
        options.max_attempts = 2;
        auto const clerk = make_puller(of, options);
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto first = co_await receive(clerk);
        co_await until_over(of, first);
        BOOST_TEST(static_cast<bool>(first));
        auto second = co_await receive(clerk);
        BOOST_TEST(second.delivery().attempt() == 2);
        // It is still there to be read.
        BOOST_TEST((first.delivery().body() == "x"));
        first.ack();
        co_await until_over(of, second);
        second.extend();
        second.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
    });
}

BOOST_AUTO_TEST_CASE(its_time_begins_with_the_receiver_and_anew_when_it_is_extended)
{
    check([](stage& of) -> asio::awaitable<void> {
        constexpr auto time = 100ms;
        auto options = named("clerk");
        options.handler_timeout = time;
        auto const clerk = make_puller(of, options);
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await of.until_pending("orders", "billing", 1);
        // Time is what this is about: it passes.
        asio::steady_timer clock(of.strand(), 2 * time);
        co_await clock.async_wait();
        // Set before the time begins, so that it ends before that does, however slow the machine is.
        clock.expires_after(time / 10);
        auto one = co_await receive(clerk);
        BOOST_TEST(one.delivery().attempt() == 1);
        for (int i = 0; i != 25; ++i) {
            co_await clock.async_wait();
            clock.expires_after(time / 10);
            one.extend();
        }
        BOOST_TEST(one.is_held());
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.retried == 0);
    });
}

BOOST_AUTO_TEST_CASE(its_lease_is_renewed_while_nothing_is_decided)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.lease = 200ms;
        auto const clerk = make_puller(of, options);
        options.name = "other";
        auto const other = of.make_consumer(options);
        other->on("orders", [](delivery const&) -> asio::awaitable<void> {
            BOOST_ERROR("it was taken over");
            co_return;
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        auto second = of.start(other);
        co_await asio::steady_timer(of.strand(), 600ms).async_wait();
        BOOST_TEST(one.is_held());
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        other->stop();
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
        co_await of.good_end(second);
    });
}

BOOST_AUTO_TEST_CASE(what_went_to_another_consumer_is_held_no_more)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.claim_interval = 24h;
        auto const clerk = make_puller(of, options);
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        auto const stolen =
            co_await of.broker->claim({"orders", "billing", "thief"}, 0ms, entry_id::min(), 10);
        BOOST_REQUIRE(stolen.has_value());
        BOOST_TEST(stolen->entries.size() == 1);
        co_await until_over(of, one);
        one.ack();
        clerk->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 1);
        BOOST_TEST(end.report.handled == 0);
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].consumer == "thief");
        BOOST_TEST(left[0].attempts == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_receiver_loses_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        auto const clerk = make_puller(of, named("clerk"));
        auto run = of.start(clerk);
        auto const end = co_await clerk->async_receive(asio::cancel_after(1ms, asio::as_tuple));
        BOOST_TEST((std::get<0>(end).code() == asio::error::operation_aborted));
        BOOST_TEST(!std::get<1>(end));

        // At every stage of the way: before it is offered, when it is on its way, when it has come.
        constexpr std::size_t count = 20;
        std::size_t received = 0;
        co_await of.publish_numbers("orders", count);
        for (int turns = 0; received != count; turns = (turns + 1) % 40) {
            auto const some_turns = [&]() -> asio::awaitable<void> {
                for (int i = 0; i != turns; ++i)
                    co_await asio::post(of.strand());
            };
            auto const one = [&]() -> asio::awaitable<void> {
                auto [why, what] = co_await clerk->async_receive(asio::as_tuple);
                if (why)
                    BOOST_TEST((why.code() == asio::error::operation_aborted));
                else {
                    BOOST_TEST(what.delivery().attempt() == 1);
                    what.ack();
                    ++received;
                }
            };
            co_await (one() || some_turns());
        }
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == count);
        BOOST_TEST(report.retried == 0);
    });
}

BOOST_AUTO_TEST_CASE(at_the_stop_what_nobody_received_is_handed_back_and_receivers_are_told)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        co_await of.until_pending("orders", "billing", 5);
        clerk->stop();
        // While the one that was received has its time.
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const left = co_await of.pending("orders", "billing");
            co_return std::ranges::count(left, 0U, &pending_info::attempts) == 4;
        });
        BOOST_TEST((co_await receive_nothing(clerk)) == errc::not_running);
        BOOST_TEST(!run.has_ended());
        BOOST_TEST(one.is_held());
        one.ack();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released == 4);
        BOOST_TEST((co_await receive_nothing(clerk)) == errc::not_running);

        // Those who wait are told at the stop, and a run that comes after it is a new one.
        auto again = of.start(clerk);
        for (int i = 0; i != 4; ++i)
            (co_await receive(clerk)).ack();
        started<failure> waiting(of.strand(), receive_nothing(clerk));
        co_await of.until_pending("orders", "billing", 0);
        BOOST_TEST(!waiting.has_ended());
        clerk->stop();
        BOOST_TEST((co_await waiting.get()) == errc::not_running);
        BOOST_TEST((co_await of.good_end(again)).handled == 4);
    });
}

BOOST_AUTO_TEST_CASE(at_the_deadline_of_a_stop_what_is_undecided_is_handed_back_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        clerk->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.cancelled == 1);
        BOOST_TEST(report.stuck == 0);
        BOOST_TEST(!one.is_held());
        one.ack();
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].attempts == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_run_that_could_not_begin_tells_its_receivers)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.exclusive = true;
        auto const clerk = make_puller(of, options);
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        auto one = co_await receive(clerk);
        options.name = "other";
        auto const other = make_puller(of, options);
        started<failure> waiting(of.strand(), receive_nothing(other));
        BOOST_TEST((co_await of.start(other).get()).why == errc::locked);
        BOOST_TEST((co_await waiting.get()) == errc::not_running);
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        co_await of.good_end(run);
    });
}

BOOST_AUTO_TEST_CASE(what_was_received_may_outlive_the_consumer)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto clerk = make_puller(of, named("clerk"));
        co_await of.publish("orders", std::string(2'000, 'x'));
        pending_delivery one;
        {
            auto run = of.start(clerk);
            one = co_await receive(clerk);
            clerk->stop(0ms);
            co_await of.good_end(run);
        }
        clerk.reset();
        BOOST_TEST(!one.is_held());
        BOOST_TEST((one.delivery().body() == std::string(2'000, 'x')));
        BOOST_TEST((one.delivery().stream() == "orders"));
        one.extend();
        one.ack();
        co_await of.until_pending("orders", "billing", 1);
    });
}

BOOST_AUTO_TEST_CASE(receivers_of_a_consumer_that_is_destroyed_are_told)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const told = of.make_tally();
        failure seen;
        {
            consumer clerk(of.broker, named("clerk"));
            clerk.pull("orders");
            clerk.async_receive([&, told](failure why, pending_delivery const& one) {
                seen = std::move(why);
                BOOST_TEST(!one);
                told->add();
            });
        }
        co_await told->reach(1);
        BOOST_TEST(seen == errc::not_running);
    });
}

BOOST_AUTO_TEST_CASE(what_was_received_moves)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        co_await of.publish_numbers("orders", 2);
        auto run = of.start(clerk);
        auto first = co_await receive(clerk);
        auto second = co_await receive(clerk);
        auto moved = std::move(first);
        BOOST_TEST(!first);
        BOOST_TEST(!first.is_held());
        BOOST_TEST((moved.delivery().body() == "0"));
        auto& itself = moved;
        moved = std::move(itself);
        BOOST_TEST(moved.is_held());
        // What it held before is handed back, and comes again.
        moved = std::move(second);
        BOOST_TEST((moved.delivery().body() == "1"));
        moved.ack();
        moved = co_await receive(clerk);
        BOOST_TEST((moved.delivery().body() == "0"));
        moved.ack();
        pending_delivery const nothing;
        BOOST_TEST(!nothing);
        BOOST_TEST(!nothing.is_held());
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.released == 1);
    });
}

BOOST_AUTO_TEST_CASE(what_was_received_is_decoded_when_asked_for)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = make_puller(of, named("clerk"));
        producer to(of.broker);
        co_await of.publish("orders", "42");
        co_await of.publish("orders", "no number");
        co_await to.async_publish("orders", event{std::nullopt, {{"type", "note"}}});
        auto run = of.start(clerk);
        auto one = co_await receive(clerk);
        BOOST_TEST(one.as<int>().value() == 42);
        BOOST_TEST(one.as<std::string>().value() == "42");
        one.ack();
        one = co_await receive(clerk);
        BOOST_TEST(one.as<int>().error() == errc::not_decodable);
        // That alone decides nothing.
        BOOST_TEST(one.is_held());
        one.reject("no number");
        one = co_await receive(clerk);
        BOOST_TEST(!one.delivery().body().has_value());
        BOOST_TEST(one.as<int>().error() == errc::not_decodable);
        one.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.dead == 1);
    });
}

BOOST_AUTO_TEST_CASE(O2_those_of_a_key_come_one_after_another)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.order = ordering::by_key;
        auto const clerk = make_puller(of, options);
        for (auto const* const body : {"a0", "a1", "b0", "a2", "b1"})
            co_await of.publish("orders", body, {{"key", std::string(1, *body)}});
        auto run = of.start(clerk);
        auto a = co_await receive(clerk);
        auto b = co_await receive(clerk);
        BOOST_TEST((a.delivery().body() == "a0"));
        BOOST_TEST((b.delivery().body() == "b0"));
        started<pending_delivery> third(of.strand(), receive(clerk));
        co_await of.until_pending("orders", "billing", 5);
        BOOST_TEST(!third.has_ended());
        a.retry("not yet");
        a = co_await third.get();
        BOOST_TEST((a.delivery().body() == "a0"));
        BOOST_TEST(a.delivery().attempt() == 2);
        a.ack();
        a = co_await receive(clerk);
        BOOST_TEST((a.delivery().body() == "a1"));
        b.ack();
        b = co_await receive(clerk);
        BOOST_TEST((b.delivery().body() == "b1"));
        b.ack();
        a.ack();
        a = co_await receive(clerk);
        BOOST_TEST((a.delivery().body() == "a2"));
        a.ack();
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 5);
    });
}

BOOST_AUTO_TEST_CASE(a_receiver_keeps_its_own_context_at_work)
{
    asio::io_context context(1);
    auto broker = make_empty_broker(context.get_executor());
    consumer clerk(broker, named("clerk"));
    clerk.pull("orders");
    asio::io_context own(1);
    auto received = false;
    clerk.async_receive(asio::bind_executor(own, [&](failure const& why, pending_delivery one) {
        BOOST_TEST(!why, why);
        BOOST_TEST(own.get_executor().running_in_this_thread());
        received = true;
        one.ack();
    }));
    auto ended = false;
    clerk.async_run([&](failure const& why, consume_report const& report) {
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 1);
        ended = true;
    });
    context.run_for(20ms);
    // It would be out of work by now.
    own.poll();
    BOOST_TEST(!own.stopped());
    producer(broker).async_publish("orders", "x", asio::detached);
    while (!received) {
        context.run_one_for(1ms);
        own.poll_one();
    }
    clerk.stop();
    while (!ended)
        context.run_one_for(1ms);
    broker->close();
    context.run_for(guard);
    BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_SUITE_END()
