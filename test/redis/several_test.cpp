// Servers of which several are named, and users that they know.

#include "redis/trouble.hpp"
#include "support/certificates.hpp"

#include <strandline/open.hpp>

using namespace strandline;
using namespace strandline::testing;

namespace {

asio::awaitable<failure> publish(stage& of)
{
    producer to(of.broker, {.timeout = 3s});
    auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
    co_return std::get<0>(end);
}

redis_options to(std::vector<redis_address> addresses)
{
    redis_options options;
    options.addresses = std::move(addresses);
    options.connect_timeout = 3s;
    options.min_reconnect_delay = 5ms;
    options.max_reconnect_delay = 50ms;
    return options;
}

redis_address at(redis_server const& server)
{
    return {"127.0.0.1", server.port()};
}

std::string length(redis_server const& server)
{
    return server.command({"XLEN", "orders"});
}

void make_replica(redis_server& server, redis_server const& master)
{
    server.command({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
}

bool holds(failure const& why, std::string_view text)
{
    return why.words().find(text) != std::string_view::npos;
}

/// Accepts connections, or rather the system does, and never says anything.
class silence
{
public:
    silence() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {}

    redis_address at() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }

private:
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(several_addresses)

BOOST_AUTO_TEST_CASE(are_tried_until_one_answers)
{
    redis_server const server({.tcp = true});
    silence const quiet;
    redis_address const closed{"127.0.0.1", redis_server::free_port()};
    auto options = to({closed, quiet.at(), {"no-such-host.invalid"}, at(server)});
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });
    BOOST_TEST(length(server) == "1");
}

BOOST_AUTO_TEST_CASE(can_be_named_by_a_url)
{
    redis_server const server({.tcp = true});
    auto const url = "redis://127.0.0.1:" + std::to_string(redis_server::free_port()) +
                     ",localhost:" + std::to_string(server.port()) + "/2";
    check_with(
        [&](asio::any_io_executor executor) { return open(std::move(executor), url); },
        [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); }
    );
    BOOST_TEST(server.command({"INFO", "keyspace"}).find("db2:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(are_all_named_when_none_answers)
{
    silence const quiet;
    redis_address const closed{"127.0.0.1", redis_server::free_port()};
    auto options = to({closed, quiet.at()});
    options.connect_timeout = 100ms;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(holds(why, std::to_string(closed.port) + ": Connection refused"), why);
        BOOST_TEST(holds(why, std::to_string(quiet.at().port) + ": no answer"), why);
    });
}

BOOST_AUTO_TEST_CASE(are_all_asked_before_a_refusal_is_told)
{
    redis_server const strict({.tcp = true, .arguments = {"--requirepass", "other"}});
    redis_server const server({.tcp = true, .arguments = {"--requirepass", "open sesame"}});
    auto options = to({at(strict), at(server)});
    options.password = "open sesame";
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });
    options.password = "swordfish";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::refused), why);
        BOOST_TEST(holds(why, std::to_string(strict.port()) + ": WRONGPASS"), why);
        BOOST_TEST(holds(why, std::to_string(server.port()) + ": WRONGPASS"), why);
        BOOST_TEST(!holds(why, "swordfish"), why);
    });
}

BOOST_AUTO_TEST_CASE(go_on_to_the_next_when_one_is_lost)
{
    redis_server first({.tcp = true});
    redis_server const second({.tcp = true});
    check_on(to({at(first), at(second)}), [&](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await publish(of)));
        BOOST_TEST(length(first) == "1");
        first.kill();
        co_await of.until([&]() -> asio::awaitable<bool> { co_return !(co_await publish(of)); });
        BOOST_TEST(length(second) == "1");
    });
}

BOOST_AUTO_TEST_CASE(go_on_to_the_next_when_one_is_a_replica)
{
    redis_server const master({.tcp = true});
    redis_server replica({.tcp = true});
    make_replica(replica, master);
    check_on(to({at(replica), at(master)}), [&](stage& of) -> asio::awaitable<void> {
        // What was refused by the replica was surely not stored.
        std::size_t refused = 0;
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const why = co_await publish(of);
            if (why) {
                ++refused;
                BOOST_TEST((why == errc::unavailable), why);
                BOOST_TEST(is_retryable(why.code()));
            }
            co_return !why;
        });
        BOOST_TEST(refused == 1U);
        BOOST_TEST(length(master) == "1");
    });
}

