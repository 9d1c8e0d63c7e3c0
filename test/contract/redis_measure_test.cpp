// What only a server can make hard to count.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <string>
#include <string_view>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
}

asio::awaitable<std::vector<stream_statistics>> measure(bed& of, std::vector<std::string_view> streams)
{
    auto told = co_await of.broker->measure(streams);
    BOOST_REQUIRE_MESSAGE(told.has_value(), told.error());
    co_return *told;
}

/// What stands behind those words in what the server tells.
long number_in(std::string const& report, std::string const& words)
{
    auto const at = report.find(words);
    BOOST_REQUIRE(at != std::string::npos);
    return std::stol(report.substr(at + words.size()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(measuring_on_redis)

BOOST_AUTO_TEST_CASE(G2_counts_a_lag_that_the_server_cannot_tell)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const ids = co_await of.append_numbers("orders", 1'200);
        (void)co_await of.read_now("orders", "g", "alice", 2);
        BOOST_REQUIRE(command({"XDEL", "orders", ids[700].to_string()}) == "1");
        BOOST_REQUIRE(!(co_await of.broker->inspect_groups("orders"))->at(0).lag.has_value());
        auto const told = co_await measure(of, {"orders"});
        BOOST_REQUIRE(told[0].groups.size() == 1U);
        BOOST_TEST(told[0].length == 1'199U);
        BOOST_TEST(told[0].groups[0].lag == 1'197U);
        BOOST_TEST(!told[0].groups[0].lag_is_at_least);
    });
}

BOOST_AUTO_TEST_CASE(G2_counts_for_each_group_what_lies_behind_it)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 1'200);
        co_await of.ensure_group("orders", "all");
        co_await of.ensure_group("orders", "at the deleted one", {ids[700]});
        co_await of.ensure_group("orders", "before the deleted one", {ids[499]});
        co_await of.ensure_group("orders", "nothing", start_position::end());
        for (auto const& id : {ids[700], ids[1'100]})
            BOOST_REQUIRE(command({"XDEL", "orders", id.to_string()}) == "1");
        auto const told = co_await measure(of, {"orders"});
        std::vector<std::uint64_t> lags;
        for (auto const& group : told[0].groups) {
            lags.push_back(group.lag);
            BOOST_TEST(!group.lag_is_at_least);
        }
        BOOST_TEST(
            lags == (std::vector<std::uint64_t>{1'198, 498, 698, 0}), boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(G2_says_at_least_where_there_is_too_much_to_count)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const ids = co_await of.append_numbers("orders", 10'010);
        BOOST_REQUIRE(command({"XDEL", "orders", ids[5].to_string()}) == "1");
        auto const told = co_await measure(of, {"orders"});
        BOOST_REQUIRE(told[0].groups.size() == 1U);
        BOOST_TEST(told[0].groups[0].lag == 10'000U);
        BOOST_TEST(told[0].groups[0].lag_is_at_least);
    });
}

BOOST_AUTO_TEST_CASE(G2_does_not_go_through_many_large_bodies_to_count)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        std::string const body(1'000'000, 'x');
        std::vector<entry_id> ids;
        for (int i = 0; i != 30; ++i)
            ids.push_back(co_await of.append("orders", body));
        BOOST_REQUIRE(command({"XDEL", "orders", ids[20].to_string()}) == "1");
        auto const told = co_await measure(of, {"orders"});
        BOOST_REQUIRE(told[0].groups.size() == 1U);
        BOOST_TEST(told[0].groups[0].lag >= 8U);
        BOOST_TEST(told[0].groups[0].lag <= 12U);
        BOOST_TEST(told[0].groups[0].lag_is_at_least);
    });
}

BOOST_AUTO_TEST_CASE(knows_a_group_that_begins_behind_the_greatest_id)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 1);
        command({"XGROUP", "CREATE", "orders", "g", "18446744073709551615-18446744073709551615"});
        auto const told = co_await measure(of, {"orders"});
        BOOST_REQUIRE(told[0].groups.size() == 1U);
        BOOST_TEST(told[0].groups[0].last_delivered == entry_id::max());
        BOOST_TEST(told[0].groups[0].lag == 0U);
    });
}

