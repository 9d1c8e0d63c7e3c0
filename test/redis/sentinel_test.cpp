// Masters that sentinels know.

#include "redis/trouble.hpp"
#include "support/certificates.hpp"

#include <strandline/open.hpp>

#include <array>
#include <map>
#include <sstream>

using namespace strandline;
using namespace strandline::testing;

namespace {

redis_address at(redis_server const& server)
{
    return {"127.0.0.1", server.port()};
}

/// The configuration of a sentinel of "main".
std::string monitoring(redis_server const& master, int quorum, std::string further = {})
{
    return "sentinel monitor main 127.0.0.1 " + std::to_string(master.port()) + " " + std::to_string(quorum) +
           "\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n" + further;
}

redis_server::options sentinel_with(std::string configuration)
{
    return {.tcp = true, .sentinel = std::move(configuration)};
}

redis_options by(std::vector<redis_address> sentinels)
{
    redis_options options;
    options.sentinel.addresses = std::move(sentinels);
    options.sentinel.master = "main";
    options.connect_timeout = 500ms;
    options.min_reconnect_delay = 5ms;
    options.max_reconnect_delay = 50ms;
    return options;
}

asio::awaitable<failure> publish(stage& of, std::string body = "x")
{
    producer to(of.broker, {.timeout = 500ms});
    auto const end = co_await to.async_publish("orders", std::move(body), asio::as_tuple);
    co_return std::get<0>(end);
}

bool holds(failure const& why, std::string_view text)
{
    return why.words().find(text) != std::string_view::npos;
}

/// One of the values that the sentinel tells of the master.
std::string told_of_master(redis_server const& sentinel, std::string const& name)
{
    std::istringstream lines(sentinel.command({"SENTINEL", "MASTER", "main"}));
    std::string line;
    while (std::getline(lines, line))
        if (line == name && std::getline(lines, line))
            return line;
    return {};
}

/// A master, its replica, and three sentinels that watch them.
struct family
{
    redis_server master{{.tcp = true}};
    redis_server replica{
        {.tcp = true, .arguments = {"--replicaof", "127.0.0.1", std::to_string(master.port())}}
    };
    std::array<redis_server, 3> sentinels{
        redis_server(sentinel_with(monitoring(master, 2))),
        redis_server(sentinel_with(monitoring(master, 2))), redis_server(sentinel_with(monitoring(master, 2)))
    };

    redis_options options() const { return by({at(sentinels[0]), at(sentinels[1]), at(sentinels[2])}); }

    /// Waits until the sentinels know each other and the replica, and can choose it.
    asio::awaitable<void> settle(stage& of) const
    {
        co_await of.until([this]() -> asio::awaitable<bool> {
            for (auto const& sentinel : sentinels)
                if (told_of_master(sentinel, "num-other-sentinels") != "2" ||
                    told_of_master(sentinel, "num-slaves") != "1" ||
                    !sentinel.command({"SENTINEL", "CKQUORUM", "main"}).starts_with("OK"))
                    co_return false;
            auto const state = replica.command({"INFO", "replication"});
            co_return state.find("master_link_status:up") != std::string::npos;
        });
    }
};

/// A consumer of "orders" that notes how often it handled which body.
std::shared_ptr<consumer> make_noting(
    stage const& of, std::shared_ptr<std::map<std::string, int>> times, std::shared_ptr<troubles> told
)
{
    auto made = of.make_consumer(telling("billing", std::move(told)));
    made->on("orders", [times](delivery const& what) -> asio::awaitable<void> {
        ++(*times)[std::string(*what.body())];
        co_return;
    });
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sentinels)

BOOST_AUTO_TEST_CASE(whose_master_is_killed_lead_to_the_next_and_work_goes_on)
{
    family of_servers;
    check_on(of_servers.options(), [&](stage& of) -> asio::awaitable<void> {
        co_await of_servers.settle(of);
        auto const told = std::make_shared<troubles>(of.strand());
        auto const times = std::make_shared<std::map<std::string, int>>();
        auto const billing = make_noting(of, times, told);
        auto run = of.start(billing);
        std::size_t const before = 100;
        for (std::size_t i = 0; i != before; ++i)
            co_await of.publish("orders", "before " + std::to_string(i));
        co_await of.until_pending("orders", "billing", 0);
        co_await of.until([&]() -> asio::awaitable<bool> { co_return times->size() == before; });
        // Published and acknowledged is what the replica has; what it has not yet got would be lost.
        co_await until_replicated(of, of_servers.master, of_servers.replica);

        of_servers.master.kill();
        std::size_t failed = 0;
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const why = co_await publish(of, "after");
            failed += why ? 1 : 0;
            if (why)
                BOOST_TEST(is_retryable(why.code()), why);
            co_return !why;
        });
        BOOST_TEST(failed != 0U);
        for (std::size_t i = 1; i != before; ++i)
            BOOST_TEST(!(co_await publish(of, "after " + std::to_string(i))));
        co_await of.until([&]() -> asio::awaitable<bool> { co_return times->size() == 2 * before; });
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        co_await of.good_end(run);
        for (auto const& [body, count] : *times)
            BOOST_TEST(count == 1, body << ": " << count);
        BOOST_TEST(of_servers.replica.command({"XLEN", "orders"}) == std::to_string(2 * before));
        for (auto const& why : told->all())
            BOOST_TEST(is_retryable(why.code()), why);
    });
}