BOOST_AUTO_TEST_CASE(are_left_by_who_is_refused_within_a_script)
{
    for (auto const buries : {true, false}) {
        redis_server first({.tcp = true});
        redis_server second({.tcp = true});
        check_on(to({at(first), at(second)}), [&](stage& of) -> asio::awaitable<void> {
            membership const who{"orders", "billing", "clerk"};
            BOOST_TEST(!(co_await of.broker->ensure_group(who.stream, who.group, start_position::beginning()))
            );
            co_await of.publish("orders", "x");
            auto const id = (co_await of.abandon(who.stream, who.group, who.consumer)).at(0);
            make_replica(first, second);
            settlement item;
            item.id = id;
            item.as = buries ? settle_as::dead : settle_as::released;
            (void)co_await of.broker->settle(who, {&item, 1});
            // Nothing else is under way; the next command goes to the other server.
            co_await of.until([&]() -> asio::awaitable<bool> {
                co_return !(co_await of.broker->ensure_group("users", "g", start_position::beginning()));
            });
            BOOST_TEST(second.command({"EXISTS", "users"}) == "1");
        });
    }
}

BOOST_AUTO_TEST_CASE(are_left_when_they_become_replicas_and_nothing_is_lost)
{
    redis_server first({.tcp = true});
    redis_server second({.tcp = true});
    make_replica(second, first);
    check_on(to({at(first), at(second)}), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        std::vector<std::string> handled;
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            handled.emplace_back(*what.body());
            co_return;
        });
        auto run = of.start(billing);
        co_await of.publish("orders", "before");
        co_await of.until_pending("orders", "billing", 0);
        co_await until_replicated(of, first, second);
        // Neither connections nor servers end.
        second.command({"REPLICAOF", "NO", "ONE"});
        make_replica(first, second);
        producer to(of.broker);
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const end = co_await to.async_publish("orders", "after", asio::as_tuple);
            co_return !std::get<0>(end);
        });
        co_await of.until([&]() -> asio::awaitable<bool> { co_return handled.size() == 2; });
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
        BOOST_TEST(
            handled == (std::vector<std::string>{"before", "after"}), boost::test_tools::per_element()
        );
        BOOST_TEST(second.command({"XPENDING", "orders", "billing"}).starts_with("0"));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(users)

namespace {

/// A server with the users of such a file, none of which is the default user.
redis_server::options with_users(temporary_folder const& folder)
{
    auto const file = folder.write(
        "users.acl",
        "user default off\n"
        "user clerk on >secret resetchannels -@all +select +client|id +client|unblock +evalsha "
        "+eval +ping +time +xadd +xgroup|create +xgroup|createconsumer +xgroup|delconsumer "
        "+xreadgroup +xack +xpending +xclaim +xautoclaim +xrange +xinfo +xlen +xtrim +xdel +hget "
        "+hset +hdel +hexists +hkeys +get +set +del +incr +pexpire +type +hsetnx "
        "+hmget +zadd +zrem +zcard +zscore +zrangebylex +subscribe +publish "
        "&strandline:* ~orders ~{orders}:*\n"
    );
    return {.tcp = true, .arguments = {"--aclfile", file}};
}

void check_publishing_and_consuming(std::string const& url)
{
    check_with(
        [&](asio::any_io_executor executor) { return open(std::move(executor), url); },
        [](stage& of) -> asio::awaitable<void> {
            auto const told = std::make_shared<troubles>(of.strand());
            auto const handled = of.make_tally();
            auto const billing = of.make_consumer(telling("billing", told));
            billing->on("orders", [=](delivery const& what) -> asio::awaitable<void> {
                handled->add();
                if (what.body() == "0")
                    throw reject("it is bad");
                co_return;
            });
            auto run = of.start(billing);
            co_await of.publish_numbers("orders", 10);
            co_await handled->reach(10);
            billing->stop();
            auto const report = co_await of.good_end(run);
            BOOST_TEST(report.handled == 9);
            BOOST_TEST(report.dead == 1);
            for (auto const& why : told->all())
                BOOST_TEST(false, why);
        }
    );
}

} // namespace

BOOST_AUTO_TEST_CASE(of_an_acl_file_do_all_that_they_may_by_tcp_and_by_socket)
{
    temporary_folder const folder;
    redis_server const server(with_users(folder));
    auto const port = std::to_string(server.port());
    check_publishing_and_consuming("redis://clerk:secret@127.0.0.1:" + port + "/1");
    check_publishing_and_consuming("unix://clerk:secret@" + server.socket() + "?db=2");
}

BOOST_AUTO_TEST_CASE(that_are_not_known_are_refused_at_once)
{
    temporary_folder const folder;
    redis_server const server(with_users(folder));
    auto options = to({at(server)});
    options.connect_timeout = 24h;
    for (auto const& [user, password] :
         {std::pair("clerk", "swordfish"), std::pair("", "swordfish"), std::pair("nobody", "swordfish"),
          std::pair("clerk", ""), std::pair("", "")})
    {
        options.user = user;
        options.password = password;
        check_on(options, [&](stage& of) -> asio::awaitable<void> {
            auto const why = co_await publish(of);
            BOOST_TEST((why == errc::refused), why);
            BOOST_TEST((holds(why, "WRONGPASS") || holds(why, "NOAUTH")), why);
            BOOST_TEST(!holds(why, "swordfish"), why);
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()
