// The end of a run that was asked to stop.

#include "pipeline/stage.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>

using namespace strandline;
using namespace strandline::testing;

namespace {

consumer_options one_at_a_time()
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.max_concurrency = 1;
    return options;
}

/// A consumer of "orders" whose handlers wait at the gate.
std::shared_ptr<consumer> make_waiting(stage const& of, std::shared_ptr<gate> doors, consumer_options options)
{
    auto made = of.make_consumer(std::move(options));
    made->on("orders", [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); });
    return made;
}

/// What another consumer can take over at once.
asio::awaitable<std::vector<pending_entry>> claim_by_another(stage& of)
{
    auto taken = co_await of.broker->claim(
        {"orders", "billing", "another"}, consumer_options().lease, entry_id::min(), 1'000
    );
    BOOST_REQUIRE_MESSAGE(taken.has_value(), taken.error());
    BOOST_TEST(taken->gone.empty());
    co_return taken->entries;
}

/// Runs a consumer until that kind of cancellation; its handler waits at the gate.
asio::awaitable<started<ending>> cancel(stage& of, std::shared_ptr<gate> doors, asio::cancellation_type type)
{
    auto const billing = make_waiting(of, doors, one_at_a_time());
    auto const signal = std::make_shared<asio::cancellation_signal>();
    started<ending> run(of.strand(), [](auto billing, auto signal) -> asio::awaitable<ending> {
        auto const end =
            co_await billing->async_run(asio::bind_cancellation_slot(signal->slot(), asio::as_tuple));
        co_return ending{std::get<0>(end), std::get<1>(end)};
    }(billing, signal));
    co_await doors->arrived.reach(1);
    signal->emit(type);
    co_return run;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stopping)

BOOST_AUTO_TEST_CASE(ends_a_read_that_waits)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        doors->open();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        auto run = of.start(billing);
        co_await of.publish("orders", "x");
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released + report.cancelled + report.stuck == 0);
    });
}

BOOST_AUTO_TEST_CASE(at_once_after_the_start_is_no_problem)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 10);
        auto const doors = of.make_gate();
        doors->open();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        auto run = of.start(billing);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled + report.released <= 10);
    });
}

BOOST_AUTO_TEST_CASE(hands_back_what_was_not_started_for_others_to_take_at_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = make_waiting(of, doors, one_at_a_time());
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 10);
        billing->stop();
        // While the handler that runs has its time.
        std::vector<pending_entry> taken;
        co_await of.until([&]() -> asio::awaitable<bool> {
            std::ranges::copy(co_await claim_by_another(of), std::back_inserter(taken));
            co_return taken.size() >= 9;
        });
        BOOST_TEST(taken.size() == 9);
        for (auto const& one : taken)
            BOOST_TEST(one.attempts == 0);
        BOOST_TEST(!run.has_ended());
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.released == 9);
        BOOST_TEST(doors->arrived.count() == 1);
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST(one.consumer == "another");
    });
}

BOOST_AUTO_TEST_CASE(lets_running_handlers_return)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(billing);
        co_await doors->arrived.reach(5);
        billing->stop();
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 5);
        BOOST_TEST(report.cancelled == 0);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(lets_them_return_however_long_it_may_take)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        co_await of.publish("orders", "x");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop(std::chrono::milliseconds::max());
        co_await claim_by_another(of);
        co_await claim_by_another(of);
        doors->open();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_failure_within_the_grace_is_handed_back_with_its_attempt)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(one_at_a_time());
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            co_await doors->pass();
            throw std::runtime_error("later");
        });
        co_await of.publish("orders", "x");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop();
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.released == 1);
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].attempts == 1);
    });
}

BOOST_AUTO_TEST_CASE(cancels_handlers_at_the_deadline_and_hands_back_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1)
                throw std::runtime_error("once");
            co_await doors->pass();
        });
        co_await of.publish_numbers("orders", 4);
        auto run = of.start(billing);
        co_await doors->arrived.reach(4);
        billing->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.cancelled == 4);
        BOOST_TEST(report.stuck == 0);
        BOOST_TEST(report.handled == 0);
        auto const taken = co_await claim_by_another(of);
        BOOST_TEST(taken.size() == 4);
        for (auto const& one : taken)
            BOOST_TEST(one.attempts == 1);
    });
}

