// A consumer whose streams are on different servers.

#include "registry/two_servers.hpp"

#include <strandline/names.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <map>
#include <memory>
#include <set>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// What ran, by stream; shared with handlers, all on one thread.
using handled_bodies = std::map<std::string, std::multiset<std::string>>;

struct fixture
{
    std::shared_ptr<handled_bodies> bodies = std::make_shared<handled_bodies>();
    std::shared_ptr<tally> handled;

    auto handler() const
    {
        return [bodies = bodies, handled = handled](delivery const& one) -> asio::awaitable<void> {
            (*bodies)[std::string(one.stream())].insert(std::string(one.body().value()));
            handled->add();
            co_return;
        };
    }
};

fixture make_fixture(two_servers& of)
{
    return {.handled = of.first.make_tally()};
}

/// A consumer with that handler for the streams on both servers.
template <class F>
std::shared_ptr<consumer>
handling_both(two_servers& of, F handler, consumer_options options = in_group("billing"))
{
    auto billing = of.make_consumer(std::move(options));
    billing->on("orders", handler);
    billing->on("mails", handler);
    return billing;
}

asio::awaitable<ending> drain(std::shared_ptr<consumer> of)
{
    auto const [why, report] = co_await of->async_drain(asio::as_tuple);
    co_return ending{why, report};
}

/// A handler that waits until the gate opens.
auto passing(std::shared_ptr<gate> doors)
{
    return [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); };
}

asio::awaitable<failure> receive_nothing(std::shared_ptr<consumer> of)
{
    auto [why, one] = co_await of->async_receive(asio::as_tuple);
    co_return why;
}

} // namespace

BOOST_AUTO_TEST_SUITE(registry_consuming)

BOOST_AUTO_TEST_CASE(handles_streams_of_both_servers_until_it_is_stopped)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const seen = make_fixture(of);
        auto const billing = handling_both(of, seen.handler());
        co_await of.publish("orders", "1");
        co_await of.publish("mails", "2");
        auto run = of.first.start(billing);
        co_await seen.handled->reach(2);
        co_await of.publish("mails", "3");
        co_await of.publish("orders", "4");
        co_await seen.handled->reach(4);
        billing->stop();
        auto const report = co_await of.first.good_end(run);
        BOOST_TEST(report.handled == 4);
        BOOST_TEST(((*seen.bodies)["orders"] == std::multiset<std::string>{"1", "4"}));
        BOOST_TEST(((*seen.bodies)["mails"] == std::multiset<std::string>{"2", "3"}));
        BOOST_TEST((co_await of.left("orders", "billing")) == 0u);
        BOOST_TEST((co_await of.left("mails", "billing")) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(runs_again_after_a_stop)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const seen = make_fixture(of);
        auto const billing = handling_both(of, seen.handler());
        for (std::size_t i = 1; i != 4; ++i) {
            auto run = of.first.start(billing);
            co_await of.publish("orders", "x");
            co_await of.publish("mails", "x");
            co_await seen.handled->reach(2 * i);
            billing->stop();
            BOOST_TEST((co_await of.first.good_end(run)).handled == 2);
        }
    });
}

BOOST_AUTO_TEST_CASE(drains_both_servers_and_reports_of_all_together)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_attempts = 2;
        auto const attempts = std::make_shared<int>(0);
        auto const billing = handling_both(
            of,
            [attempts](delivery const& one) -> asio::awaitable<void> {
                ++*attempts;
                if (one.body() == "bad")
                    throw std::runtime_error("it is bad");
                co_return;
            },
            options
        );
        for (auto const* stream : {"orders", "mails"})
            for (auto const* body : {"good", "bad", "good"})
                co_await of.publish(stream, body);
        auto const [why, report] = co_await drain(billing);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 4);
        BOOST_TEST(report.retried == 2);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(*attempts == 8);
        BOOST_TEST((co_await of.length(of.first, dead_letter_stream("orders"))) == 1u);
        BOOST_TEST((co_await of.length(of.second, dead_letter_stream("mails"))) == 1u);
    });
}

