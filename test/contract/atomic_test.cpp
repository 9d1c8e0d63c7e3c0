// All entries of a call, or none.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

constexpr append_mode all_or_none{.atomic = true};

} // namespace

BOOST_AUTO_TEST_SUITE(appends_in_one_step)

BOOST_AUTO_TEST_CASE(store_everything_in_order)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto limited = plain("orders", "4");
        limited.keep = {.count = 2, .age = very_old};
        std::array items{
            plain("orders", "0"), plain("users", "1"), once("orders", "2", "k"),
            delayed("orders", "3", very_old), limited
        };
        co_await of.broker->append(items, all_or_none);
        for (auto const& item : items)
            BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
        BOOST_TEST(*items[0].outcome < *items[2].outcome);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"2", "4"}), per_element());
        BOOST_TEST((co_await of.stored("users")) == texts{"1"}, per_element());
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(store_nothing_when_one_is_refused)
{
    check([](bed& of) -> asio::awaitable<void> {
        appending nothing;
        nothing.stream = "orders";
        auto both = due_at("orders", "x", 1000);
        both.delay = 1ms;
        for (auto const& wrong :
             {nothing, plain("", "x"), plain("a}b", "x"), once("orders", "x", "k", 0ms), both})
        {
            std::array items{once("orders", "0", "first"), wrong, delayed("orders", "2", 1ms)};
            co_await of.broker->append(items, all_or_none);
            for (auto const& item : items) {
                BOOST_REQUIRE(item.outcome.has_error());
                BOOST_TEST(item.outcome.error().code() == items[1].outcome.error().code());
                BOOST_TEST(item.outcome.error().words() == items[1].outcome.error().words());
            }
        }
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 0U);
        // Nor is the key marked.
        co_await of.append(once("orders", "0", "first"));
        BOOST_TEST((co_await of.stored("orders")) == texts{"0"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(of_nothing_and_of_one_are_good)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.broker->append({}, all_or_none);
        auto item = plain("orders", "0");
        co_await of.broker->append({&item, 1}, all_or_none);
        BOOST_TEST(item.outcome.has_value());
        auto second = once("orders", "1", "k");
        co_await of.broker->append({&second, 1}, all_or_none);
        BOOST_TEST(second.outcome.has_value());
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "1"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(have_a_greatest_size)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<appending> items(most_in_transaction + 1, plain("orders", "x"));
        co_await of.broker->append(items, all_or_none);
        BOOST_REQUIRE(items.back().outcome.has_error());
        BOOST_TEST(items.front().outcome.error() == errc::invalid_option);
        BOOST_TEST(items.back().outcome.error() == errc::invalid_option);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        items.pop_back();
        co_await of.broker->append(items, all_or_none);
        BOOST_REQUIRE_MESSAGE(items.back().outcome.has_value(), items.back().outcome.error());
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == most_in_transaction);
    });
}

BOOST_AUTO_TEST_SUITE_END()
