// W1: hints between processes, and what may happen to them.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"
#include "redis/connection.hpp"

#include <sstream>

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
}

/// What listens as another process would.
class listener
{
public:
    listener(bed& of, redis_options const& options)
        : broker_(make_redis_broker(of.broker->get_executor(), options))
    {}

    explicit listener(bed& of) : listener(of, options_under_test()) {}

    asio::awaitable<void> begin()
    {
        // As its consumer would, it works with the server, too.
        co_await on(broker_, work(broker_));
        co_await on(broker_, watch());
    }

    /// An operation succeeds.
    asio::awaitable<void> work() { return on(broker_, work(broker_)); }

    /// The same after its connection was broken, which the first ones may not have noticed.
    asio::awaitable<void> work_again()
    {
        while (co_await on(broker_, broker_->ensure_group("orders", "g", {})))
            continue;
    }

    int told() const noexcept { return *told_; }

private:
    static asio::awaitable<void> work(broker_ptr broker)
    {
        auto const why = co_await broker->ensure_group("orders", "g", {});
        BOOST_REQUIRE_MESSAGE(!why, why);
    }

    asio::awaitable<void> watch()
    {
        interest_ = broker_->watch("orders", "g", [told = told_] { ++*told; });
        co_return;
    }

    std::shared_ptr<int> told_ = std::make_shared<int>(0);
    broker_ptr broker_;
    std::unique_ptr<watching> interest_;
};

asio::awaitable<void> release(bed& of, entry_id id)
{
    auto item = ending(id, settle_as::released);
    item.attempts = 1;
    item = co_await of.settle(alice, item);
    BOOST_REQUIRE(item.state == holding::held);
    BOOST_REQUIRE_MESSAGE(!item.error_of_item, item.error_of_item);
}

asio::awaitable<void> until_told(bed& of, listener const& by, entry_id id)
{
    for (auto const before = by.told(); by.told() == before;) {
        co_await release(of, id);
        co_await of.round_trip();
    }
}

/// So many connections are subscribed to the channel.
bool is_subscribed(int connections)
{
    return command({"PUBSUB", "NUMSUB", "strandline:0:orders"}) ==
           "strandline:0:orders\n" + std::to_string(connections);
}

asio::awaitable<void> until_subscribed(bed& of, int connections = 1)
{
    while (!is_subscribed(connections))
        co_await of.round_trip();
}

/// Ids of the connections of a user.
std::vector<std::string> connections_of(std::string_view user)
{
    std::vector<std::string> ids;
    std::istringstream lines(command({"CLIENT", "LIST"}));
    for (std::string line; std::getline(lines, line);)
        if (line.find(" user=" + std::string(user) + " ") != line.npos)
            ids.push_back(line.substr(0, line.find(' ')));
    return ids;
}

} // namespace

BOOST_AUTO_TEST_SUITE(W1_hints_between_processes)

BOOST_AUTO_TEST_CASE(arrive_once_for_each_release)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        listener by(of);
        co_await by.begin();
        co_await until_subscribed(of);
        for (int i = 1; i != 4; ++i) {
            co_await release(of, ids[0]);
            while (by.told() < i)
                co_await of.round_trip();
        }
        co_await by.work();
        BOOST_TEST(by.told() == 3);
    });
}

BOOST_AUTO_TEST_CASE(go_through_a_subscription_made_again_after_each_broken_connection)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        listener by(of);
        co_await by.begin();
        for (int i = 0; i != 3; ++i) {
            co_await until_subscribed(of);
            BOOST_REQUIRE(command({"CLIENT", "KILL", "TYPE", "pubsub"}) == "1");
            // The commands do not notice.
            co_await by.work();
            co_await until_told(of, by, ids[0]);
        }
    });
}

BOOST_AUTO_TEST_CASE(come_again_after_the_whole_server_was_gone)
{
    // Another server: this one is not to be stopped.
    redis_server server;
    auto options = options_under_test();
    options.unix_socket = server.socket();
    options.min_reconnect_delay = 1ms;
    check([&](bed& of) -> asio::awaitable<void> {
        bed mine{make_redis_broker(of.broker->get_executor(), options)};
        co_await on(mine.broker, [](bed& own, redis_server& there) -> asio::awaitable<void> {
            auto const told = std::make_shared<int>(0);
            auto const interest = own.broker->watch("orders", "g", [told] { ++*told; });
            for (int i = 0; i != 2; ++i) {
                while ((co_await own.broker->ensure_group("orders", "g", {})))
                    continue;
                auto const ids = co_await own.deliver(alice, 1);
                for (auto const before = *told; *told == before;) {
                    auto item = ending(ids[0], settle_as::released);
                    co_await own.settle(alice, item);
                    co_await own.round_trip();
                }
                there.kill();
                there.start();
            }
        }(mine, server));
    });
}

BOOST_AUTO_TEST_CASE(may_be_begun_before_there_is_a_connection)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        auto const other = make_redis_broker(of.broker->get_executor(), options_under_test());
        auto const told = std::make_shared<int>(0);
        auto const interest = other->watch("orders", "g", [told] { ++*told; });
        BOOST_TEST(is_subscribed(0));
        (void)co_await on(other, other->inspect_stream("orders"));
        while (*told == 0) {
            co_await release(of, ids[0]);
            co_await of.round_trip();
        }
    });
}

