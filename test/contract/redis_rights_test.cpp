// Users of the server with few rights.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};
membership const own_alice{"orders", "g", "alice", "token"};

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
}

/// What doc/redis.md says that a user needs.
std::vector<std::string> const documented{
    "resetchannels",
    "-@all",
    "+select",
    "+client|id",
    "+client|unblock",
    "+ping",
    "+evalsha",
    "+eval",
    "+time",
    "+xadd",
    "+xgroup|create",
    "+xgroup|createconsumer",
    "+xgroup|delconsumer",
    "+xgroup|destroy",
    "+xreadgroup",
    "+xread",
    "+xack",
    "+xpending",
    "+xclaim",
    "+xautoclaim",
    "+xrange",
    "+xrevrange",
    "+xinfo",
    "+xlen",
    "+xtrim",
    "+xdel",
    "+scan",
    "+hget",
    "+hset",
    "+hdel",
    "+hexists",
    "+hkeys",
    "+get",
    "+set",
    "+del",
    "+incr",
    "+pexpire",
    "+pttl",
    "+info",
    "+type",
    "+hsetnx",
    "+hmget",
    "+zadd",
    "+zrem",
    "+zcard",
    "+zscore",
    "+zrangebylex",
    "+subscribe",
    "+publish",
    "&strandline:*",
    "~orders",
    "~{orders}:*",
    "~payments",
    "~{payments}:*",
};

/// A broker of a user with those rights and what is added or taken away.
class limited
{
public:
    limited(bed const& of, std::vector<std::string> const& changes = {})
    {
        set({"reset", "on", ">pw"});
        set(documented);
        set(changes);
        auto options = options_under_test();
        options.user = "clerk";
        options.password = "pw";
        as_clerk.broker = make_redis_broker(of.broker->get_executor(), std::move(options));
    }

    limited(limited const&) = delete;
    limited& operator=(limited const&) = delete;

    ~limited() { command({"ACL", "DELUSER", "clerk"}); }

    /// Of the clerk, to be used on its own executor.
    bed as_clerk;

    template <class T>
    asio::awaitable<T> run(asio::awaitable<T> operation)
    {
        return on(as_clerk.broker, std::move(operation));
    }

    asio::awaitable<settlement> settle(membership who, settlement item)
    {
        return run(as_clerk.settle(who, item));
    }

private:
    static void set(std::vector<std::string> const& rules)
    {
        for (auto const& rule : rules)
            BOOST_REQUIRE(command({"ACL", "SETUSER", "clerk", rule}) == "OK");
    }
};

settlement release(entry_id id)
{
    auto item = ending(id, settle_as::released);
    item.attempts = 1;
    item.idle = very_old;
    return item;
}

settlement removal(entry_id id)
{
    auto item = ending(id);
    item.remove = true;
    return item;
}

/// All that looks after streams.
asio::awaitable<void> look_after_streams(bed& of)
{
    auto& broker = *of.broker;
    membership const bob{"payments", "g", "bob"};
    auto const ids = co_await of.deliver(bob, 4);
    co_await of.settle(bob, ending(ids[0], settle_as::dead));
    auto const letters = (co_await broker.inspect_entries("{payments}:dead", {}, 10)).value();
    BOOST_REQUIRE(letters.size() == 1U);
    replaying again;
    again.id = letters[0].id;
    BOOST_TEST(!(co_await broker.replay("payments", {&again, 1})));
    BOOST_TEST(again.outcome.has_value(), again.outcome.error());
    BOOST_TEST((co_await broker.transfer("payments", "g", "bob", "carol", true, {}, 10))->moved == 3U);
    BOOST_TEST((co_await broker.remove("payments", {&ids[1], 1})).value() == 1U);
    for (auto const count : {100U, 1000U})
        BOOST_TEST((co_await broker.collect("payments", {}, count)).has_value());
    for (auto const from : {start_position::beginning(), start_position::end()}) {
        auto const by = broker.make_follower(from);
        BOOST_TEST(!(co_await read(*by, {"payments"}, 10, 0ms)).why);
    }
    BOOST_TEST((co_await broker.list_streams()).has_value());
    BOOST_TEST((co_await broker.remove_group("payments", "g")).value());
}

