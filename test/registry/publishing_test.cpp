// A producer whose streams are on different servers.

#include "registry/two_servers.hpp"

using namespace strandline;
using namespace strandline::testing;

BOOST_AUTO_TEST_SUITE(registry_publishing)

BOOST_AUTO_TEST_CASE(each_event_goes_to_the_server_of_its_stream_and_to_no_other)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        producer to(of.known);
        co_await to.async_publish("orders", std::string("1"));
        co_await to.async_publish("mails", std::string("2"));
        co_await to.async_publish("visits", std::string("3"));
        co_await to.async_publish("mails", std::string("4"));
        BOOST_TEST((co_await of.length(of.first, "orders")) == 1u);
        BOOST_TEST((co_await of.length(of.second, "orders")) == 0u);
        BOOST_TEST((co_await of.length(of.second, "mails")) == 2u);
        BOOST_TEST((co_await of.length(of.first, "mails")) == 0u);
        BOOST_TEST((co_await of.length(of.second, "visits")) == 1u);
    });
}

BOOST_AUTO_TEST_CASE(an_event_for_an_unknown_stream_fails_and_says_which_there_are)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        producer to(of.known);
        auto const [why, id] = co_await to.async_publish("ordres", std::string("1"), asio::as_tuple);
        BOOST_TEST((why == errc::invalid_name));
        BOOST_TEST(
            why.words() ==
            "the stream \"ordres\" is not in the registry; declared are \"orders\", \"mails\", \"visits\""
        );
        BOOST_TEST((co_await of.length(of.first, "ordres")) == 0u);
        BOOST_TEST((co_await of.length(of.second, "ordres")) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(options_of_an_unknown_stream_are_refused)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        producer_options options;
        options.streams["mails"].keep.count = 1;
        producer const good(of.known, options);
        options.streams["mials"].keep.count = 1;
        BOOST_CHECK_EXCEPTION(producer(of.known, options), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_option &&
                   thrown.cause().words().starts_with("producer_options::streams: the stream \"mials\"");
        });
        co_return;
    });
}

BOOST_AUTO_TEST_CASE(options_of_a_stream_hold_on_its_server)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        producer_options options;
        options.streams["mails"].keep.count = 1;
        producer to(of.known, options);
        for (auto const* stream : {"orders", "mails", "orders", "mails"})
            co_await to.async_publish(stream, std::string("x"));
        BOOST_TEST((co_await of.length(of.first, "orders")) == 2u);
        BOOST_TEST((co_await of.length(of.second, "mails")) == 1u);
    });
}

BOOST_AUTO_TEST_CASE(a_batch_goes_to_all_servers_and_has_its_ids_in_order)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto batch = producer(of.known).batch();
        for (int i = 0; i != 50; ++i)
            for (auto const* stream : {"orders", "mails"})
                batch.add(stream, std::to_string(i));
        auto const ids = co_await batch.async_flush();
        BOOST_TEST_REQUIRE(ids.size() == 100);
        // Those of one stream rise.
        for (std::size_t i = 2; i != ids.size(); ++i)
            BOOST_TEST((ids[i - 2] < ids[i]));
        BOOST_TEST((co_await of.length(of.first, "orders")) == 50u);
        BOOST_TEST((co_await of.length(of.second, "mails")) == 50u);
        BOOST_TEST(batch.is_empty());
    });
}

BOOST_AUTO_TEST_CASE(a_batch_with_an_unknown_stream_sends_nothing)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto batch = producer(of.known).batch();
        batch.add("orders", std::string("1"));
        batch.add("ordres", std::string("2"));
        auto const [why, ids] = co_await batch.async_flush(asio::as_tuple);
        BOOST_TEST((why == errc::invalid_name));
        BOOST_TEST((co_await of.length(of.first, "orders")) == 0u);
    });
}

BOOST_AUTO_TEST_CASE(a_batch_is_all_or_none_on_one_server_only)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        auto batch = producer(of.known).batch();
        batch.add("mails", std::string("1"));
        batch.add("visits", std::string("2"));
        co_await batch.async_flush(flush_mode::atomic);
        BOOST_TEST((co_await of.length(of.second, "mails")) == 1u);

        batch.add("mails", std::string("3"));
        batch.add("orders", std::string("4"));
        auto const [why, ids] = co_await batch.async_flush(flush_mode::atomic, asio::as_tuple);
        BOOST_TEST((why == errc::invalid_option));
        BOOST_TEST((co_await of.length(of.first, "orders")) == 0u);
        BOOST_TEST((co_await of.length(of.second, "mails")) == 1u);
    });
}

BOOST_AUTO_TEST_CASE(a_closed_server_fails_its_own_events_only)
{
    check_on_two([](two_servers& of) -> asio::awaitable<void> {
        producer to(of.known);
        of.second.broker->close();
        auto const [why, id] = co_await to.async_publish("mails", std::string("1"), asio::as_tuple);
        BOOST_TEST((why == errc::closed));
        co_await to.async_publish("orders", std::string("2"));

        auto batch = to.batch();
        batch.add("orders", std::string("3"));
        batch.add("mails", std::string("4"));
        auto const [partly, ids] = co_await batch.async_flush(asio::as_tuple);
        BOOST_TEST((partly == errc::partly_stored));
        BOOST_TEST_REQUIRE(batch.outcomes().size() == 2);
        BOOST_TEST(batch.outcomes()[0].has_value());
        BOOST_TEST((batch.outcomes()[1].error() == errc::closed));
    });
}

BOOST_AUTO_TEST_SUITE_END()
