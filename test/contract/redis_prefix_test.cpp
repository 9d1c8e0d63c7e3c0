// The same engine with a prefix before all names.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>
#include <sstream>

namespace strandline::testing {

namespace {

struct name_of_the_suite
{
    name_of_the_suite()
    {
        boost::unit_test::framework::master_test_suite().p_name.value = "contract/redis with a prefix";
    }
};

BOOST_TEST_GLOBAL_CONFIGURATION(name_of_the_suite);

} // namespace

redis_server& server_under_test()
{
    static redis_server server;
    return server;
}

redis_options options_under_test()
{
    redis_options options;
    options.unix_socket = server_under_test().socket();
    options.health_check_interval = 60s;
    options.key_prefix = "shop:";
    return options;
}

broker_ptr make_empty_broker(asio::any_io_executor executor)
{
    server_under_test().command({"FLUSHALL"});
    return make_redis_broker(std::move(executor), options_under_test());
}

} // namespace strandline::testing

using namespace strandline;
using namespace strandline::testing;

namespace {

std::vector<std::string> lines_of(std::string const& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    std::ranges::sort(lines);
    return lines;
}

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
}

} // namespace

BOOST_AUTO_TEST_SUITE(N1_prefixes)

BOOST_AUTO_TEST_CASE(stand_in_every_key_and_in_no_name)
{
    check([](bed& of) -> asio::awaitable<void> {
        membership const alice{"orders", "g", "alice", "token"};
        auto const ids = co_await of.deliver(alice, 2);
        BOOST_TEST(!(co_await of.broker->join(alice, lease, true)));
        auto const letter = co_await of.settle(alice, ending(ids[0], settle_as::dead));
        BOOST_TEST(!letter.error_of_item, letter.error_of_item);
        BOOST_TEST((co_await of.broker->lock(group_lock("orders", "g"), "a", lease)).has_value());
        entry_view const entry{"x", {}};
        appending once{"orders", entry};
        once.once = "key";
        once.window = 1h;
        appending later{"orders", entry};
        later.delay = 1h;
        for (auto* item : {&once, &later}) {
            co_await of.broker->append({item, 1});
            BOOST_REQUIRE_MESSAGE(item->outcome.has_value(), item->outcome.error());
        }
        co_await of.append("{a}b", "x");
        std::array<std::string_view, 1> const measured{"orders"};
        auto const told = (co_await of.broker->measure(measured)).value().front();
        BOOST_TEST(told.length == 3U);
        BOOST_TEST((told.dead == 1U));
        BOOST_TEST((told.delayed == 1U));
        BOOST_TEST((co_await of.broker->inspect_lock(group_lock("orders", "g")))->free_in.has_value());
        std::vector<std::string> const expected{
            "shop:orders",
            "{shop:a}b",
            "{shop:orders}:dead",
            "{shop:orders}:delayed",
            "{shop:orders}:delayed:entries",
            "{shop:orders}:delayed:last",
            "{shop:orders}:group:g",
            "{shop:orders}:lock:g:fence",
            "{shop:orders}:lock:g:holder",
            "{shop:orders}:once:key",
        };
        BOOST_TEST(lines_of(command({"KEYS", "*"})) == expected, boost::test_tools::per_element());

        co_await of.ensure_group(dead_letter_stream("orders"), "g");
        auto const letters = co_await of.read_now(dead_letter_stream("orders"), "g", "alice");
        BOOST_REQUIRE(letters.size() == 1U);
        auto const headers = headers_of(letters[0].entry);
        auto const origin = std::ranges::find(headers, "dead-stream", &header::name);
        BOOST_REQUIRE(origin != headers.end());
        BOOST_TEST(origin->value == "orders");
    });
}

BOOST_AUTO_TEST_CASE(stand_in_the_channels_of_hints)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<int>(0);
        auto const interest = of.broker->watch("orders", "g", [told] { ++*told; });
        while (command({"PUBSUB", "CHANNELS"}) != "strandline:0:shop:orders")
            co_await of.round_trip();
        command({"PUBLISH", "strandline:0:orders", "g"});
        command({"PUBLISH", "strandline:0:shop:orders", "g"});
        while (*told == 0)
            co_await of.round_trip();
        BOOST_TEST(*told == 1);
    });
}

BOOST_AUTO_TEST_CASE(stand_in_the_channels_of_locks)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<int>(0);
        auto const interest = of.broker->watch("lock", {}, [told] { ++*told; });
        while (command({"PUBSUB", "CHANNELS"}) != "strandline:0:shop:lock")
            co_await of.round_trip();
        BOOST_TEST((co_await of.broker->lock("lock", "a", lease)).has_value());
        BOOST_TEST(!(co_await of.broker->unlock("lock", "a")));
        while (*told == 0)
            co_await of.round_trip();
    });
}

BOOST_AUTO_TEST_CASE(keep_brokers_of_one_server_apart)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto options = options_under_test();
        options.key_prefix = "other:";
        bed beside{make_redis_broker(of.broker->get_executor(), options)};
        co_await of.append("orders", "ours");
        co_await on(beside.broker, beside.ensure_group("orders", "g"));
        co_await on(beside.broker, beside.ensure_group("users", "g"));
        auto const ids = co_await on(beside.broker, beside.append_numbers("users", 1));
        auto const found = co_await on(beside.broker, beside.read_now("orders", "g", "c"));
        BOOST_TEST(found.empty());
        BOOST_TEST((co_await of.broker->inspect_stream("users")).error() == errc::no_group);
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).value().length == 1U);
        auto const name = group_lock("orders", "g");
        BOOST_TEST((co_await of.broker->lock(name, "a", lease)).has_value());
        BOOST_TEST((co_await on(beside.broker, beside.broker->lock(name, "b", lease))).has_value());
    });
}

BOOST_AUTO_TEST_SUITE_END()
