// What a stream keeps.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

appending limited(std::string_view stream, std::string_view body, retention keep)
{
    auto item = plain(stream, body);
    item.keep = keep;
    return item;
}

} // namespace

BOOST_AUTO_TEST_SUITE(limits_of_a_stream)

BOOST_AUTO_TEST_CASE(are_kept_when_something_is_added)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 10);
        co_await of.append(limited("orders", "10", {.count = 4}));
        BOOST_TEST((co_await of.stored("orders")) == (texts{"7", "8", "9", "10"}), per_element());
        co_await of.append(plain("orders", "11"));
        BOOST_TEST((co_await of.stored("orders")).size() == 5U);
        co_await of.append(limited("orders", "12", {.count = 1}));
        BOOST_TEST((co_await of.stored("orders")) == texts{"12"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(hold_for_headers_and_pending_entries_too)
{
    check([](bed& of) -> asio::awaitable<void> {
        membership const alice{"orders", "g", "alice"};
        auto const ids = co_await of.deliver(alice, 3);
        std::array<header_view, 1> const headers{{{"type", "ping"}}};
        appending item;
        item.stream = "orders";
        item.entry.headers = headers;
        item.keep.count = 2;
        co_await of.append(item);
        BOOST_TEST((co_await of.take(alice, ids[0])).state == holding::gone);
        BOOST_TEST((co_await of.take(alice, ids[2])).state == holding::held);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"2", "(none)"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(of_age_leave_the_young)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        co_await of.append(limited("orders", "3", {.count = 3, .age = very_old}));
        BOOST_TEST((co_await of.stored("orders")) == (texts{"1", "2", "3"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(come_with_delayed_entries_when_they_are_due)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto item = due_at("orders", "late", 1000);
        item.keep.count = 2;
        co_await of.append(item);
        co_await of.append_numbers("orders", 5);
        BOOST_TEST((co_await of.stored("orders")).size() == 5U);
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"4", "late"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_not_kept_by_repeats)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append(once("orders", "0", "k"));
        co_await of.append_numbers("orders", 3);
        auto item = once("orders", "again", "k");
        item.keep.count = 1;
        co_await of.append(item);
        BOOST_TEST((co_await of.stored("orders")).size() == 4U);
    });
}

BOOST_AUTO_TEST_CASE(must_make_sense)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const& keep :
             {retention{.age = -1ms}, retention{.age = std::chrono::milliseconds::max()},
              retention{.count = ~std::uint64_t{0}}})
        {
            auto item = limited("orders", "0", keep);
            co_await of.broker->append({&item, 1});
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST(item.outcome.error() == errc::invalid_option);
            BOOST_TEST(item.outcome.error().words().find("retention::") == 0U);
            BOOST_TEST((co_await of.broker->trim("orders", keep)).error() == errc::invalid_option);
        }
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(trimming)

BOOST_AUTO_TEST_CASE(removes_the_oldest_and_counts_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 1000);
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 1000})).value() == 0U);
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 3})).value() == 997U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"997", "998", "999"}), per_element());
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 5, .age = very_old})).value() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(without_a_limit_removes_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        BOOST_TEST((co_await of.broker->trim("orders", {})).value() == 0U);
        BOOST_TEST((co_await of.stored("orders")).size() == 3U);
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_that_does_not_exist_creates_none)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 1, .age = 1s})).value() == 0U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_SUITE_END()