BOOST_AUTO_TEST_CASE(tells_of_keys_of_another_type_by_themselves)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        command({"SET", "{orders}:dead", "x"});
        command({"SET", "{orders}:delayed", "x"});
        co_await of.append_numbers("orders", 2);
        auto const told = co_await measure(of, {"text", "orders"});
        BOOST_TEST(told[0].why == errc::wrong_type, told[0].why);
        BOOST_TEST(!told[1].why, told[1].why);
        BOOST_TEST(told[1].length == 2U);
        BOOST_TEST(!told[1].dead.has_value());
        BOOST_TEST(!told[1].delayed.has_value());
    });
}

BOOST_AUTO_TEST_CASE(goes_on_when_the_server_has_forgotten_the_script)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(alice, 2);
        co_await of.append_numbers("users", 3);
        for (int i = 0; i != 3; ++i) {
            command({"SCRIPT", "FLUSH"});
            auto const told = co_await measure(of, {"orders", "users", "orders"});
            BOOST_TEST(told[0].length == 2U);
            BOOST_TEST(told[1].length == 3U);
            BOOST_TEST(told[2].groups.at(0).pending == 2U);
        }
    });
}

BOOST_AUTO_TEST_CASE(takes_one_round_trip_for_many_streams)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> names;
        for (int i = 0; i != 50; ++i)
            names.push_back("s" + std::to_string(i));
        std::vector<std::string_view> const streams(names.begin(), names.end());
        (void)co_await measure(of, {"s0"});
        command({"CONFIG", "RESETSTAT"});
        auto const told = co_await measure(of, streams);
        BOOST_TEST(told.size() == 50U);
        // What the server found when it looked at its sockets: of one after the other it would be 50 at
        // least.
        BOOST_TEST(number_in(command({"INFO", "stats"}), "total_reads_processed:") < 25);
        auto const calls = command({"INFO", "commandstats"});
        BOOST_TEST((calls.find("cmdstat_evalsha:calls=50,") != std::string::npos), calls);
        BOOST_TEST((calls.find("cmdstat_eval:") == std::string::npos), calls);
    });
}

BOOST_AUTO_TEST_CASE(leaves_bodies_on_the_server)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append("orders", std::string(1'000'000, 'x'));
        (void)co_await measure(of, {"orders"});
        command({"CONFIG", "RESETSTAT"});
        auto const told = co_await measure(of, {"orders"});
        BOOST_TEST(told[0].length == 1U);
        BOOST_TEST(number_in(command({"INFO", "stats"}), "total_net_output_bytes:") < 10'000);
    });
}

BOOST_AUTO_TEST_CASE(tells_of_a_server_by_its_own_name)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"CONFIG", "SET", "maxmemory", "100mb"});
        auto const info = co_await of.broker->inspect_server();
        command({"CONFIG", "SET", "maxmemory", "0"});
        BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
        BOOST_TEST((info->version.starts_with("redis ") || info->version.starts_with("valkey ")));
        BOOST_TEST(info->max_memory == 100U * 1024 * 1024);
        BOOST_TEST(info->used_memory > 100'000U);
        BOOST_TEST(info->memory_policy == "noeviction");
    });
}

BOOST_AUTO_TEST_CASE(knows_a_lock_whose_end_somebody_took_away)
{
    check([](bed& of) -> asio::awaitable<void> {
        BOOST_TEST((co_await of.broker->lock("lock", "a", lease)).has_value());
        BOOST_REQUIRE(command({"PERSIST", "{lock}:holder"}) == "1");
        auto const info = co_await of.broker->inspect_lock("lock");
        BOOST_REQUIRE_MESSAGE(info.has_value(), info.error());
        BOOST_TEST((info->free_in == std::chrono::milliseconds::max()));
    });
}

BOOST_AUTO_TEST_SUITE_END()
