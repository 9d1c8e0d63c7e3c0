// What goes with an event, and how producers treat streams.

#include "pipeline/stage.hpp"

#include <strandline/delayed_events.hpp>
#include <strandline/trim.hpp>

#include <algorithm>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

asio::awaitable<failure> outcome(producer& to, publish_options with)
{
    auto const end = co_await to.async_publish("orders", "x", std::move(with), asio::as_tuple);
    co_return std::get<0>(end);
}

} // namespace

BOOST_AUTO_TEST_SUITE(publish_options_of_events)

BOOST_AUTO_TEST_CASE(become_headers_in_a_fixed_order)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        co_await to.async_publish(
            "orders", "x",
            publish_options{
                .type = "placed",
                .key = "alice",
                .correlation_id = "req-7",
                .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                .tracestate = "vendor=1",
                .headers = {{"a", "1"}, {"a", "2"}},
                .idempotency_key = "k-1",
            }
        );
        co_await to.async_publish("orders", event{std::nullopt, {{"own", "1"}}}, {.type = "ping"});
        co_await to.async_publish("orders", "x", publish_options{});
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 3);
        std::vector<header> const expected{
            {"type", "placed"},
            {"key", "alice"},
            {"correlation-id", "req-7"},
            {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            {"tracestate", "vendor=1"},
            {"a", "1"},
            {"a", "2"},
            {"idempotency-key", "k-1"},
        };
        BOOST_TEST((all[0].headers == expected));
        BOOST_TEST(!all[1].body);
        BOOST_TEST((all[1].headers == std::vector<header>{{"own", "1"}, {"type", "ping"}}));
        BOOST_TEST(all[2].headers.empty());
    });
}

BOOST_AUTO_TEST_CASE(are_refused_when_they_make_no_sense)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        for (auto const* name : {"body", "dead-id", "idempotency-key", "for-group", ""}) {
            auto const why = co_await outcome(to, {.headers = {{name, "x"}}});
            BOOST_TEST((why == errc::invalid_name), name);
            auto const [also_why, id] =
                co_await to.async_publish("orders", event{"x", {{name, "x"}}}, {.type = "t"}, asio::as_tuple);
            BOOST_TEST((also_why == errc::invalid_name), name);
        }
        auto const refused = [&](publish_options with, std::string_view member) -> asio::awaitable<void> {
            auto const why = co_await outcome(to, std::move(with));
            BOOST_TEST((why == errc::invalid_option), why);
            BOOST_TEST(why.words().find(member) != std::string_view::npos, why);
        };
        co_await refused({.idempotency_key = "k", .idempotency_window = 0ms}, "idempotency_window");
        co_await refused({.idempotency_key = "k", .idempotency_window = 400 * 24h}, "idempotency_window");
        auto const now = std::chrono::system_clock::now();
        co_await refused({.delay = 1s, .due = now}, "delay");
        co_await refused({.delay = std::chrono::years(101)}, "delay");
        co_await refused({.due = now + std::chrono::years(101)}, "due");
        co_await refused({.key = "k", .headers = {{"key", "other"}}}, "key");
        BOOST_TEST((co_await of.stored_in("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(of_producers_are_checked_when_they_are_made)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const refused = [&](producer_options options, std::string_view member) {
            BOOST_CHECK_EXCEPTION(producer(of.broker, options), error, [&](error const& thrown) {
                return thrown.cause() == errc::invalid_option &&
                       thrown.cause().words().find(member) != std::string_view::npos;
            });
        };
        refused({.max_in_flight = 0}, "max_in_flight");
        refused({.max_in_flight = 1'000'001}, "max_in_flight");
        refused({.max_bytes_in_flight = 0}, "max_bytes_in_flight");
        refused({.timeout = 0ms}, "timeout");
        refused({.timeout = 25h}, "timeout");
        refused({.streams = {{"a}b", {}}}}, "streams");
        refused({.streams = {{"orders", {.keep = {.age = -1ms}}}}}, "keep: retention::age");
        BOOST_TEST(!validate(producer_options{}));
        co_return;
    });
}

BOOST_AUTO_TEST_CASE(with_a_key_store_an_event_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        producer other(of.broker);
        publish_options const once{.idempotency_key = "payment 7"};
        auto const first = co_await to.async_publish("orders", "1", once);
        BOOST_TEST((co_await to.async_publish("orders", "2", once)) == first);
        BOOST_TEST((co_await other.async_publish("orders", "3", once)) == first);
        auto batch = other.batch();
        batch.add("orders", "4", once);
        batch.add("orders", "5", {.idempotency_key = "payment 8"});
        batch.add("orders", "6", {.idempotency_key = "payment 8"});
        // Keys belong to a stream.
        batch.add("users", "7", once);
        auto const ids = co_await batch.async_flush();
        BOOST_TEST(ids[0] == first);
        BOOST_TEST(ids[1] == ids[2]);
        BOOST_TEST((co_await of.stored_in("orders")).size() == 2);
        BOOST_TEST((co_await of.stored_in("users")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_limit_what_it_keeps)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker, {.streams = {{"orders", {.keep = {.count = 10}}}}});
        for (int i = 0; i != 100; ++i) {
            co_await to.async_publish("orders", std::to_string(i));
            co_await to.async_publish("users", std::to_string(i));
        }
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 10);
        BOOST_TEST((all[0].body == "90"));
        BOOST_TEST((co_await of.stored_in("users")).size() == 100);
        BOOST_TEST((co_await async_trim(of.broker, "users", {.count = 30})) == 70);
        BOOST_TEST((co_await async_trim(of.broker, "nothing", {.count = 30})) == 0);
        BOOST_TEST((co_await of.stored_in("users")).size() == 30);
    });
}

BOOST_AUTO_TEST_CASE(can_delay_events_that_are_seen_and_cancelled_until_they_are_due)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        delayed_events const waiting(of.broker);
        auto const late = co_await to.async_publish_after("orders", 2h, "late", {.key = "k"});
        auto const soon = co_await to.async_publish_after("orders", 1h, "soon");
        auto const when =
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now() + 90min);
        auto const at = co_await to.async_publish_at("orders", when, "at");
        BOOST_TEST((co_await of.stored_in("orders")).empty());
        BOOST_TEST((co_await waiting.async_count("orders")) == 3);
        BOOST_TEST((co_await waiting.async_count("users")) == 0);
        auto const all = co_await waiting.async_list("orders", entry_id::min(), 10);
        BOOST_REQUIRE(all.size() == 3);
        BOOST_TEST(all[0].id == soon);
        BOOST_TEST(all[1].id == at);
        BOOST_TEST((all[1].due() == when));
        BOOST_TEST(all[2].id == late);
        BOOST_TEST((all[2].content.body == "late"));
        BOOST_TEST((all[2].content.headers == headers{{"key", "k"}}));
        BOOST_TEST((co_await waiting.async_list("orders", soon, 1)).at(0).id == at);

        BOOST_TEST((co_await waiting.async_cancel("orders", at)));
        BOOST_TEST(!(co_await waiting.async_cancel("orders", at)));
        BOOST_TEST(!(co_await waiting.async_cancel("users", soon)));
        BOOST_TEST((co_await waiting.async_count("orders")) == 2);
        BOOST_TEST(co_await waiting.async_cancel("orders", late));
        BOOST_TEST(co_await waiting.async_cancel("orders", soon));
    });
}

BOOST_AUTO_TEST_SUITE_END()