BOOST_AUTO_TEST_CASE(refuses_a_stream_that_the_registry_does_not_have)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const billing = of.make_consumer(in_group("billing"));
        auto const handler = [](delivery const&) -> asio::awaitable<void> { co_return; };
        auto const names_it = [](error const& thrown) {
            return thrown.cause() == errc::invalid_name &&
                   thrown.cause().words() == "the stream \"ordres\" is not in the registry; declared are "
                                             "\"orders\", \"mails\", \"visits\"";
        };
        BOOST_CHECK_EXCEPTION(billing->on("ordres", handler), error, names_it);
        BOOST_CHECK_EXCEPTION(billing->pull("ordres"), error, names_it);
        // Nothing is left of it.
        BOOST_TEST(((co_await of.first.start(billing).get()).why == errc::invalid_option));
    });
}

BOOST_AUTO_TEST_CASE(refuses_a_stream_that_does_not_have_its_group)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const handler = [](delivery const&) -> asio::awaitable<void> { co_return; };
        auto const shipping = of.make_consumer(in_group("shipping"));
        shipping->on("orders", handler);
        BOOST_CHECK_EXCEPTION(shipping->on("mails", handler), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name &&
                   thrown.cause().words() == "the group \"shipping\" is not declared for the stream "
                                             "\"mails\"; declared are \"billing\"";
        });
        BOOST_CHECK_THROW(of.make_consumer(in_group("billing"))->on("visits", handler), error);
        co_return;
    });
}

BOOST_AUTO_TEST_CASE(refuses_a_second_handler_of_a_stream)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const handler = [](delivery const&) -> asio::awaitable<void> { co_return; };
        auto const billing = handling_both(of, handler);
        BOOST_CHECK_THROW(billing->on("mails", handler), error);
        co_return;
    });
}

BOOST_AUTO_TEST_CASE(has_the_same_name_on_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const doors = of.first.make_gate();
        auto const billing = handling_both(of, passing(doors));
        co_await of.publish("orders", "x");
        co_await of.publish("mails", "x");
        auto run = of.first.start(billing);
        co_await doors->arrived.reach(2);
        auto const name_on = [](stage const& at, std::string stream) -> asio::awaitable<std::string> {
            auto const consumers =
                co_await asio::co_spawn(at.strand(), at.broker->inspect_consumers(stream, "billing"));
            BOOST_REQUIRE(consumers.has_value() && consumers->size() == 1);
            co_return consumers->front().name;
        };
        BOOST_TEST((co_await name_on(of.first, "orders")) == (co_await name_on(of.second, "mails")));
        doors->open();
        billing->stop();
        co_await of.first.good_end(run);
    });
}

BOOST_AUTO_TEST_CASE(has_its_limits_on_each_server_also_when_they_change)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_concurrency = 1;
        auto const doors = of.first.make_gate();
        auto const billing = handling_both(of, passing(doors), options);
        for (int i = 0; i != 3; ++i) {
            co_await of.publish("orders", "x");
            co_await of.publish("mails", "x");
        }
        auto run = of.first.start(billing);
        co_await doors->arrived.reach(2);
        // One on each. The others have been read by now, and would have come if they might.
        co_await of.first.until([&]() -> asio::awaitable<bool> {
            auto const second =
                co_await asio::co_spawn(of.second.strand(), of.second.pending("mails", "billing"));
            co_return (co_await of.first.pending("orders", "billing")).size() == 3 && second.size() == 3;
        });
        BOOST_TEST(doors->arrived.count() == 2u);
        billing->set_limits(2, 1'000);
        co_await doors->arrived.reach(4);
        doors->open();
        co_await doors->arrived.reach(6);
        billing->stop();
        BOOST_TEST((co_await of.first.good_end(run)).handled == 6);
    });
}

BOOST_AUTO_TEST_CASE(takes_limits_that_were_set_before_it_has_handlers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const billing = of.make_consumer(in_group("billing"));
        billing->set_limits(1, 1);
        auto const doors = of.first.make_gate();
        billing->on("orders", passing(doors));
        billing->on("mails", passing(doors));
        for (int i = 0; i != 2; ++i) {
            co_await of.publish("orders", "x");
            co_await of.publish("mails", "x");
        }
        auto run = of.first.start(billing);
        co_await doors->arrived.reach(2);
        BOOST_TEST((co_await of.first.pending("orders", "billing")).size() == 1u);
        doors->open();
        co_await doors->arrived.reach(4);
        billing->stop();
        co_await of.first.good_end(run);
    });
}

