// Events that are published together.

#include "pipeline/stage.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

constexpr auto not_a_number = std::numeric_limits<double>::quiet_NaN();

asio::awaitable<failure> flush(publish_batch& batch, flush_mode mode = flush_mode::pipelined)
{
    auto const end = co_await batch.async_flush(mode, asio::as_tuple);
    BOOST_TEST((std::get<0>(end) || !batch.count()));
    co_return std::get<0>(end);
}

} // namespace

BOOST_AUTO_TEST_SUITE(batches_of_publishes)

BOOST_AUTO_TEST_CASE(give_ids_in_the_order_in_which_events_were_added)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        BOOST_TEST(batch.is_empty());
        std::array const streams{"orders", "users", "mails"};
        for (std::size_t i = 0; i != 3'000; ++i)
            batch.add(streams[i % 3], std::to_string(i));
        BOOST_TEST(batch.count() == 3'000);
        auto const ids = co_await batch.async_flush();
        BOOST_TEST(batch.is_empty());
        BOOST_REQUIRE(ids.size() == 3'000);
        for (std::size_t s = 0; s != 3; ++s) {
            auto const all = co_await of.stored_in(streams[s]);
            BOOST_REQUIRE(all.size() == 1'000);
            for (std::size_t i = 0; i != all.size(); ++i) {
                BOOST_TEST((all[i].body == std::to_string(3 * i + s)));
                BOOST_TEST(all[i].id == ids[3 * i + s]);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(take_values_and_options_of_every_kind)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        batch.add("s", order{"42", 9.5}, {.type = "placed", .key = "alice"});
        batch.add("s", "text");
        batch.add("s", event{std::nullopt, {{"alone", "1"}}}, {.correlation_id = "c"});
        co_await batch.async_flush();
        auto const all = co_await of.stored_in("s");
        BOOST_REQUIRE(all.size() == 3);
        BOOST_TEST((all[0].body == R"({"id":"42","total":9.5E0})"));
        BOOST_TEST((all[0].headers == std::vector<header>{{"type", "placed"}, {"key", "alice"}}));
        BOOST_TEST((all[1].body == "text"));
        BOOST_TEST((all[2].headers == std::vector<header>{{"alone", "1"}, {"correlation-id", "c"}}));
    });
}

BOOST_AUTO_TEST_CASE(without_events_are_flushed_at_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        BOOST_TEST((co_await batch.async_flush()).empty());
        BOOST_TEST((co_await batch.async_flush(flush_mode::atomic)).empty());
    });
}

BOOST_AUTO_TEST_CASE(send_nothing_when_one_event_cannot_be_encoded)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        batch.add("orders", order{"1", 1});
        batch.add("orders", order{"2", not_a_number});
        batch.add("orders", order{"3", 3});
        for (auto const mode : {flush_mode::pipelined, flush_mode::atomic}) {
            auto const why = co_await flush(batch, mode);
            BOOST_TEST((why == errc::not_encodable), why);
            BOOST_TEST(why.words().find("event 1 of the batch, for \"orders\"") == 0, why);
            BOOST_TEST(why.words().find("total") != std::string_view::npos, why);
        }
        BOOST_TEST(batch.count() == 3);
        BOOST_TEST((co_await of.stored_in("orders")).empty());

        batch.clear();
        batch.add("orders", "x", {.headers = {{"dead-id", "1"}}});
        BOOST_TEST(((co_await flush(batch)) == errc::invalid_name));
        batch.clear();
        batch.add("orders", event{"x", {{"dead-id", "1"}}});
        BOOST_TEST(((co_await flush(batch)) == errc::invalid_name));
    });
}

BOOST_AUTO_TEST_CASE(say_which_events_were_stored_and_store_none_twice)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        for (auto const* stream : {"orders", "orders", "a}b", "users", "a}b", "orders"})
            batch.add(stream, "x");
        auto const why = co_await flush(batch);
        BOOST_TEST((why == errc::partly_stored), why);
        BOOST_TEST(
            why.words().find("of 6 events these were stored: 0-1, 3, 5; event 2 of the batch, for \"a}b\"") ==
                0,
            why
        );
        BOOST_TEST(batch.count() == 6);
        auto const outcomes = batch.outcomes();
        BOOST_REQUIRE(outcomes.size() == 6);
        BOOST_TEST((outcomes[2].error() == errc::invalid_name));
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 3);
        BOOST_TEST(*outcomes[5] == all[2].id);

        batch.add("users", "y");
        BOOST_TEST(((co_await flush(batch)) == errc::partly_stored));
        BOOST_TEST((co_await of.stored_in("orders")).size() == 3);
        BOOST_TEST((co_await of.stored_in("users")).size() == 2);
    });
}

