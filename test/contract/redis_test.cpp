// What only a server does: hold other things than streams, have entries deleted, be full, forget scripts.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};
membership const bob{"orders", "g", "bob"};

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
}

void remove(entry_id id)
{
    BOOST_REQUIRE(command({"XDEL", "orders", id.to_string()}) == "1");
}

/// Full for as long as it lives.
class full_memory
{
public:
    full_memory() { BOOST_REQUIRE(command({"CONFIG", "SET", "maxmemory", "1"}) == "OK"); }

    full_memory(full_memory const&) = delete;
    full_memory& operator=(full_memory const&) = delete;

    ~full_memory() { command({"CONFIG", "SET", "maxmemory", "0"}); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(keys_of_another_type)

BOOST_AUTO_TEST_CASE(fail_their_item_of_an_append_alone)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        std::array<appending, 4> items{
            {{"orders", {"0", {}}, {}},
             {"text", {"1", {}}, {}},
             {"orders", {"2", {}}, {}},
             {"users", {"3", {}}, {}}}
        };
        co_await of.broker->append(items);
        BOOST_TEST(items[0].outcome.has_value());
        BOOST_REQUIRE(items[1].outcome.has_error());
        BOOST_TEST(items[1].outcome.error() == errc::wrong_type);
        BOOST_TEST(items[2].outcome.has_value());
        BOOST_TEST(items[3].outcome.has_value());
        BOOST_TEST(*items[0].outcome < *items[2].outcome);
        BOOST_TEST(command({"GET", "text"}) == "x");
    });
}

BOOST_AUTO_TEST_CASE(are_told_by_every_operation)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        auto& broker = *of.broker;
        membership const who{"text", "g", "c"};
        entry_id const id{1, 1};
        BOOST_TEST((co_await broker.ensure_group("text", "g", {})) == errc::wrong_type);
        BOOST_TEST((co_await broker.backlog(who, {}, 10)).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.claim(who, lease, {}, 10)).error() == errc::wrong_type);
        auto wanted = asking(id);
        BOOST_TEST((co_await broker.take(who, {&wanted, 1})) == errc::wrong_type);
        auto state = holding::held;
        BOOST_TEST((co_await broker.renew(who, {&id, 1}, {&state, 1})) == errc::wrong_type);
        for (auto const sure : {false, true}) {
            auto item = ending(id);
            item.surely_held = sure;
            BOOST_TEST((co_await broker.settle(who, {&item, 1})) == errc::wrong_type);
        }
        BOOST_TEST((co_await broker.inspect_stream("text")).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.inspect_groups("text")).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.inspect_consumers("text", "g")).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.inspect_pending("text", "g", {}, 10)).error() == errc::wrong_type);
    });
}

BOOST_AUTO_TEST_CASE(fail_a_read_whole)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        co_await of.ensure_group("orders", "g");
        co_await of.append("orders", "0");
        auto const reader = of.broker->make_reader("g", "c");
        for (auto const wait : {0ms, long_wait}) {
            auto const got = co_await read(*reader, {"orders", "text"}, 10, wait);
            BOOST_TEST(got.why == errc::wrong_type);
            BOOST_TEST(got.entries.empty());
        }
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
    });
}

BOOST_AUTO_TEST_CASE(keep_a_dead_letter_pending)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "{orders}:dead", "x"});
        auto const ids = co_await of.deliver(alice, 2);
        std::array items{ending(ids[0], settle_as::dead), ending(ids[1])};
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[0].error_of_item == errc::wrong_type);
        BOOST_TEST(items[1].state == holding::held);
        BOOST_TEST(!items[1].error_of_item);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].id == ids[0]);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(entries_deleted_while_pending)

BOOST_AUTO_TEST_CASE(are_gone_for_who_takes_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        remove(ids[1]);
        std::array items{asking(ids[0]), asking(ids[1]), asking(ids[2])};
        BOOST_TEST(!(co_await of.broker->take(alice, items)));
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[1].state == holding::gone);
        BOOST_TEST(items[2].state == holding::held);
        BOOST_TEST(items[2].entry.body.value_or("none") == "2");
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 2);
    });
}

BOOST_AUTO_TEST_CASE(are_told_and_cleared_by_a_claim)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        co_await of.make_old(alice, ids[2]);
        remove(ids[1]);
        auto const taken = co_await of.claim(bob);
        BOOST_TEST(ids_of(taken.entries) == std::vector{ids[2]}, per_element());
        BOOST_TEST(taken.gone == std::vector{ids[1]}, per_element());
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 2);
        BOOST_TEST(pending[0].id == ids[0]);
        BOOST_TEST(pending[1].id == ids[2]);
    });
}