BOOST_AUTO_TEST_CASE(that_runs_is_not_started_again)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const seen = make_fixture(of);
        auto const billing = handling_both(of, seen.handler());
        auto run = of.first.start(billing);
        BOOST_TEST(((co_await of.first.start(billing).get()).why == errc::already_running));
        co_await of.publish("mails", "x");
        co_await seen.handled->reach(1);
        billing->stop();
        BOOST_TEST((co_await of.first.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(stops_on_the_other_server_when_it_cannot_go_on_on_one)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const billing = of.make_consumer(in_group("billing"));
        billing->pull("orders");
        billing->on("mails", passing(of.first.make_gate()));
        co_await of.publish("orders", "x");
        auto run = of.first.start(billing);
        auto one = co_await billing->async_receive();
        of.second.broker->close();
        BOOST_TEST((co_await receive_nothing(billing)) == errc::not_running);
        // It stops in good order: what was received has its time.
        BOOST_TEST(!run.has_ended());
        BOOST_TEST(one.is_held());
        one.ack();
        auto const [why, report] = co_await run.get();
        BOOST_TEST((why == errc::closed), why);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST((co_await of.left("orders", "billing")) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(is_refused_as_a_whole_when_the_lock_of_one_server_is_anothers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.exclusive = true;
        auto const lock = group_lock("mails", "billing");
        auto const taken =
            co_await asio::co_spawn(of.second.strand(), of.second.broker->lock(lock, "somebody", 1h));
        BOOST_REQUIRE_MESSAGE(taken.has_value(), taken.error());
        auto const billing = handling_both(of, passing(of.first.make_gate()), options);
        auto const [why, report] = co_await of.first.start(billing).get();
        BOOST_TEST((why == errc::locked), why);
    });
}

BOOST_AUTO_TEST_CASE(that_is_cancelled_stops_on_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const doors = of.first.make_gate();
        auto const billing = handling_both(of, passing(doors));
        co_await of.publish("orders", "x");
        co_await of.publish("mails", "x");
        asio::cancellation_signal signal;
        auto const ended = of.first.make_tally();
        ending end;
        billing->async_run(asio::bind_cancellation_slot(
            signal.slot(), asio::bind_executor(
                               of.first.strand(),
                               [&](failure why, consume_report report) {
                                   end = {why, report};
                                   ended->add();
                               }
                           )
        ));
        co_await doors->arrived.reach(2);
        signal.emit(asio::cancellation_type::terminal);
        co_await ended->reach(1);
        BOOST_TEST((end.why.code() == asio::error::operation_aborted));
        BOOST_TEST(end.report.cancelled == 2);
    });
}

BOOST_AUTO_TEST_CASE(that_is_destroyed_stops_on_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const doors = of.first.make_gate();
        auto const ended = of.first.make_tally();
        ending end;
        {
            auto const billing = handling_both(of, passing(doors));
            co_await of.publish("orders", "x");
            co_await of.publish("mails", "x");
            billing
                ->async_run(asio::bind_executor(of.first.strand(), [&](failure why, consume_report report) {
                    end = {why, report};
                    ended->add();
                }));
            co_await doors->arrived.reach(2);
        }
        co_await ended->reach(1);
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.cancelled == 2);
    });
}

