// Looking after streams where a server has done more to them than we do: groups set back, other types, full
// memory.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

membership const alice{"orders", "g", "alice"};

std::string command(std::initializer_list<std::string_view> words)
{
    return server_under_test().command(words);
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

replaying letter(entry_id id)
{
    replaying item;
    item.id = id;
    return item;
}

asio::awaitable<collection> collect(bed& of, std::size_t count = 1000)
{
    auto const done = co_await of.broker->collect("orders", {}, count);
    BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
    co_return *done;
}

} // namespace

BOOST_AUTO_TEST_SUITE(G1_collecting_on_a_server)

BOOST_AUTO_TEST_CASE(keeps_what_a_group_that_was_set_back_reads_again)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 6);
        for (auto const i : {0U, 1U, 2U, 3U, 5U})
            (void)co_await of.settle(alice, ending(ids[i]));
        // Behind its pending entry.
        BOOST_REQUIRE(command({"XGROUP", "SETID", "orders", "g", ids[1].to_string()}) == "OK");
        BOOST_TEST((co_await collect(of)).removed == 2U);
        BOOST_TEST((co_await of.broker->inspect_entries("orders", {}, 10))->front().id == ids[2]);
        // And one that was moved forward has done with what lies between, but for what is pending.
        BOOST_REQUIRE(command({"XGROUP", "SETID", "orders", "g", "$"}) == "OK");
        BOOST_TEST((co_await collect(of)).removed == 2U);
        BOOST_TEST((co_await of.broker->inspect_entries("orders", {}, 10))->front().id == ids[4]);
    });
}

BOOST_AUTO_TEST_CASE(compares_ids_that_numbers_cannot_tell_apart)
{
    check([](bed& of) -> asio::awaitable<void> {
        // They differ in the last of 20 digits, and in their length.
        texts const ids{
            "999-5",
            "1000-18446744073709551613",
            "1000-18446744073709551614",
            "1000-18446744073709551615",
            "18446744073709551614-9",
            "18446744073709551614-10"
        };
        for (auto const& id : ids)
            BOOST_REQUIRE(command({"XADD", "orders", id, "body", id}) == id);
        co_await of.ensure_group("orders", "g");
        for (std::size_t i = 0; i != ids.size(); ++i) {
            BOOST_TEST((co_await collect(of)).removed == (i == 0 ? 0U : 1U));
            auto const read = co_await of.read_now("orders", "g", "alice", 1);
            BOOST_REQUIRE(read.size() == 1U);
            BOOST_TEST(read[0].entry.body.value_or("none") == ids[i]);
            BOOST_TEST((co_await collect(of)).removed == 0U);
            (void)co_await of.settle(alice, ending(read[0].id));
        }
        BOOST_TEST((co_await collect(of)).removed == 1U);
    });
}

BOOST_AUTO_TEST_CASE(works_at_full_memory)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 3);
        (void)co_await of.settle(alice, ending(ids[0]));
        full_memory const full;
        BOOST_TEST((co_await collect(of)).removed == 1U);
    });
}

BOOST_AUTO_TEST_CASE(does_not_look_at_other_types)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        entry_id const id{1, 1};
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.collect("text", {}, 10)).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.remove("text", {&id, 1})).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.remove_group("text", "g")).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.inspect_entries("text", {}, 10)).error() == errc::wrong_type);
        BOOST_TEST(
            (co_await broker.transfer("text", "g", "a", "b", true, {}, 1)).error() == errc::wrong_type
        );
        auto item = letter(id);
        BOOST_TEST((co_await broker.replay("text", {&item, 1})) == errc::wrong_type);
        command({"SET", "{orders}:dead", "x"});
        BOOST_TEST((co_await broker.replay("orders", {&item, 1})) == errc::wrong_type);
        for (auto const from : {start_position::beginning(), start_position::end()}) {
            auto const by = broker.make_follower(from);
            BOOST_TEST((co_await read(*by, {"orders", "text"}, 10, long_wait)).why == errc::wrong_type);
        }
        BOOST_TEST(command({"GET", "text"}) == "x");
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(R1_replaying_on_a_server)