/// Everything that the broker can do, with success.
asio::awaitable<void> do_everything(bed& of)
{
    auto& broker = *of.broker;
    auto const ids = co_await of.deliver(alice, 6);
    BOOST_TEST(!(co_await broker.join(own_alice, lease, true)));
    BOOST_TEST(!(co_await broker.join({"orders", "g", "bob", "b"}, lease, false)));
    BOOST_TEST((co_await broker.join({"orders", "g", "carol", "c"}, lease * 2, true)) == errc::lease_differs);
    BOOST_TEST((co_await of.take(own_alice, ids[0])).state == holding::held);
    BOOST_TEST((co_await of.renew(own_alice, ids[0])) == holding::held);
    BOOST_TEST(!(co_await broker.renew(own_alice, {}, {})));
    BOOST_TEST((co_await broker.backlog(alice, {}, 10)).has_value());
    (void)co_await of.claim(own_alice);
    auto sure = ending(ids[0]);
    sure.surely_held = true;
    auto dead = ending(ids[3], settle_as::dead);
    for (auto const& item : {sure, ending(ids[1]), release(ids[2]), removal(ids[4])}) {
        auto const settled = co_await of.settle(own_alice, item);
        BOOST_TEST(settled.state == holding::held);
        BOOST_TEST(!settled.error_of_item, settled.error_of_item);
    }
    BOOST_TEST(!(co_await broker.settle(own_alice, {&dead, 1}, {10, very_old})));
    BOOST_TEST(!dead.error_of_item, dead.error_of_item);
    BOOST_TEST(!(co_await broker.leave(own_alice)));
    BOOST_TEST((co_await broker.remove_idle("orders", "g", 0ms)).has_value());

    std::array items{
        once("orders", "x", "k"), due_at("orders", "x", 1000), plain("orders", "x"),
        delayed("orders", "x", 1h)
    };
    items[2].keep = {.count = 1000, .age = very_old};
    for (auto const atomic : {false, true}) {
        co_await broker.append(items, {.atomic = atomic});
        for (auto const& item : items)
            BOOST_TEST(item.outcome.has_value(), item.outcome.error());
    }
    BOOST_TEST((co_await broker.cancel_delayed("orders", *items[3].outcome)).value());
    BOOST_TEST((co_await broker.inspect_delayed("orders", {}, 10))->size() == 3U);
    BOOST_TEST((co_await broker.count_delayed("orders")).value() == 3U);
    command({"ZADD", "{orders}:delayed", "0", "0000000000001-1"});
    auto const promoted = co_await broker.promote_due("orders", 10);
    BOOST_TEST(promoted->moved == 2U);
    BOOST_TEST(promoted->set_aside == 1U);
    BOOST_TEST((co_await broker.trim("orders", {.count = 1000, .age = very_old})).has_value());

    auto const name = group_lock("orders", "g");
    BOOST_TEST((co_await broker.lock(name, "a", lease)).has_value());
    BOOST_TEST((co_await broker.lock(name, "a", lease)).has_value());
    BOOST_TEST(!(co_await broker.renew_lock(name, "a", lease)));
    BOOST_TEST((co_await broker.inspect_lock(name)).has_value());
    BOOST_TEST(!(co_await broker.unlock(name, "a")));

    std::array<std::string_view, 1> const measured{"orders"};
    auto const statistics = co_await broker.measure(measured);
    BOOST_REQUIRE(statistics.has_value());
    BOOST_TEST(!statistics->at(0).why, statistics->at(0).why);
    BOOST_TEST((statistics->at(0).delayed.has_value() && statistics->at(0).dead.has_value()));
    BOOST_TEST((co_await broker.inspect_server()).has_value());

    auto const reader = broker.make_reader("g", "alice", read_as::acknowledged);
    co_await of.append("orders", "x");
    BOOST_TEST(!(co_await read(*reader, {"orders"}, 10, long_wait)).why);

    BOOST_TEST((co_await broker.inspect_stream("orders")).has_value());
    BOOST_TEST((co_await broker.inspect_groups("orders")).value().at(0).lag.has_value());
    BOOST_TEST((co_await broker.inspect_consumers("orders", "g")).has_value());
    BOOST_TEST((co_await broker.inspect_pending("orders", "g", {}, 10)).has_value());

    auto const told = std::make_shared<int>(0);
    auto const interest = broker.watch("orders", "g", [told] { ++*told; });
    while (*told == 0) {
        co_await of.settle(alice, release(ids[5]));
        co_await of.round_trip();
    }
}

