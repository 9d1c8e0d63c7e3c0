#include "pipeline/stage.hpp"

#include <strandline/statistics.hpp>

#include <boost/asio/as_tuple.hpp>

#include <memory>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// As if it was measured at that time.
stream_statistics measured_at(std::int64_t ms)
{
    stream_statistics at;
    at.now += std::chrono::milliseconds(ms);
    return at;
}

} // namespace

BOOST_AUTO_TEST_SUITE(statistics)

BOOST_AUTO_TEST_CASE(are_of_all_streams_that_are_named)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const first = co_await of.publish("orders", "x");
        co_await of.publish("orders", "y");
        co_await of.abandon("orders", "billing", "gone");
        co_await of.publish("orders", "z");
        auto const told = co_await async_measure(of.broker, std::vector<std::string>{"orders", "nothing"});
        BOOST_REQUIRE(told.size() == 2U);
        BOOST_TEST(told[0].length == 3U);
        auto const& group = told[0].groups.at(0);
        BOOST_TEST(group.name == "billing");
        BOOST_TEST(group.lag == 1U);
        BOOST_TEST(group.pending == 2U);
        BOOST_TEST((group.lowest_pending == first));
        BOOST_TEST(group.consumers.at(0).name == "gone");
        BOOST_TEST((oldest_age(told[0]) >= 0ms));
        BOOST_TEST((lowest_pending_age(group, told[0]) == oldest_age(told[0])));
        BOOST_TEST((last_delivered_age(group, told[0]) <= oldest_age(told[0])));
        BOOST_TEST(told[1].why == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(copy_the_names_they_are_given)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish("orders", "x");
        auto names = std::make_unique<std::vector<std::string>>(1, "orders");
        auto later = async_measure(of.broker, *names);
        names.reset();
        BOOST_TEST((co_await std::move(later)).at(0).length == 1U);
    });
}

BOOST_AUTO_TEST_CASE(fail_when_the_broker_is_closed)
{
    check([](stage& of) -> asio::awaitable<void> {
        of.broker->close();
        auto const [why, told] = co_await async_measure(of.broker, {"orders"}, asio::as_tuple);
        BOOST_TEST(why == errc::closed);
        BOOST_TEST(told.empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ages)

BOOST_AUTO_TEST_CASE(are_counted_to_the_time_of_measuring)
{
    BOOST_TEST((age_of({1'000, 7}, measured_at(3'500)) == 2'500ms));
    BOOST_TEST((age_of({3'500, 0}, measured_at(3'500)) == 0ms));
}

BOOST_AUTO_TEST_CASE(are_never_below_zero)
{
    BOOST_TEST((age_of({4'000, 0}, measured_at(3'500)) == 0ms));
    BOOST_TEST((age_of(entry_id::max(), measured_at(3'500)) == 0ms));
    BOOST_TEST((age_of({1, 0}, measured_at(-5)) == 0ms));
}

BOOST_AUTO_TEST_CASE(are_missing_where_there_is_nothing_that_could_be_old)
{
    auto at = measured_at(3'500);
    group_statistics group;
    BOOST_TEST(!oldest_age(at).has_value());
    BOOST_TEST(!last_delivered_age(group, at).has_value());
    BOOST_TEST(!lowest_pending_age(group, at).has_value());
    at.first = {500, 0};
    group.last_delivered = {1'500, 0};
    group.lowest_pending = {1'000, 0};
    BOOST_TEST((oldest_age(at) == 3'000ms));
    BOOST_TEST((last_delivered_age(group, at) == 2'000ms));
    BOOST_TEST((lowest_pending_age(group, at) == 2'500ms));
}

BOOST_AUTO_TEST_SUITE_END()