BOOST_AUTO_TEST_CASE(whose_master_becomes_a_replica_lead_to_the_next)
{
    redis_server const old({.tcp = true});
    redis_server const other({.tcp = true});
    redis_server const sentinel(sentinel_with(monitoring(old, 1)));
    check_on(by({at(sentinel)}), [&](stage& of) -> asio::awaitable<void> {
        BOOST_TEST(!(co_await publish(of)));
        auto const port = std::to_string(other.port());
        sentinel.command({"SENTINEL", "REMOVE", "main"});
        BOOST_REQUIRE(sentinel.command({"SENTINEL", "MONITOR", "main", "127.0.0.1", port, "1"}) == "OK");
        // The connection to it goes on.
        old.command({"REPLICAOF", "127.0.0.1", port});
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unavailable), why);
        BOOST_TEST(holds(why, "READONLY"), why);
        BOOST_TEST(!(co_await publish(of)));
        BOOST_TEST(other.command({"XLEN", "orders"}) == "1");
    });
}

BOOST_AUTO_TEST_CASE(are_tried_until_one_answers)
{
    redis_server const master({.tcp = true});
    redis_server const sentinel(sentinel_with(monitoring(master, 1)));
    auto const options = by({{"127.0.0.1", redis_server::free_port()}, at(sentinel)});
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });
    BOOST_TEST(master.command({"XLEN", "orders"}) == "1");
}

BOOST_AUTO_TEST_CASE(can_be_named_by_a_url)
{
    redis_server const master({.tcp = true, .arguments = {"--requirepass", "open sesame"}});
    redis_server const sentinel(sentinel_with(monitoring(master, 1)));
    auto const url =
        "redis+sentinel://:open%20sesame@localhost:" + std::to_string(sentinel.port()) + "/main/2";
    check_with(
        [&](asio::any_io_executor executor) { return open(std::move(executor), url); },
        [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); }
    );
}

BOOST_AUTO_TEST_CASE(that_cannot_be_reached_are_all_named)
{
    redis_address const one{"127.0.0.1", redis_server::free_port()};
    redis_address const two{"127.0.0.1", redis_server::free_port()};
    check_on(by({one, two}), [&](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(holds(why, "the master \"main\" of the sentinels"), why);
        for (auto const& each : {one, two})
            BOOST_TEST(holds(why, std::to_string(each.port) + ": Connection refused"), why);
    });
}

BOOST_AUTO_TEST_CASE(that_do_not_know_the_master_say_so)
{
    redis_server const master({.tcp = true});
    redis_server const sentinel(sentinel_with(monitoring(master, 1)));
    auto options = by({at(sentinel)});
    options.sentinel.master = "other";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(holds(why, "it knows no master \"other\""), why);
    });
}

BOOST_AUTO_TEST_CASE(that_are_servers_say_so)
{
    redis_server const server({.tcp = true});
    check_on(by({at(server)}), [](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::refused), why);
        BOOST_TEST(holds(why, "unknown command 'SENTINEL'"), why);
    });
}

BOOST_AUTO_TEST_CASE(that_name_a_master_which_is_gone_or_a_replica_are_not_believed)
{
    redis_server master({.tcp = true});
    redis_server const other({.tcp = true});
    redis_server const sentinel(sentinel_with(monitoring(master, 1)));
    master.command({"REPLICAOF", "127.0.0.1", std::to_string(other.port())});
    check_on(by({at(sentinel)}), [&](stage& of) -> asio::awaitable<void> {
        auto why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(
            holds(
                why, "named the master 127.0.0.1:" + std::to_string(master.port()) + ": it is not the master"
            ),
            why
        );
        master.kill();
        co_await of.until([&]() -> asio::awaitable<bool> {
            why = co_await publish(of);
            co_return holds(why, "Connection refused");
        });
    });
}

BOOST_AUTO_TEST_CASE(have_users_of_their_own)
{
    redis_server const master({.tcp = true, .arguments = {"--requirepass", "open sesame"}});
    redis_server const sentinel(sentinel_with(monitoring(
        master, 1,
        "user default on nopass -@all +ping +hello\n"
        "user watch on >swordfish -@all +sentinel|get-master-addr-by-name\n"
    )));
    auto options = by({at(sentinel)});
    options.password = "open sesame";
    options.sentinel.user = "watch";
    options.sentinel.password = "swordfish";
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });

    auto const check_refused = [&](std::string_view words) {
        check_on(options, [&](stage& of) -> asio::awaitable<void> {
            auto const why = co_await publish(of);
            BOOST_TEST((why == errc::refused), why);
            BOOST_TEST(holds(why, words), why);
            for (auto const* secret : {"sesame", "swordfish", "mackerel"})
                BOOST_TEST(!holds(why, secret), why);
        });
    };
    options.sentinel.password = "mackerel";
    check_refused("WRONGPASS");
    options.sentinel.user.clear();
    options.sentinel.password.clear();
    check_refused("NOPERM");
    options.sentinel.user = "watch";
    options.sentinel.password = "swordfish";
    options.password = "mackerel";
    check_refused("named the master");
}

BOOST_AUTO_TEST_CASE(can_speak_tls_as_their_master)
{
    temporary_folder const folder;
    authority const ours(folder, "ours");
    auto const papers = ours.issue("server", "IP:127.0.0.1");
    redis_server::tls_files const files{papers.certificate, papers.key};
    redis_server const master({.tcp = true, .tls = files});
    redis_server const sentinel({.tcp = true, .tls = files, .sentinel = monitoring(master, 1)});
    auto const url =
        "rediss+sentinel://127.0.0.1:" + std::to_string(sentinel.port()) + "/main?ca=" + ours.file();
    check_with(
        [&](asio::any_io_executor executor) { return open(std::move(executor), url); },
        [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); }
    );
    BOOST_TEST(master.command({"XLEN", "orders"}) == "1");
}

BOOST_AUTO_TEST_SUITE_END()