/// How an item of each kind fares where some right is missing: success, or an error of the item alone.
void check_settling(
    std::vector<std::string> const& changes, std::vector<settle_as> const& refused, retention limits = {}
)
{
    check([&](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        limited by(of, changes);
        std::array items{
            ending(ids[0], settle_as::dead), ending(ids[1]), release(ids[2]), ending(ids[3], settle_as::dead)
        };
        auto const why = co_await by.run(by.as_clerk.broker->settle(alice, items, limits));
        BOOST_TEST(!why, why);
        std::size_t left = 0;
        for (auto const& item : items) {
            auto const is_refused = std::ranges::find(refused, item.as) != refused.end();
            BOOST_TEST(item.state == holding::held);
            if (is_refused)
                BOOST_TEST(item.error_of_item == errc::not_permitted, item.error_of_item);
            else
                BOOST_TEST(!item.error_of_item, item.error_of_item);
            if (is_refused || item.as == settle_as::released)
                ++left;
        }
        // What was refused is pending as before.
        BOOST_TEST((co_await of.pending("orders", "g")).size() == left);
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(W2_rights)

BOOST_AUTO_TEST_CASE(as_documented_are_enough_for_everything)
{
    check([](bed& of) -> asio::awaitable<void> {
        limited by(of);
        co_await by.run(do_everything(by.as_clerk));
        co_await by.run(look_after_streams(by.as_clerk));
    });
}

BOOST_AUTO_TEST_CASE(on_the_dead_letters_are_needed_by_dead_letters_alone)
{
    check_settling({"resetkeys", "~orders"}, {settle_as::dead});
    check_settling({"-xadd"}, {settle_as::dead});
    check_settling({"-xrange"}, {settle_as::dead});
    check_settling({"-time"}, {settle_as::dead});
}

BOOST_AUTO_TEST_CASE(to_trim_are_needed_by_limits_alone)
{
    check_settling({"-xtrim"}, {});
    check_settling({"-xtrim"}, {settle_as::dead}, {.count = 1});
    check_settling({"-xlen"}, {settle_as::dead}, {.count = 1});
    check_settling({"-xtrim"}, {settle_as::dead}, {.age = 1h});
}

BOOST_AUTO_TEST_CASE(to_release_or_to_tell_are_not_needed_by_others)
{
    check_settling({"-xclaim"}, {settle_as::released});
    check_settling({"-publish"}, {});
    check_settling({"resetchannels"}, {});
    // Nobody's log fills.
    BOOST_TEST(command({"ACL", "LOG"}).find("publish") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(to_remove_are_needed_by_removals_alone)
{
    for (auto const* missing : {"-xdel", "-xinfo"})
        check([missing](bed& of) -> asio::awaitable<void> {
            auto const ids = co_await of.deliver(alice, 2);
            limited by(of, {missing});
            std::array items{removal(ids[0]), ending(ids[1])};
            BOOST_TEST(!(co_await by.run(by.as_clerk.broker->settle(alice, items))));
            BOOST_TEST(items[0].error_of_item == errc::not_permitted);
            BOOST_TEST(!items[1].error_of_item);
            BOOST_TEST((co_await of.pending("orders", "g")).size() == 1U);
        });
}

BOOST_AUTO_TEST_CASE(on_the_record_of_the_group_are_needed_by_tokens_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        limited by(of, {"resetkeys", "~orders"});
        auto& broker = *by.as_clerk.broker;
        BOOST_TEST((co_await by.run(broker.join(own_alice, lease, true))) == errc::not_permitted);
        BOOST_TEST((co_await by.run(broker.leave(own_alice))) == errc::not_permitted);
        BOOST_TEST((co_await by.run(broker.renew(own_alice, {}, {}))) == errc::not_permitted);
        BOOST_TEST(!(co_await by.run(broker.renew(alice, {}, {}))));
        BOOST_TEST((co_await by.settle(alice, ending(ids[0]))).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(that_a_script_lacks_are_told_as_such)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        {
            limited by(of, {"-xclaim", "-xautoclaim", "-hset", "-hdel", "-set"});
            auto& broker = *by.as_clerk.broker;
            auto wanted = asking(ids[0]);
            auto state = holding::held;
            BOOST_TEST((co_await by.run(broker.take(alice, {&wanted, 1}))) == errc::not_permitted);
            BOOST_TEST((co_await by.run(broker.renew(alice, ids, {&state, 1}))) == errc::not_permitted);
            BOOST_TEST((co_await by.run(broker.claim(alice, 0ms, {}, 10))).error() == errc::not_permitted);
            BOOST_TEST((co_await by.run(broker.join(own_alice, lease, true))) == errc::not_permitted);
            BOOST_TEST(
                (co_await by.run(broker.lock("{orders}:x", "a", lease))).error() == errc::not_permitted
            );
        }
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1U);
        BOOST_TEST(pending[0].attempts == 1U);
    });
}

BOOST_AUTO_TEST_CASE(S1_are_asked_for_before_anything_is_written)
{
    for (auto const* const missing :
         {"-type", "-xadd", "-get", "-set", "-incr", "-hsetnx", "-zadd", "-zrangebylex", "-xtrim", "-time"})
        check([missing](bed& of) -> asio::awaitable<void> {
            limited by(of, {missing});
            auto item = delayed("orders", "x", 1h);
            item.once = "k";
            item.window = 1h;
            item.keep.age = very_old;
            std::array items{item, item};
            items[1].once = "l";
            for (auto const atomic : {false, true}) {
                co_await by.run(by.as_clerk.broker->append(items, {.atomic = atomic}));
                BOOST_TEST_CONTEXT(missing)
                for (auto const& each : items) {
                    BOOST_REQUIRE(each.outcome.has_error());
                    BOOST_TEST(each.outcome.error() == errc::not_permitted, each.outcome.error());
                }
            }
            BOOST_TEST(command({"DBSIZE"}) == "0");
        });
}

BOOST_AUTO_TEST_CASE(D1_to_move_what_is_due_are_asked_for_before_anything_is_moved)
{
    for (auto const* const missing : {"-xadd", "-zrem", "-hdel", "-hmget", "-zrangebylex", "-xtrim", "-time"})
        check([missing](bed& of) -> asio::awaitable<void> {
            auto item = due_at("orders", "x", 1000);
            item.keep.age = very_old;
            co_await of.append(item);
            limited by(of, {missing});
            auto const done = co_await by.run(by.as_clerk.broker->promote_due("orders", 10));
            BOOST_TEST_CONTEXT(missing)
            {
                BOOST_REQUIRE(done.has_error());
                BOOST_TEST(done.error() == errc::not_permitted, done.error());
            }
            BOOST_TEST(command({"EXISTS", "orders"}) == "0");
            BOOST_TEST((co_await of.promote("orders")) == 1U);
        });
}

BOOST_AUTO_TEST_CASE(D1_on_the_dead_letters_are_needed_by_damaged_entries_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"ZADD", "{orders}:delayed", "0", "0000000000001-1"});
        co_await of.append(due_at("orders", "x", 1000));
        limited by(of, {"resetkeys", "~orders", "~{orders}:delayed", "~{orders}:delayed:entries"});
        auto const done = co_await by.run(by.as_clerk.broker->promote_due("orders", 10));
        BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
        BOOST_TEST(done->moved == 1U);
        BOOST_TEST(done->not_set_aside == errc::not_permitted);
    });
}