BOOST_AUTO_TEST_CASE(are_gone_for_who_renews_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        remove(ids[0]);
        std::array<holding, 2> states{};
        BOOST_TEST(!(co_await of.broker->renew(alice, ids, states)));
        BOOST_TEST(states[0] == holding::gone);
        BOOST_TEST(states[1] == holding::held);
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(are_gone_for_who_releases_or_buries_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        remove(ids[0]);
        remove(ids[1]);
        std::array items{
            ending(ids[0], settle_as::released), ending(ids[1], settle_as::dead),
            ending(ids[2], settle_as::dead)
        };
        BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        BOOST_TEST(items[0].state == holding::gone);
        BOOST_TEST(items[1].state == holding::gone);
        BOOST_TEST(items[2].state == holding::held);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1);
    });
}

BOOST_AUTO_TEST_CASE(are_removed_by_the_order_of_ids_and_not_of_texts)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const* id : {"9-9", "9-10", "10-1", "18446744073709551615-1"})
            command({"XADD", "orders", id, "body", "x"});
        co_await of.ensure_group("orders", "g");
        (void)co_await of.read_now("orders", "g", "alice");
        co_await of.ensure_group("orders", "h", {entry_id{9, 9}});
        for (auto const id :
             {entry_id{9, 9}, entry_id{9, 10}, entry_id{10, 1}, entry_id{~std::uint64_t{0}, 1}})
        {
            auto item = ending(id);
            item.remove = true;
            BOOST_TEST((co_await of.settle(alice, item)).state == holding::held);
        }
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 3U);
        command({"XGROUP", "SETID", "orders", "h", "10-1"});
        co_await of.ensure_group("orders", "k");
        membership const keeper{"orders", "k", "c"};
        (void)co_await of.read_now("orders", "k", "c");
        for (auto const id : {entry_id{9, 10}, entry_id{10, 1}, entry_id{~std::uint64_t{0}, 1}}) {
            auto item = ending(id);
            item.remove = true;
            co_await of.settle(keeper, item);
        }
        BOOST_TEST(command({"XRANGE", "orders", "-", "+"}) == "18446744073709551615-1\nbody\nx");
    });
}

BOOST_AUTO_TEST_CASE(can_be_acknowledged)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        remove(ids[0]);
        remove(ids[1]);
        BOOST_TEST((co_await of.settle(alice, ending(ids[0]))).state == holding::held);
        auto sure = ending(ids[1]);
        sure.surely_held = true;
        BOOST_TEST((co_await of.settle(alice, sure)).state == holding::held);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
    });
}

BOOST_AUTO_TEST_CASE(stay_in_the_backlog_until_then)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        remove(ids[0]);
        auto const got = co_await of.broker->backlog(alice, {}, 10);
        BOOST_TEST(ids_of(*got) == ids, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(full_server)

BOOST_AUTO_TEST_CASE(refuses_appends_and_says_why)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append("orders", "0");
        full_memory const full;
        appending item{"orders", {"1", {}}, {}};
        co_await of.broker->append({&item, 1});
        BOOST_REQUIRE(item.outcome.has_error());
        BOOST_TEST(item.outcome.error() == errc::out_of_memory);
    });
}

BOOST_AUTO_TEST_CASE(keeps_a_dead_letter_pending_and_settles_the_others)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        // The script is known to the server: reading or not, a full one refuses to learn.
        co_await of.settle(alice, ending(ids[3]));
        std::array items{
            ending(ids[0], settle_as::dead), ending(ids[1]), ending(ids[2], settle_as::released)
        };
        {
            full_memory const full;
            BOOST_TEST(!(co_await of.broker->settle(alice, items)));
        }
        BOOST_TEST(items[0].state == holding::held);
        BOOST_TEST(items[0].error_of_item == errc::out_of_memory);
        BOOST_TEST(!items[1].error_of_item);
        BOOST_TEST(!items[2].error_of_item);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 2);
        BOOST_TEST(pending[0].id == ids[0]);
        BOOST_TEST(pending[1].id == ids[2]);
        BOOST_TEST((co_await of.settle(alice, items[0])).state == holding::held);
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1);
    });
}

BOOST_AUTO_TEST_CASE(lets_consumers_join_and_leave)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        membership const who{"orders", "g", "alice", "token"};
        full_memory const full;
        BOOST_TEST(!(co_await of.broker->join(who, lease, false)));
        BOOST_TEST(command({"HGETALL", "{orders}:group:g"}) == "lease\n1800000\nowner:alice\ntoken");
        BOOST_TEST(!(co_await of.broker->join(who, lease * 2, false)));
        BOOST_TEST(command({"HGET", "{orders}:group:g", "lease"}) == "3600000");
        BOOST_TEST(!(co_await of.broker->renew(who, {}, {})));
        BOOST_TEST(!(co_await of.broker->leave(who)));
        BOOST_TEST(command({"XINFO", "CONSUMERS", "orders", "g"}) == "");
    });
}