BOOST_AUTO_TEST_CASE(decides_by_the_cancellation_however_the_handler_ends)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            try {
                co_await doors->pass();
            }
            catch (boost::system::system_error const&) {
                if (what.body() == "1")
                    throw std::runtime_error("something else");
                if (what.body() == "2")
                    throw reject("no");
            }
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(billing);
        co_await doors->arrived.reach(3);
        billing->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.cancelled == 3);
        BOOST_TEST(report.handled + report.dead + report.retried == 0);
        BOOST_TEST((co_await claim_by_another(of)).size() == 3);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_without_a_handler_that_ignores_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const returned = of.make_tally();
        auto billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [doors, returned](delivery const& what) -> asio::awaitable<void> {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await doors->pass();
            // What it was given is there still.
            BOOST_TEST((what.body() == std::string(2'000, 'x')));
            returned->add();
        });
        co_await of.publish("orders", std::string(2'000, 'x'));
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.stuck == 1);
        BOOST_TEST(report.cancelled == 1);
        BOOST_TEST(report.handled == 0);
        auto const taken = co_await claim_by_another(of);
        BOOST_REQUIRE(taken.size() == 1);
        BOOST_TEST(taken[0].attempts == 0);
        // It returns when it is nobody's any more.
        billing.reset();
        doors->open();
        co_await returned->reach(1);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(is_not_put_off_by_what_an_earlier_handler_did_to_its_cancellation)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(one_at_a_time());
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "0") {
                co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
                co_await asio::this_coro::throw_if_cancelled(false);
            }
            else
                co_await doors->pass();
        });
        co_await of.publish_numbers("orders", 2);
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.cancelled == 1);
        BOOST_TEST(report.stuck == 0);
    });
}

BOOST_AUTO_TEST_CASE(twice_is_harmless_and_the_earlier_deadline_counts)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        co_await of.publish("orders", "x");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop(1h);
        billing->stop(2h);
        co_await claim_by_another(of);
        BOOST_TEST(!run.has_ended());
        billing->stop(0ms);
        billing->stop(1h);
        BOOST_TEST((co_await of.good_end(run)).cancelled == 1);
        billing->stop();
    });
}

BOOST_AUTO_TEST_CASE(before_the_start_changes_nothing)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        doors->open();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        billing->stop();
        billing->stop(0ms);
        co_await of.publish("orders", "x");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(comes_from_any_thread)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const billing = make_waiting(of, of.make_gate(), in_group("billing"));
        auto run = of.start(billing);
        std::jthread const other([&] { billing->stop(); });
        co_await of.good_end(run);
    });
}

BOOST_AUTO_TEST_CASE(comes_from_a_handler)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const billing = of.make_consumer(one_at_a_time());
        billing->on("orders", [of = billing.get()](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "2")
                of->stop();
            co_await asio::post(co_await asio::this_coro::executor);
            co_await asio::post(co_await asio::this_coro::executor);
        });
        co_await of.publish_numbers("orders", 10);
        auto const report = co_await of.good_end(of.start(billing));
        // It is carried out behind what runs at that moment.
        BOOST_TEST(report.handled >= 3);
        BOOST_TEST(report.handled <= 5);
        BOOST_TEST(report.handled + report.released == 10);
    });
}

BOOST_AUTO_TEST_CASE(by_terminal_cancellation_cancels_the_handlers)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        co_await of.publish_numbers("orders", 2);
        auto run = co_await cancel(of, doors, asio::cancellation_type::terminal);
        auto const end = co_await run.get();
        BOOST_TEST((end.why.code() == asio::error::operation_aborted));
        BOOST_TEST(end.report.cancelled == 1);
        BOOST_TEST(end.report.released == 1);
    });
}

BOOST_AUTO_TEST_CASE(by_another_cancellation_lets_them_return)
{
    for (auto const type : {asio::cancellation_type::partial, asio::cancellation_type::total})
        check([type](stage& of) -> asio::awaitable<void> {
            auto const doors = of.make_gate();
            co_await of.publish_numbers("orders", 2);
            auto run = co_await cancel(of, doors, type);
            doors->open();
            auto const end = co_await run.get();
            BOOST_TEST((end.why.code() == asio::error::operation_aborted));
            BOOST_TEST(end.report.cancelled == 0);
            BOOST_TEST(end.report.handled >= 1);
            BOOST_TEST(end.report.handled + end.report.released == 2);
        });
}

BOOST_AUTO_TEST_CASE(by_a_time_limit_of_the_run)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const billing = make_waiting(of, doors, in_group("billing"));
        co_await of.publish("orders", "x");
        auto const [why, report] = co_await billing->async_run(asio::cancel_after(50ms, asio::as_tuple));
        BOOST_TEST((why.code() == asio::error::operation_aborted));
        BOOST_TEST(report.handled == 0);
        auto const left = co_await of.broker->inspect_pending("orders", "billing", {}, 10);
        for (auto const& one : *left)
            BOOST_TEST(one.attempts == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()
