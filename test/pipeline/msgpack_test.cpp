// Bodies in MessagePack, chosen for a call or for a stream.

#include "pipeline/stage.hpp"

#include <strandline/msgpack.hpp>

#include <boost/describe.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <span>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct order
{
    std::string id;
    std::vector<std::byte> signature;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, signature))

} // namespace

BOOST_AUTO_TEST_SUITE(message_pack)

BOOST_AUTO_TEST_CASE(goes_from_a_producer_to_every_kind_of_handler)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        for (auto const* const stream : {"values", "batches", "pulled"})
            co_await to.async_publish(stream, msgpack(order{"42", {std::byte(0xFF)}}));
        co_await of.publish("values", "{}");

        auto options = in_group("billing");
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        auto const look = [&](order const& one) {
            BOOST_TEST(one.id == "42");
            BOOST_TEST((one.signature == std::vector<std::byte>{std::byte(0xFF)}));
            handled->add();
        };
        clerk->on<msgpack<order>>(
            "values",
            [&](order const& one, delivery const& what) -> asio::awaitable<void> {
                BOOST_TEST(
                    (what.body() == "\x82\xA2id\xA2"
                                    "42\xA9signature\xC4\x01\xFF")
                );
                look(one);
                co_return;
            }
        );
        clerk->on_batch<msgpack<order>>(
            "batches", 10,
            [&](std::span<batch_item<msgpack<order>>> items) -> asio::awaitable<void> {
                for (auto const& one : items)
                    look(one.value());
                co_return;
            }
        );
        clerk->pull("pulled");
        auto run = of.start(clerk);
        {
            auto received = co_await clerk->async_receive();
            look(*received.as<msgpack<order>>().value());
            received.ack();
        }
        co_await handled->reach(3);
        for (auto const* const stream : {"values", "batches", "pulled"})
            co_await of.until_pending(stream, "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
        // `{` is 123, and there is more behind it.
        auto const letters = co_await of.dead_letters("values");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(
            letters[0].header_of("dead-error") == "body cannot be decoded: expected an object, found 123"
        );
    });
}

// What BeeORM publishes and what it reads: MessagePack in the field `s`, and meta beside it.
BOOST_AUTO_TEST_CASE(stands_in_the_field_that_the_format_says)
{
    check([](stage& of) -> asio::awaitable<void> {
        header_view const stored[] = {
            {"version", "1"},
            {"s", "\x81\xA2id\xA2"
                  "42"}
        };
        std::array<appending, 1> item;
        item[0].stream = "orders";
        item[0].entry.headers = stored;
        co_await of.broker->append(item);
        BOOST_REQUIRE(item[0].outcome.has_value());

        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(in_group("billing"));
        clerk->on<msgpack<std::map<std::string, std::string>>>(
            "orders",
            [&](std::map<std::string, std::string> const& one,
                delivery const& what) -> asio::awaitable<void> {
                BOOST_TEST(one.at("id") == "42");
                BOOST_TEST((what.header("version") == "1"));
                handled->add();
                co_return;
            },
            {.format = body_in("s")}
        );
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