BOOST_AUTO_TEST_CASE(gives_and_renews_locks)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const name = group_lock("orders", "g");
        full_memory const full;
        BOOST_TEST((co_await of.broker->lock(name, "a", lease)).value() == 1U);
        BOOST_TEST((co_await of.broker->lock(name, "a", lease)).value() == 1U);
        BOOST_TEST(!(co_await of.broker->renew_lock(name, "a", very_old)));
        BOOST_TEST(std::stol(command({"PTTL", "{orders}:lock:g:holder"})) > lease.count());
        BOOST_TEST(!(co_await of.broker->unlock(name, "a")));
        BOOST_TEST((co_await of.broker->lock(name, "b", lease)).value() == 2U);
        BOOST_TEST(command({"PTTL", "{orders}:lock:g:fence"}) == "-1");
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(names_on_a_server)

namespace {

membership const old_alice{"orders", "g", "alice", "old"};
membership const new_alice{"orders", "g", "alice", "new"};

} // namespace

BOOST_AUTO_TEST_CASE(L2_are_the_newest_processes)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(old_alice, 1);
        BOOST_TEST(!(co_await of.broker->join(old_alice, lease, true)));
        auto const other = make_redis_broker(of.broker->get_executor(), options_under_test());
        BOOST_TEST((co_await on(other, other->join(new_alice, lease, false))) == errc::name_taken);
        BOOST_TEST((co_await of.renew(old_alice, ids[0])) == holding::held);
        BOOST_TEST(!(co_await on(other, other->join(new_alice, lease, true))));
        BOOST_TEST((co_await of.broker->renew(old_alice, {}, {})) == errc::name_taken);
        BOOST_TEST((co_await of.broker->leave(old_alice)) == errc::name_taken);
        // An ack that is sure of itself is not checked, and finds its lease.
        auto sure = ending(ids[0]);
        sure.surely_held = true;
        BOOST_TEST((co_await of.settle(old_alice, sure)).state == holding::held);
    });
}

BOOST_AUTO_TEST_CASE(L2_are_nobodys_on_an_emptied_server)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease, true)));
        command({"FLUSHALL"});
        BOOST_TEST((co_await of.broker->renew(new_alice, {}, {})) == errc::no_group);
        auto const ids = co_await of.deliver(new_alice, 1);
        BOOST_TEST((co_await of.renew(new_alice, ids[0])) == holding::held);
        BOOST_TEST((co_await of.settle(new_alice, ending(ids[0]))).state == holding::held);
        BOOST_TEST(!(co_await of.broker->join(old_alice, lease * 2, false)));
    });
}

BOOST_AUTO_TEST_CASE(L1_that_were_deleted_by_hand_do_not_keep_the_lease)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        BOOST_TEST(!(co_await of.broker->join({"orders", "g", "bob", "b"}, lease, true)));
        BOOST_TEST((co_await of.broker->join(new_alice, lease * 2, true)) == errc::lease_differs);
        command({"XGROUP", "DELCONSUMER", "orders", "g", "bob"});
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease * 2, true)));
        // Its token goes with the next idle name, and the own one does not.
        BOOST_TEST((co_await of.broker->remove_idle("orders", "g", very_old)).value() == 0U);
        BOOST_TEST(command({"HKEYS", "{orders}:group:g"}) == "lease\nowner:alice");
    });
}

BOOST_AUTO_TEST_CASE(joined_again_write_nothing)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const written = [] {
            auto const info = command({"INFO", "persistence"});
            auto const at = info.find("rdb_changes_since_last_save:");
            return info.substr(at, info.find('\r', at) - at);
        };
        BOOST_TEST(!(co_await of.broker->join(new_alice, lease, true)));
        auto const before = written();
        for (auto const take_over : {true, false})
            BOOST_TEST(!(co_await of.broker->join(new_alice, lease, take_over)));
        BOOST_TEST(written() == before);
    });
}

BOOST_AUTO_TEST_CASE(beside_a_key_of_another_type_are_refused)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(new_alice, 1);
        command({"SET", "{orders}:group:g", "x"});
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.join(new_alice, lease, true)) == errc::wrong_type);
        BOOST_TEST((co_await broker.leave(new_alice)) == errc::wrong_type);
        auto item = ending(ids[0]);
        BOOST_TEST((co_await broker.settle(new_alice, {&item, 1})) == errc::wrong_type);
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 1U);
        command({"XADD", "{orders}:lock:g:holder", "*", "a", "b"});
        BOOST_TEST((co_await broker.lock(group_lock("orders", "g"), "a", lease)).error() == errc::wrong_type);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(many_dead_letters)