BOOST_AUTO_TEST_CASE(keeps_the_letters_at_full_memory)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("{orders}:dead", 2);
        std::array items{letter(ids[0]), letter(ids[1])};
        {
            full_memory const full;
            BOOST_TEST(!(co_await of.broker->replay("orders", items)));
        }
        for (auto const& item : items) {
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST(item.outcome.error() == errc::out_of_memory, item.outcome.error());
        }
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 2U);
        BOOST_TEST(command({"EXISTS", "orders"}) == "0");
        BOOST_TEST(!(co_await of.broker->replay("orders", items)));
        BOOST_TEST(items[0].outcome.has_value());
        BOOST_TEST(items[1].outcome.has_value());
    });
}

BOOST_AUTO_TEST_CASE(makes_one_entry_of_a_letter_that_two_brokers_replay)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("{orders}:dead", 200);
        auto const replay_all = [](broker_ptr by, std::vector<entry_id> all) -> asio::awaitable<std::size_t> {
            std::size_t done = 0;
            for (auto const id : all) {
                auto item = letter(id);
                auto const why = co_await by->replay("orders", {&item, 1});
                BOOST_TEST(!why, why);
                if (item.outcome.has_value())
                    ++done;
                else
                    BOOST_TEST(item.outcome.error() == errc::no_entry, item.outcome.error());
            }
            co_return done;
        };
        auto const other = make_redis_broker(of.broker->get_executor(), options_under_test());
        auto here = of.start(replay_all(of.broker, ids));
        auto there = of.start(on(other, replay_all(other, ids)));
        auto const done = co_await here.get() + co_await there.get();
        BOOST_TEST(done == 200U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 200U);
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 0U);
    });
}

BOOST_AUTO_TEST_CASE(keeps_a_letter_that_has_too_many_fields)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<header_view> const headers(4'000, {"name", "value"});
        auto const id = co_await of.append("{orders}:dead", {"x", headers});
        auto const small = co_await of.append("{orders}:dead", "small");
        std::array items{letter(id), letter(small)};
        BOOST_TEST(!(co_await of.broker->replay("orders", items)));
        BOOST_REQUIRE(items[0].outcome.has_error());
        BOOST_TEST(items[0].outcome.error() == errc::server_error);
        BOOST_TEST(
            items[0].outcome.error().words().find("too many fields") != std::string::npos,
            items[0].outcome.error()
        );
        BOOST_TEST(items[1].outcome.has_value());
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1U);
    });
}

BOOST_AUTO_TEST_CASE(has_room_for_many_fields)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<header_view> const headers(3'400, {"name", "value"});
        auto const id = co_await of.append("{orders}:dead", {"x", headers});
        auto item = letter(id);
        BOOST_TEST(!(co_await of.broker->replay("orders", {&item, 1})));
        BOOST_TEST(item.outcome.has_value(), item.outcome.error());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(N1_listing_with_a_prefix)

BOOST_AUTO_TEST_CASE(takes_it_literally_and_leaves_other_keys_out)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto options = options_under_test();
        options.key_prefix = "a*[b]?\\:";
        bed by{make_redis_broker(of.broker->get_executor(), options)};
        (void)co_await on(by.broker, by.append("orders", "x"));
        (void)co_await on(by.broker, by.append("{orders}:dead", "x"));
        for (auto const* const key : {"aXb?\\:users", "{aXb?\\:users}:dead", "other", "a*[b]?\\:{t}x"})
            command({"XADD", key, "*", "body", "x"});
        command({"SET", "a*[b]?\\:text", "x"});
        auto names = (co_await on(by.broker, by.broker->list_streams())).value();
        std::ranges::sort(names);
        BOOST_TEST(names == (texts{"orders", "{orders}:dead"}), per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(followers_of_a_server)

BOOST_AUTO_TEST_CASE(lose_nothing_when_their_connection_breaks)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const by = of.broker->make_follower(start_position::end());
        BOOST_TEST((co_await read(*by, {"orders"}, 10, 0ms)).entries.empty());
        std::size_t found = 0;
        for (int i = 0; i != 5; ++i) {
            auto waiting = of.start(read(*by, {"orders"}, 10, long_wait));
            co_await of.round_trip();
            co_await of.round_trip();
            command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
            auto const broken = co_await waiting.get();
            found += broken.entries.size();
            command({"XADD", "orders", "*", "body", "x"});
            while (found != static_cast<std::size_t>(i) + 1)
                found += (co_await read(*by, {"orders"}, 10, 100ms)).entries.size();
        }
        BOOST_TEST((co_await read(*by, {"orders"}, 10, 0ms)).entries.empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()
