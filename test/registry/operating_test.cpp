// What looks after streams that are on different servers.

#include "registry/two_servers.hpp"

#include <strandline/event_bus.hpp>
#include <strandline/janitor.hpp>

#include <memory>
#include <tuple>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// A group that has read and handled everything.
asio::awaitable<void> handle_all(stage const& of, std::string stream, std::string group)
{
    auto why = co_await of.broker->ensure_group(stream, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::vector<received> entries;
    std::string_view const name = stream;
    auto const reader = of.broker->make_reader(group, "clerk", read_as::acknowledged);
    why = co_await reader->read({&name, 1}, 1000, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
}

asio::awaitable<ending> run(std::shared_ptr<event_bus> of)
{
    auto const [why, report] = co_await of->async_run(asio::as_tuple);
    co_return ending{why, report};
}

} // namespace

BOOST_AUTO_TEST_SUITE(registry_operating)

BOOST_AUTO_TEST_CASE(a_janitor_cleans_the_streams_of_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "1");
        co_await of.publish("orders", "2");
        co_await of.publish("mails", "3");
        co_await handle_all(of.first, "orders", "billing");
        co_await handle_all(of.first, "orders", "shipping");
        co_await handle_all(of.second, "mails", "billing");
        auto const [why, report] = co_await janitor(of.known).async_sweep(asio::as_tuple);
        BOOST_TEST(!why, why);
        BOOST_TEST(report.collected == 3U);
        BOOST_TEST((co_await two_servers::length(of.first, "orders")) == 0U);
        BOOST_TEST((co_await two_servers::length(of.second, "mails")) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(a_bus_publishes_to_and_handles_streams_of_both_servers)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto const bus = std::make_shared<event_bus>(of.known, in_group("billing"));
        auto const handled = of.first.make_tally();
        // Told on the strand on which the test waits.
        auto const handler = [handled, strand = of.first.strand()](delivery const&) -> asio::awaitable<void> {
            asio::post(strand, [handled] { handled->add(); });
            co_return;
        };
        bus->subscribe("orders", handler);
        started<ending> running(of.first.strand(), run(bus));
        co_await bus->async_publish("orders", "1");
        co_await handled->reach(1);
        bus->subscribe("mails", handler);
        co_await bus->async_publish("mails", "2");
        co_await handled->reach(2);
        BOOST_CHECK_EXCEPTION(bus->subscribe("nowhere", handler), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
        bus->close();
        auto const end = co_await running.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.handled == 2U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