namespace {

/// Letters of the year 1970.
void add_old_letters(int count)
{
    BOOST_REQUIRE(
        command(
            {"EVAL", "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '1-' .. i, 'body', 'x') end", "1",
             "{orders}:dead", std::to_string(count)}
        ) == ""
    );
}

} // namespace

BOOST_AUTO_TEST_CASE(go_in_steps)
{
    for (auto const& limits : {retention{.count = 20}, retention{.age = 1h}})
        check([&](bed& of) -> asio::awaitable<void> {
            add_old_letters(10'037);
            auto const ids = co_await of.deliver(alice, 20);
            auto length = 10'037U;
            for (auto const id : ids) {
                auto item = ending(id, settle_as::dead);
                BOOST_TEST(!(co_await of.broker->settle(alice, {&item, 1}, limits)));
                auto const now = co_await of.broker->inspect_stream("{orders}:dead");
                // A call holds up everybody else.
                BOOST_TEST(now->length + 5'000 > length);
                length = static_cast<unsigned>(now->length);
            }
            // All the new ones, exactly.
            BOOST_TEST(length == 20U);
            BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->first->ms > 1U);
        });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(may_forget_the_scripts)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        for (auto const id : ids) {
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST((co_await of.take(alice, id)).attempt == 2U);
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST((co_await of.renew(alice, id)) == holding::held);
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST((co_await of.claim(bob)).entries.empty());
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST(!(co_await of.broker->join({"orders", "g", "alice", "token"}, lease, true)));
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST((co_await of.broker->lock("lock", "token", lease)).has_value());
            command({"SCRIPT", "FLUSH"});
            BOOST_TEST((co_await of.settle(alice, ending(id))).state == holding::held);
        }
    });
}

BOOST_AUTO_TEST_CASE(takes_entries_from_any_language)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"XADD", "orders", "*", "body", "{}", "key", "42"});
        command({"XADD", "orders", "*", "temperature", "21"});
        command({"XADD", "orders", "*", "key", "42", "body", "last"});
        co_await of.ensure_group("orders", "g");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_REQUIRE(got.size() == 3);
        BOOST_TEST(bodies_of(got) == (std::vector<std::string>{"{}", "(none)", "last"}), per_element());
        BOOST_TEST(got[1].entry.header("temperature").value_or("none") == "21");
        for (auto const i : {0U, 2U}) {
            BOOST_TEST(got[i].entry.headers.size() == 1);
            BOOST_TEST(got[i].entry.header("key").value_or("none") == "42");
        }
    });
}

BOOST_AUTO_TEST_CASE(gets_entries_that_any_language_reads)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"key", "42"}}};
        auto const id = co_await of.append("orders", entry_view{"{}", headers});
        BOOST_TEST(command({"XRANGE", "orders", "-", "+"}) == id.to_string() + "\nbody\n{}\nkey\n42");
    });
}

BOOST_AUTO_TEST_CASE(buries_an_entry_of_too_many_fields_under_its_id)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> names;
        for (int i = 0; i != 5000; ++i)
            names.push_back("h" + std::to_string(i));
        std::vector<header_view> headers;
        for (auto const& name : names)
            headers.push_back({name, "x"});
        auto const id = co_await of.append("orders", entry_view{"body", headers});
        co_await of.ensure_group("orders", "g");
        (void)co_await of.read_now("orders", "g", "alice");
        auto const item = co_await of.settle(alice, ending(id, settle_as::dead));
        BOOST_TEST(item.state == holding::held);
        BOOST_TEST(!item.error_of_item, item.error_of_item);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());

        co_await of.ensure_group("{orders}:dead", "g");
        auto const letters = co_await of.read_now("{orders}:dead", "g", "c");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].entry.header("dead-id").value_or("none") == id.to_string());
        BOOST_TEST(!letters[0].entry.header("dead-error").value_or("").empty());
    });
}

BOOST_AUTO_TEST_CASE(has_room_for_many_consumers)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        std::vector<std::unique_ptr<stream_reader>> readers;
        std::vector<started<reading>> waiting;
        for (int i = 0; i != 20; ++i) {
            readers.push_back(of.broker->make_reader("g", "c" + std::to_string(i)));
            waiting.push_back(of.start(read(*readers.back(), {"orders"}, 1, long_wait)));
        }
        auto const ids = co_await of.append_numbers("orders", 20);
        std::vector<entry_id> got;
        for (auto& each : waiting)
            std::ranges::copy(ids_of((co_await each.get()).entries), std::back_inserter(got));
        std::ranges::sort(got);
        BOOST_TEST(got == ids, per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()
