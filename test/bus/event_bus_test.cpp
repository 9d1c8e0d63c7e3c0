// The event bus: subscriptions that come and go while it runs.

#include "pipeline/stage.hpp"

#include <strandline/event_bus.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/describe.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct parcel
{
    int number = 0;
};
BOOST_DESCRIBE_STRUCT(parcel, (), (number))

std::shared_ptr<event_bus> make_bus(stage& of, consumer_options options = in_group("billing"))
{
    return std::make_shared<event_bus>(of.broker, std::move(options));
}

asio::awaitable<ending> run(std::shared_ptr<event_bus> of)
{
    auto const [why, report] = co_await of->async_run(asio::as_tuple);
    co_return ending{why, report};
}

started<ending> start(stage& of, std::shared_ptr<event_bus> bus)
{
    return {of.strand(), run(std::move(bus))};
}

asio::awaitable<ending> unsubscribe(
    std::shared_ptr<event_bus> of, std::string stream, std::chrono::milliseconds grace = default_grace
)
{
    auto const [why, report] = co_await of->async_unsubscribe(stream, grace, asio::as_tuple);
    co_return ending{why, report};
}

auto counting(std::shared_ptr<tally> handled)
{
    return [handled](delivery const&) -> asio::awaitable<void> {
        handled->add();
        co_return;
    };
}

auto passing(std::shared_ptr<gate> doors)
{
    return [doors](delivery const&) -> asio::awaitable<void> { co_await doors->pass(); };
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_bus_)

BOOST_AUTO_TEST_CASE(handles_what_it_publishes)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const handled = of.make_tally();
        std::vector<int> numbers;
        bus->subscribe<parcel>("parcels", [&](parcel const& one) -> asio::awaitable<void> {
            numbers.push_back(one.number);
            handled->add();
            co_return;
        });
        auto running = start(of, bus);
        co_await bus->async_publish("parcels", parcel{7}, {.type = "sent"});
        co_await handled->reach(1);
        bus->close();
        auto const end = co_await running.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.handled == 1);
        BOOST_TEST(numbers == std::vector{7}, boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(begins_a_subscription_that_is_made_while_it_runs)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto running = start(of, bus);
        co_await of.publish_numbers("orders", 3);
        auto const handled = of.make_tally();
        bus->subscribe("orders", counting(handled));
        co_await handled->reach(3);
        auto const later = of.make_tally();
        bus->subscribe("mails", counting(later));
        co_await of.publish_numbers("mails", 2);
        co_await later->reach(2);
        bus->close();
        BOOST_TEST((co_await running.get()).report.handled == 5);
    });
}

BOOST_AUTO_TEST_CASE(ends_a_subscription_and_leaves_the_others_alone)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const orders = of.make_tally(), mails = of.make_tally();
        bus->subscribe("orders", counting(orders));
        bus->subscribe("mails", counting(mails));
        auto running = start(of, bus);
        co_await of.publish_numbers("orders", 2);
        co_await orders->reach(2);
        auto const end = co_await unsubscribe(bus, "orders");
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.handled == 2);

        co_await of.publish_numbers("orders", 4);
        co_await of.publish_numbers("mails", 1);
        co_await mails->reach(1);
        BOOST_TEST(orders->count() == 2);

        bus->subscribe("orders", counting(orders));
        co_await orders->reach(6);
        bus->close();
        BOOST_TEST((co_await running.get()).report.handled == 7);
    });
}

BOOST_AUTO_TEST_CASE(tells_that_a_subscription_has_ended_when_its_handlers_have)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const doors = of.make_gate();
        bus->subscribe("orders", passing(doors));
        auto running = start(of, bus);
        co_await of.publish_numbers("orders", 1);
        co_await doors->arrived.reach(1);
        started<ending> leaving(of.strand(), unsubscribe(bus, "orders"));
        // While it has not ended the stream is taken.
        BOOST_CHECK_EXCEPTION(bus->subscribe("orders", passing(doors)), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
        doors->open();
        auto const end = co_await leaving.get();
        BOOST_TEST(end.report.handled == 1);
        bus->close();
        co_await running.get();
    });
}