BOOST_AUTO_TEST_CASE(are_not_subscribed_to_by_who_does_not_watch)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await release(of, ids[0]);
        BOOST_TEST(command({"PUBSUB", "CHANNELS"}) == "");
    });
}

BOOST_AUTO_TEST_CASE(in_a_flood_leave_the_connection_working)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        listener by(of);
        co_await by.begin();
        co_await until_subscribed(of);
        // More than the transport keeps, while nobody reads; and some that are for nobody.
        for (int i = 0; i != 400; ++i) {
            command({"PUBLISH", "strandline:0:orders", "g"});
            command({"PUBLISH", "strandline:0:orders", "another group"});
        }
        co_await by.work();
        BOOST_TEST(by.told() >= 1);
        co_await until_told(of, by, ids[0]);
    });
}

BOOST_AUTO_TEST_CASE(of_another_database_are_not_heard)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        auto elsewhere = options_under_test();
        elsewhere.database = 1;
        listener other(of, elsewhere);
        co_await other.begin();
        listener by(of);
        co_await by.begin();
        for (int i = 0; i != 3; ++i)
            co_await until_told(of, by, ids[0]);
        while (command({"PUBSUB", "NUMSUB", "strandline:1:orders"}) != "strandline:1:orders\n1")
            co_await of.round_trip();
        co_await until_told(of, by, ids[0]);
        co_await other.work();
        BOOST_TEST(other.told() == 0);
    });
}

BOOST_AUTO_TEST_CASE(are_done_without_where_the_user_may_not_listen)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        auto options = options_under_test();
        options.user = "deaf";
        options.password = "pw";
        for (auto const* missing : {"resetchannels", "-subscribe", "-@scripting"}) {
            BOOST_TEST_CONTEXT(missing)
            {
                command({"ACL", "SETUSER", "deaf", "reset", "on", ">pw", "~*", "&*", "+@all", missing});
                listener by(of, options);
                co_await by.begin();
                auto const connections = connections_of("deaf");
                BOOST_TEST(connections.size() == 1U);
                for (int i = 0; i != 5; ++i) {
                    co_await release(of, ids[0]);
                    co_await by.work();
                }
                BOOST_TEST(by.told() == 0);
                BOOST_TEST(is_subscribed(0));
                // Nothing went wrong on the way.
                BOOST_TEST(connections_of("deaf") == connections);
            }
        }
        command({"ACL", "DELUSER", "deaf"});
    });
}

BOOST_AUTO_TEST_CASE(that_are_refused_after_all_end_their_connection_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"ACL", "SETUSER", "deaf", "reset", "on", ">pw", "~*", "+@all"});
        auto options = options_under_test();
        options.user = "deaf";
        options.password = "pw";
        auto const own = std::make_shared<redis::connection>(
            of.broker->get_executor(), options, redis::tls_identity(), 4096
        );
        own->listen({});
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST(!(co_await own->connected()));
            auto const before = own->client_id();
            std::vector<std::string> const channels{"strandline:0:orders"};
            (void)co_await own->subscribe(channels);
            while (own->client_id() == before)
                co_await of.round_trip();
        }
        own->close();
        command({"ACL", "DELUSER", "deaf"});
    });
}

BOOST_AUTO_TEST_CASE(leave_large_replies_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        // More than a subscribed connection may have waiting, by the server's default.
        std::string const large(4'000'000, 'x');
        co_await of.ensure_group("orders", "g");
        for (int i = 0; i != 10; ++i)
            co_await of.append("orders", large);
        auto const ids = ids_of(co_await of.read_now("orders", "g", "alice"));
        auto const told = std::make_shared<int>(0);
        auto const interest = of.broker->watch("orders", "g", [told] { ++*told; });
        co_await until_subscribed(of);
        std::vector<taking> items;
        for (auto const id : ids)
            items.push_back(asking(id));
        auto const why = co_await of.broker->take(alice, items);
        BOOST_TEST(!why, why);
        for (auto const& item : items)
            BOOST_TEST(item.entry.body.value_or("").size() == large.size());
    });
}

BOOST_AUTO_TEST_CASE(come_when_the_user_may_listen_at_last)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        auto options = options_under_test();
        options.user = "deaf";
        options.password = "pw";
        command({"ACL", "SETUSER", "deaf", "reset", "on", ">pw", "~*", "+@all"});
        listener by(of, options);
        co_await by.begin();
        co_await by.work();
        BOOST_TEST(is_subscribed(0));
        command({"ACL", "SETUSER", "deaf", "&strandline:*"});
        command({"CLIENT", "KILL", "USER", "deaf"});
        co_await by.work_again();
        co_await until_told(of, by, ids[0]);
        // And cease, without harm, when it may not any more: the server ends the connection.
        command({"ACL", "SETUSER", "deaf", "resetchannels"});
        co_await by.work_again();
        for (int i = 0; i != 5; ++i)
            co_await by.work();
        BOOST_TEST(is_subscribed(0));
        command({"ACL", "DELUSER", "deaf"});
    });
}

BOOST_AUTO_TEST_SUITE_END()
