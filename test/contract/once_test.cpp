// I1: entries with an idempotency key.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(I1_idempotent_entries)

BOOST_AUTO_TEST_CASE(are_stored_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "first", "k"));
        BOOST_TEST((co_await of.append(once("orders", "second", "k"))) == id);
        BOOST_TEST((co_await of.append(once("orders", "third", "k", 1ms))) == id);
        BOOST_TEST((co_await of.stored("orders")) == texts{"first"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(repeat_within_one_call)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const atomic : {false, true}) {
            std::string const stream = atomic ? "atomic" : "pipelined";
            std::array items{
                once(stream, "0", "a"), once(stream, "1", "b"), once(stream, "2", "a"), plain(stream, "3"),
                once(stream, "4", "b")
            };
            co_await of.broker->append(items, {.atomic = atomic});
            for (auto const& item : items)
                BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
            BOOST_TEST(*items[2].outcome == *items[0].outcome);
            BOOST_TEST(*items[4].outcome == *items[1].outcome);
            BOOST_TEST((co_await of.stored(stream)) == (texts{"0", "1", "3"}), per_element());
        }
    });
}

BOOST_AUTO_TEST_CASE(have_keys_of_their_stream_and_of_any_bytes)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string const key("a\0\r\n:{}\xff", 8);
        auto const id = co_await of.append(once("orders", "0", key));
        co_await of.append(once("users", "1", key));
        co_await of.append(once("orders", "2", "a"));
        BOOST_TEST((co_await of.append(once("orders", "3", key))) == id);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "2"}), per_element());
        BOOST_TEST((co_await of.stored("users")) == texts{"1"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_repeats_although_the_first_was_removed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "0", "k"));
        co_await of.append(plain("orders", "1"));
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 1})).value() == 1U);
        BOOST_TEST((co_await of.append(once("orders", "2", "k"))) == id);
        BOOST_TEST((co_await of.stored("orders")) == texts{"1"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(keep_their_order_among_others)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> bodies;
        for (int i = 0; i != 200; ++i)
            bodies.push_back(std::to_string(i));
        std::vector<appending> items;
        for (std::size_t i = 0; i != bodies.size(); ++i)
            items.push_back(i % 3 == 0 ? plain("orders", bodies[i]) : once("orders", bodies[i], bodies[i]));
        co_await of.broker->append(items);
        for (auto const& item : items)
            BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
        BOOST_TEST(std::ranges::is_sorted(items, {}, [](auto const& item) { return *item.outcome; }));
        BOOST_TEST((co_await of.stored("orders")) == bodies, per_element());
    });
}

BOOST_AUTO_TEST_CASE(that_are_delayed_repeat_their_delayed_id)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto item = due_at("orders", "0", 1000);
        item.once = "k";
        item.window = 1h;
        auto const id = co_await of.append(item);
        BOOST_TEST(id.ms == 1000U);
        item.due.emplace(2000ms);
        BOOST_TEST((co_await of.append(item)) == id);
        BOOST_TEST((co_await of.append(once("orders", "1", "k"))) == id);
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST((co_await of.append(item)) == id);
        BOOST_TEST((co_await of.promote("orders")) == 0U);
        BOOST_TEST((co_await of.stored("orders")) == texts{"0"}, per_element());

        item.once = "l";
        auto const cancelled = co_await of.append(item);
        BOOST_TEST((co_await of.broker->cancel_delayed("orders", cancelled)).value());
        BOOST_TEST((co_await of.append(item)) == cancelled);
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(need_a_sensible_window)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array items{
            once("orders", "0", "a", 0ms), once("orders", "1", "b", -1ms),
            once("orders", "2", "c", std::chrono::milliseconds::max()), once("orders", "3", "d", 1ms)
        };
        co_await of.broker->append(items);
        for (auto const i : {0U, 1U, 2U}) {
            BOOST_REQUIRE(items.at(i).outcome.has_error());
            BOOST_TEST(items.at(i).outcome.error() == errc::invalid_option);
            BOOST_TEST(items.at(i).outcome.error().words().find("window") != std::string::npos);
        }
        BOOST_TEST((co_await of.stored("orders")) == texts{"3"}, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()