BOOST_AUTO_TEST_CASE(R1_to_replay_are_asked_for_before_anything_is_written)
{
    for (auto const* const missing : {"-xrange", "-xadd", "-xdel", "-xlen"})
        check([missing](bed& of) -> asio::awaitable<void> {
            auto const id = co_await of.append("{orders}:dead", "x");
            limited by(of, {missing});
            replaying again;
            again.id = id;
            BOOST_TEST(!(co_await by.run(by.as_clerk.broker->replay("orders", {&again, 1}))));
            BOOST_TEST_CONTEXT(missing)
            {
                BOOST_REQUIRE(again.outcome.has_error());
                BOOST_TEST(again.outcome.error() == errc::not_permitted, again.outcome.error());
            }
            BOOST_TEST(command({"EXISTS", "orders"}) == "0");
            BOOST_TEST(command({"XLEN", "{orders}:dead"}) == "1");
        });
}

BOOST_AUTO_TEST_CASE(G1_to_collect_are_asked_for_before_anything_is_written)
{
    for (auto const* const missing : {"-xinfo", "-xpending", "-xrange", "-xack", "-xtrim"})
        check([missing](bed& of) -> asio::awaitable<void> {
            auto const ids = co_await of.deliver(alice, 3);
            BOOST_TEST((co_await of.broker->remove("orders", {ids.data(), 1})).value() == 1U);
            co_await of.settle(alice, ending(ids[1]));
            limited by(of, {missing});
            auto const done = co_await by.run(by.as_clerk.broker->collect("orders", {}, 10));
            BOOST_TEST_CONTEXT(missing)
            {
                BOOST_REQUIRE(done.has_error());
                BOOST_TEST(done.error() == errc::not_permitted, done.error());
            }
            BOOST_TEST((co_await of.pending("orders", "g")).size() == 2U);
            BOOST_TEST(command({"XLEN", "orders"}) == "2");
        });
}