BOOST_AUTO_TEST_CASE(cuts_off_handlers_at_the_end_of_the_grace)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const doors = of.make_gate();
        bus->subscribe("orders", passing(doors));
        auto running = start(of, bus);
        co_await of.publish_numbers("orders", 1);
        co_await doors->arrived.reach(1);
        bus->close(0ms);
        auto const end = co_await running.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.cancelled == 1);
    });
}

BOOST_AUTO_TEST_CASE(refuses_what_it_cannot_do)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto without_group = in_group("");
        BOOST_CHECK_EXCEPTION(event_bus(of.broker, without_group), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_option;
        });
        auto const bus = make_bus(of);
        auto const handled = of.make_tally();
        BOOST_CHECK_EXCEPTION(bus->subscribe("", counting(handled)), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
        bus->subscribe("orders", counting(handled));
        BOOST_CHECK_EXCEPTION(bus->subscribe("orders", counting(handled)), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
        BOOST_TEST(((co_await unsubscribe(bus, "mails")).why == errc::invalid_name));

        auto running = start(of, bus);
        BOOST_TEST(((co_await run(bus)).why == errc::already_running));
        bus->close();
        BOOST_TEST(!(co_await running.get()).why);
    });
}

BOOST_AUTO_TEST_CASE(can_run_again)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const handled = of.make_tally();
        bus->subscribe("orders", counting(handled));
        for (std::size_t round = 1; round != 4; ++round) {
            auto running = start(of, bus);
            co_await of.publish_numbers("orders", 1);
            co_await handled->reach(round);
            bus->close();
            BOOST_TEST((co_await running.get()).report.handled == 1);
        }
    });
}

BOOST_AUTO_TEST_CASE(ends_all_subscriptions_when_one_cannot_go_on)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.name = "clerk";
        auto const bus = make_bus(of, options);
        auto const orders = of.make_tally(), mails = of.make_tally();
        bus->subscribe("orders", counting(orders));
        bus->subscribe("mails", counting(mails));
        auto running = start(of, bus);
        co_await of.publish_numbers("orders", 1);
        co_await of.publish_numbers("mails", 1);
        co_await orders->reach(1);
        co_await mails->reach(1);
        // Another process takes the name; the next settlement shows it.
        BOOST_TEST(!(co_await of.broker->join({"orders", "billing", "clerk", "other"}, options.lease, true)));
        co_await of.publish_numbers("orders", 1);
        auto const end = co_await running.get();
        BOOST_TEST((end.why == errc::name_taken));
        co_await of.broker->leave({"orders", "billing", "clerk", "other"});
    });
}

BOOST_AUTO_TEST_CASE(is_closed_by_cancellation)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const bus = make_bus(of);
        auto const handled = of.make_tally();
        bus->subscribe("orders", counting(handled));
        auto const signal = std::make_shared<asio::cancellation_signal>();
        started<ending> running(of.strand(), [](auto of_bus, auto by) -> asio::awaitable<ending> {
            auto const [why, report] = co_await of_bus->async_run(
                asio::bind_cancellation_slot(by->slot(), asio::as_tuple(asio::use_awaitable))
            );
            co_return ending{why, report};
        }(bus, signal));
        co_await of.publish_numbers("orders", 1);
        co_await handled->reach(1);
        signal->emit(asio::cancellation_type::total);
        auto const end = co_await running.get();
        BOOST_TEST((end.why.code() == error_code(asio::error::operation_aborted)));
        BOOST_TEST(end.report.handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(ends_when_it_is_destroyed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto bus = make_bus(of);
        auto const doors = of.make_gate();
        bus->subscribe("orders", passing(doors));
        started<ending> running(of.strand(), [](event_bus& one) -> asio::awaitable<ending> {
            auto operation = one.async_run(asio::as_tuple);
            auto const [why, report] = co_await std::move(operation);
            co_return ending{why, report};
        }(*bus));
        co_await of.publish_numbers("orders", 1);
        co_await doors->arrived.reach(1);
        bus.reset();
        BOOST_TEST((co_await running.get()).report.cancelled == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