BOOST_AUTO_TEST_CASE(wraps_handlers_on_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const seen = make_fixture(of);
        auto const wrapped = std::make_shared<std::multiset<std::string>>();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->wrap([wrapped](delivery const& one, consumer::next_handler next) -> asio::awaitable<void> {
            wrapped->insert(std::string(one.stream()));
            co_await next();
        });
        billing->on("orders", seen.handler());
        billing->on("mails", seen.handler());
        co_await of.publish("orders", "x");
        co_await of.publish("mails", "x");
        auto const end = co_await drain(billing);
        BOOST_TEST(end.report.handled == 2);
        BOOST_TEST((*wrapped == std::multiset<std::string>{"mails", "orders"}));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(registry_pulling)

BOOST_AUTO_TEST_CASE(gets_deliveries_of_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(in_group("billing"));
        clerk->pull("orders");
        clerk->pull("mails");
        auto run = of.first.start(clerk);
        std::multiset<std::string> streams;
        for (auto const* stream : {"orders", "mails", "mails", "orders"}) {
            co_await of.publish(stream, "x");
            auto one = co_await clerk->async_receive();
            streams.insert(std::string(one.delivery().stream()));
            one.ack();
        }
        BOOST_TEST((streams == std::multiset<std::string>{"mails", "mails", "orders", "orders"}));
        started<failure> waiting(of.first.strand(), receive_nothing(clerk));
        clerk->stop();
        BOOST_TEST((co_await of.first.good_end(run)).handled == 4);
        BOOST_TEST((co_await waiting.get()) == errc::not_running);
        BOOST_TEST((co_await receive_nothing(clerk)) == errc::not_running);
        BOOST_TEST((co_await of.left("mails", "billing")) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(goes_on_when_one_server_is_drained_before_the_other)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(in_group("billing"));
        clerk->pull("orders");
        clerk->pull("mails");
        co_await of.publish("orders", "1");
        co_await of.publish("orders", "2");
        started<ending> run(of.first.strand(), drain(clerk));
        auto one = co_await clerk->async_receive();
        // The server of the mails has nothing: its part of the run ends, and its name goes.
        co_await of.first.until([&]() -> asio::awaitable<bool> {
            auto const consumers = co_await asio::co_spawn(
                of.second.strand(), of.second.broker->inspect_consumers("mails", "billing")
            );
            co_return consumers && consumers->empty();
        });
        one.ack();
        one = co_await clerk->async_receive();
        BOOST_TEST(one.delivery().body().value() == "2");
        one.ack();
        auto const [why, report] = co_await run.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST((co_await receive_nothing(clerk)) == errc::not_running);
    });
}

BOOST_AUTO_TEST_CASE(keeps_its_time_on_the_server_of_the_delivery)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.handler_timeout = 1ms;
        options.max_attempts = 1;
        auto const clerk = of.make_consumer(options);
        clerk->pull("mails");
        clerk->pull("orders");
        co_await of.publish("mails", "x");
        auto run = of.first.start(clerk);
        auto const one = co_await clerk->async_receive();
        // Its time begins with the receiving, and ends without a decision.
        co_await of.first.until([&]() -> asio::awaitable<bool> { co_return !one.is_held(); });
        clerk->stop();
        BOOST_TEST((co_await of.first.good_end(run)).dead == 1);
    });
}

BOOST_AUTO_TEST_CASE(tells_the_status_of_both_servers_together)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const doors = of.first.make_gate();
        auto const billing = handling_both(of, passing(doors));
        auto told = co_await billing->async_status();
        BOOST_TEST(!told.running);
        co_await of.publish("orders", "a");
        co_await of.publish("mails", "b");
        auto run = of.first.start(billing);
        co_await of.first.until([&]() -> asio::awaitable<bool> {
            told = co_await billing->async_status();
            co_return told.running_handlers == 2;
        });
        BOOST_TEST(told.running);
        BOOST_TEST(told.held == 2U);
        BOOST_REQUIRE(told.streams.size() == 2U);
        BOOST_TEST(told.streams[0].name == "orders");
        BOOST_TEST(told.streams[1].name == "mails");
        for (auto const& one : told.streams) {
            BOOST_TEST(one.is_read);
            BOOST_TEST(one.since_read.has_value());
        }
        doors->open();
        co_await of.first.until([&]() -> asio::awaitable<bool> {
            told = co_await billing->async_status();
            co_return told.streams[0].since_handled&& told.streams[1].since_handled;
        });
        billing->stop();
        co_await of.first.good_end(std::move(run));
        BOOST_TEST(!(co_await billing->async_status()).running);
    });
}

BOOST_AUTO_TEST_SUITE_END()