BOOST_AUTO_TEST_CASE(that_are_wholly_refused_tell_the_reason)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        batch.add("a}b", "x");
        auto const why = co_await flush(batch);
        BOOST_TEST((why == errc::invalid_name), why);
        of.broker->close();
        batch.clear();
        batch.add("orders", "x");
        BOOST_TEST(((co_await flush(batch)) == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(are_stored_wholly_or_not_at_all_if_so_wanted)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto batch = to.batch();
        for (int i = 0; i != 2'000; ++i)
            batch.add(i % 2 == 0 ? "orders" : "users", std::to_string(i));
        batch.add("a}b", "x");
        auto const why = co_await flush(batch, flush_mode::atomic);
        BOOST_TEST((why == errc::invalid_name), why);
        BOOST_TEST((co_await of.stored_in("orders")).empty());
        BOOST_TEST((co_await of.stored_in("users")).empty());

        batch.clear();
        for (int i = 0; i != 2'000; ++i)
            batch.add(i % 2 == 0 ? "orders" : "users", std::to_string(i));
        BOOST_TEST((co_await batch.async_flush(flush_mode::atomic)).size() == 2'000);
        BOOST_TEST((co_await of.stored_in("orders")).size() == 1'000);

        for (std::size_t i = 0; i != most_in_transaction + 1; ++i)
            batch.add("orders", "x");
        BOOST_TEST(((co_await flush(batch, flush_mode::atomic)) == errc::invalid_option));
    });
}

BOOST_AUTO_TEST_CASE(stand_in_the_order_of_their_producers_publishes)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        auto const publish = [&](std::string body) {
            to.async_publish("orders", body, [done](failure const&, entry_id) { done->add(); });
        };
        auto batch = to.batch();
        for (int i = 100; i != 1'600; ++i)
            batch.add("orders", std::to_string(i));
        for (int i = 0; i != 100; ++i)
            publish(std::to_string(i));
        batch.async_flush([done](failure const&, std::vector<entry_id> const&) { done->add(); });
        for (int i = 1'600; i != 1'700; ++i)
            publish(std::to_string(i));
        co_await done->reach(201);
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 1'700);
        for (std::size_t i = 0; i != all.size(); ++i)
            BOOST_TEST((all[i].body == std::to_string(i)));
    });
}

BOOST_AUTO_TEST_CASE(cannot_be_changed_nor_flushed_while_they_are_flushed)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        auto batch = to.batch();
        batch.add("orders", "x");
        batch.async_flush([&, done](failure const& why, std::vector<entry_id> const& ids) {
            BOOST_TEST(!why, why);
            BOOST_TEST(ids.size() == 1);
            // Within the handler it is free again.
            batch.add("orders", "y");
            done->add();
        });
        auto const is_busy = [](error const& thrown) { return thrown.cause() == errc::already_running; };
        BOOST_CHECK_EXCEPTION(batch.add("orders", "z"), error, is_busy);
        BOOST_CHECK_EXCEPTION(batch.clear(), error, is_busy);
        BOOST_TEST(((co_await flush(batch)) == errc::already_running));
        co_await done->reach(1);
        BOOST_TEST(batch.count() == 1);
        BOOST_TEST((co_await batch.async_flush()).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(are_flushed_also_when_they_and_their_producer_are_gone)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        {
            std::optional<producer> to(of.broker);
            auto batch = to->batch();
            to.reset();
            for (int i = 0; i != 100; ++i)
                batch.add("orders", std::to_string(i));
            batch.async_flush([done](failure const& why, std::vector<entry_id> const& ids) {
                BOOST_TEST(!why, why);
                BOOST_TEST(ids.size() == 100);
                done->add();
            });
        }
        co_await done->reach(1);
        BOOST_TEST((co_await of.stored_in("orders")).size() == 100);
    });
}

BOOST_AUTO_TEST_SUITE_END()