BOOST_AUTO_TEST_CASE(to_transfer_are_asked_for_before_anything_is_written)
{
    for (auto const* const missing : {"-xpending", "-hget", "-xclaim", "-xack"})
        check([missing](bed& of) -> asio::awaitable<void> {
            (void)co_await of.deliver(alice, 1);
            limited by(of, {missing});
            auto const done =
                co_await by.run(by.as_clerk.broker->transfer("orders", "g", "alice", "bob", true, {}, 1));
            BOOST_TEST_CONTEXT(missing)
            {
                BOOST_REQUIRE(done.has_error());
                BOOST_TEST(done.error() == errc::not_permitted, done.error());
            }
            BOOST_TEST((co_await of.pending("orders", "g")).at(0).consumer == "alice");
        });
}

BOOST_AUTO_TEST_CASE(to_remove_a_group_are_asked_for_before_anything_is_written)
{
    for (auto const* const missing : {"-xgroup|destroy", "-del"})
        check([missing](bed& of) -> asio::awaitable<void> {
            (void)co_await of.deliver(alice, 1);
            BOOST_TEST(!(co_await of.broker->join(own_alice, lease, true)));
            limited by(of, {missing});
            auto const done = co_await by.run(by.as_clerk.broker->remove_group("orders", "g"));
            BOOST_TEST_CONTEXT(missing)
            {
                BOOST_REQUIRE(done.has_error());
                BOOST_TEST(done.error() == errc::not_permitted, done.error());
            }
            BOOST_TEST((co_await of.broker->inspect_groups("orders"))->size() == 1U);
            BOOST_TEST(command({"EXISTS", "{orders}:group:g"}) == "1");
        });
}

BOOST_AUTO_TEST_CASE(to_count_a_stream_are_needed_for_its_lag)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(alice, 1);
        limited by(of, {"-xlen"});
        auto const groups = co_await by.run(by.as_clerk.broker->inspect_groups("orders"));
        BOOST_REQUIRE(groups.has_value());
        BOOST_TEST(groups->at(0).pending == 1U);
        BOOST_TEST(!groups->at(0).lag.has_value());
    });
}

BOOST_AUTO_TEST_CASE(to_measure_are_needed_each_for_its_part)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 1);
        std::array<std::string_view, 1> const streams{"orders"};
        auto const measure = [&](std::vector<std::string> const& changes
                             ) -> asio::awaitable<stream_statistics> {
            limited by(of, changes);
            auto const told = co_await by.run(by.as_clerk.broker->measure(streams));
            BOOST_REQUIRE_MESSAGE(told.has_value(), told.error());
            co_return told->at(0);
        };
        auto const without_zcard = co_await measure({"-zcard"});
        BOOST_TEST(!without_zcard.why);
        BOOST_TEST(!without_zcard.delayed.has_value());
        BOOST_TEST((without_zcard.dead == 0U));
        auto const without_xinfo = co_await measure({"-xinfo"});
        BOOST_TEST(without_xinfo.why == errc::not_permitted);
        BOOST_TEST((without_xinfo.delayed == 0U));
        auto const without_pending = co_await measure({"-xpending"});
        BOOST_TEST(without_pending.why == errc::not_permitted);
        auto const other_keys = co_await measure({"resetkeys", "~users"});
        BOOST_TEST(other_keys.why == errc::not_permitted);
    });
}

BOOST_AUTO_TEST_CASE(to_count_a_lag_are_made_up_for_by_at_least)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const ids = co_await of.append_numbers("orders", 3);
        command({"XDEL", "orders", ids[1].to_string()});
        limited by(of, {"-xrevrange"});
        std::array<std::string_view, 1> const streams{"orders"};
        auto const told = co_await by.run(by.as_clerk.broker->measure(streams));
        BOOST_REQUIRE_MESSAGE(told.has_value(), told.error());
        BOOST_TEST(!told->at(0).why);
        BOOST_TEST(told->at(0).groups.at(0).lag == 0U);
        BOOST_TEST(told->at(0).groups.at(0).lag_is_at_least);
    });
}

BOOST_AUTO_TEST_CASE(to_ask_the_server_about_itself_are_told_as_missing)
{
    check([](bed& of) -> asio::awaitable<void> {
        limited by(of, {"-info"});
        BOOST_TEST((co_await by.run(by.as_clerk.broker->inspect_server())).error() == errc::not_permitted);
    });
}

BOOST_AUTO_TEST_CASE(to_tell_of_a_lock_are_not_needed_to_give_it_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        limited by(of, {"resetchannels", "-publish"});
        auto const name = group_lock("orders", "g");
        BOOST_TEST((co_await by.run(by.as_clerk.broker->lock(name, "a", lease))).has_value());
        BOOST_TEST(!(co_await by.run(by.as_clerk.broker->unlock(name, "a"))));
        BOOST_TEST(!(co_await of.broker->inspect_lock(name))->free_in.has_value());
    });
}

BOOST_AUTO_TEST_SUITE_END()
