#include "redis/route.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline;
using namespace std::chrono_literals;
using redis::route;

namespace {

redis_options to(std::vector<redis_address> addresses)
{
    redis_options options;
    options.addresses = std::move(addresses);
    options.connect_timeout = 600ms;
    return options;
}

redis_options by(std::vector<redis_address> sentinels)
{
    redis_options options;
    options.sentinel.addresses = std::move(sentinels);
    options.sentinel.master = "main";
    options.connect_timeout = 600ms;
    return options;
}

failure down(std::string words = "down")
{
    return {errc::unreachable, std::move(words)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(routes)

BOOST_AUTO_TEST_CASE(have_the_usual_ports)
{
    BOOST_TEST(route(to({{"h"}})).next().name == "h:6379");
    BOOST_TEST(route(to({{"h", 1}})).next().name == "h:1");
    BOOST_TEST(route(to({{"::1"}})).next().name == "[::1]:6379");
    BOOST_TEST(route(by({{"h"}})).next().name == "h:26379");
    BOOST_TEST(route(by({{"h"}})).next().at.port == 26379);
}

BOOST_AUTO_TEST_CASE(of_a_socket_have_its_path)
{
    auto options = to({});
    options.unix_socket = "/s";
    route way(options);
    BOOST_TEST(way.next().name == "/s");
    BOOST_TEST(!way.next().is_sentinel);
    BOOST_TEST(way.failed(down()));
    BOOST_TEST(way.problem(600ms).words() == "no connection to /s within 600 ms: down");
}

BOOST_AUTO_TEST_CASE(go_through_the_addresses_in_turn)
{
    route way(to({{"a"}, {"b"}, {"c"}}));
    for (int round = 0; round != 2; ++round) {
        BOOST_TEST(way.next().at.host == "a");
        BOOST_TEST(!way.failed(down()));
        BOOST_TEST(way.next().at.host == "b");
        BOOST_TEST(!way.failed(down()));
        BOOST_TEST(way.next().at.host == "c");
        BOOST_TEST(way.failed(down()));
    }
}

BOOST_AUTO_TEST_CASE(begin_a_round_where_the_connection_was_lost)
{
    route way(to({{"a"}, {"b"}}));
    way.failed(down());
    way.arrived();
    way.lost(down("broken"));
    BOOST_TEST(way.next().at.host == "b");
    BOOST_TEST(way.problem(600ms).words().find("b:6379: broken") != std::string_view::npos);
    BOOST_TEST(!way.failed(down()));
    BOOST_TEST(way.next().at.host == "a");
    BOOST_TEST(way.failed(down()));
}

BOOST_AUTO_TEST_CASE(go_on_from_a_replica)
{
    route way(to({{"a"}, {"b"}}));
    way.arrived();
    BOOST_TEST(!way.failed({errc::unavailable, "it is a replica"}));
    BOOST_TEST(way.next().at.host == "b");
}

BOOST_AUTO_TEST_CASE(tell_of_each_stop_what_was_last_said)
{
    route way(to({{"a"}, {"b"}}));
    way.failed(asio::error::make_error_code(asio::error::connection_refused));
    BOOST_TEST((way.problem(600ms) == errc::unreachable));
    BOOST_TEST(
        way.problem(600ms).words() ==
        "no connection to a:6379, b:6379 within 600 ms: a:6379: Connection refused; b:6379: no answer"
    );
    way.failed({errc::refused, "WRONGPASS"});
    BOOST_TEST((way.problem(600ms) == errc::refused));
    BOOST_TEST(way.problem(600ms).words() == "a:6379: Connection refused; b:6379: WRONGPASS");
    way.failed({errc::unavailable, "LOADING"});
    way.failed(down());
    BOOST_TEST((way.problem(600ms) == errc::unavailable));
    BOOST_TEST(way.problem(600ms).words() == "a:6379: LOADING; b:6379: down");
    way.arrived();
    way.lost(down("broken"));
    BOOST_TEST((way.problem(600ms) == errc::unreachable));
    BOOST_TEST(way.problem(600ms).words().find("LOADING") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(with_one_stop_name_it_once)
{
    route way(to({{"a"}}));
    BOOST_TEST(way.problem(600ms).words() == "no connection to a:6379 within 600 ms: no answer");
    way.failed({errc::refused, "WRONGPASS"});
    BOOST_TEST(way.problem(600ms).words() == "a:6379: WRONGPASS");
}

BOOST_AUTO_TEST_CASE(go_to_a_sentinel_and_then_to_the_master_that_it_named)
{
    auto options = by({{"s"}, {"t"}});
    options.tls = true;
    route way(options);
    BOOST_TEST(way.next().is_sentinel);
    BOOST_TEST(!way.next().tls);
    way.master_is({"m", 7});
    BOOST_TEST(!way.next().is_sentinel);
    BOOST_TEST(way.next().tls);
    BOOST_TEST(way.next().name == "m:7");
    way.arrived();
    // The same sentinel is asked again.
    way.lost(down());
    BOOST_TEST(way.next().name == "s:26379");
    BOOST_TEST(!way.failed(down("silent")));
    BOOST_TEST(way.next().name == "t:26379");
    way.master_is({"m", 7});
    BOOST_TEST(way.failed(down("closed")));
    BOOST_TEST(
        way.problem(600ms).words() ==
        "no connection to the master \"main\" of the sentinels s:26379, t:26379 within "
        "600 ms: s:26379: silent; t:26379: named the master m:7: closed"
    );
    BOOST_TEST(way.next().name == "s:26379");
}

BOOST_AUTO_TEST_CASE(share_the_connect_timeout)
{
    BOOST_TEST((route(to({{"a"}})).time_for_attempt() == 600ms));
    BOOST_TEST((route(to({{"a"}, {"b"}})).time_for_attempt() == 300ms));
    BOOST_TEST((route(by({{"a"}, {"b"}})).time_for_attempt() == 200ms));
    auto options = to({{"a"}, {"b"}});
    options.connect_timeout = 1ms;
    BOOST_TEST((route(options).time_for_attempt() == 1ms));
}

BOOST_AUTO_TEST_SUITE_END()
