// D1, I1, S1, S3: what may happen on a server to entries that are delayed, idempotent or stored in one step.

#include "contract/bed.hpp"
#include "contract/redis_subject.hpp"

#include <algorithm>
#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

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

/// The dead letters' bodies, and one header of each.
asio::awaitable<texts> dead_letters(bed& of, std::string_view name)
{
    texts found;
    co_await of.ensure_group("{orders}:dead", "g");
    for (auto const& one : co_await of.read_now("{orders}:dead", "g", "c"))
        found.push_back(
            std::string(one.entry.body.value_or("(none)")) + "/" +
            std::string(one.entry.header(name).value_or("none"))
        );
    co_return found;
}

void damage(std::string_view member, std::string_view content)
{
    command({"ZADD", "{orders}:delayed", "0", member});
    command({"HSET", "{orders}:delayed:entries", member, content});
}

} // namespace

BOOST_AUTO_TEST_SUITE(delayed_on_a_server)

BOOST_AUTO_TEST_CASE(that_cannot_be_understood_are_set_aside)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"ZADD", "{orders}:delayed", "0", "0000000000001-0000000000000007"});
        damage("0000000000002-0000000000000001", "nonsense");
        // Numbers; a name without a value; something behind it; two that say little.
        damage("0000000000003-0000000000000001", "\x94\x01\x02\x03\x04");
        damage(
            "0000000000004-0000000000000001", "\x93\xa1"
                                              "0\xa1"
                                              "0\xa4"
                                              "body"
        );
        damage(
            "0000000000005-0000000000000001", "\x94\xa1"
                                              "0\xa1"
                                              "0\xa4"
                                              "body\xa1x\xa1x"
        );
        damage(
            "0000000000006-0000000000000001", "\x94\xa1x\xa1"
                                              "0\xa4"
                                              "body\xa1x"
        );
        damage("0000000000007-0000000000000001", "");
        damage("!", "nonsense");
        co_await of.append(due_at("orders", "good", 8));
        co_await of.append(delayed("orders", "far", very_old));
        auto const done = co_await of.broker->promote_due("orders", 500);
        BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
        BOOST_TEST(done->moved == 1U);
        BOOST_TEST(done->set_aside == 8U);
        BOOST_TEST(!done->not_set_aside, done->not_set_aside);
        BOOST_TEST((done->next > 0ms));
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 1U);
        BOOST_TEST(command({"HLEN", "{orders}:delayed:entries"}) == "1");
        BOOST_TEST((co_await of.stored("orders")) == texts{"good"}, per_element());

        auto const letters = co_await dead_letters(of, "dead-id");
        BOOST_REQUIRE(letters.size() == 8U);
        BOOST_TEST(letters[0] == "nonsense/!");
        BOOST_TEST(letters[1] == "(none)/1-7");
        BOOST_TEST(letters[2] == "nonsense/2-1");
        BOOST_TEST(letters[7] == "/7-1");
        command({"XGROUP", "SETID", "{orders}:dead", "g", "0"});
        for (auto const& letter : co_await dead_letters(of, "dead-reason"))
            BOOST_TEST(letter.ends_with("/undecodable"));
        command({"XGROUP", "SETID", "{orders}:dead", "g", "0"});
        for (auto const& letter : co_await dead_letters(of, "dead-stream"))
            BOOST_TEST(letter.ends_with("/orders"));
    });
}

BOOST_AUTO_TEST_CASE(that_cannot_be_set_aside_keep_nobody_waiting)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "{orders}:dead", "x"});
        for (int i = 0; i != 30; ++i)
            damage("0000000000002-" + std::to_string(i), "nonsense");
        for (int i = 0; i != 5; ++i)
            co_await of.append(due_at("orders", std::to_string(i), 1000 + i));
        co_await of.append(delayed("orders", "far", very_old));
        auto const done = co_await of.broker->promote_due("orders", 10);
        BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
        BOOST_TEST(done->moved == 5U);
        BOOST_TEST(done->set_aside == 0U);
        BOOST_TEST(done->not_set_aside == errc::wrong_type);
        BOOST_TEST((done->next > 0ms));
        command({"DEL", "{orders}:dead"});
        auto const again = co_await of.broker->promote_due("orders", 10);
        BOOST_TEST(again->moved == 0U);
        BOOST_TEST(again->set_aside == 30U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "1", "2", "3", "4"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_shown_although_they_are_damaged)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"ZADD", "{orders}:delayed", "0", "0000000000001-0000000000000007"});
        damage("0000000000002-0000000000000001", "nonsense");
        damage("not an id", "nonsense");
        co_await of.append(due_at("orders", "good", 3));
        auto const shown = co_await of.broker->inspect_delayed("orders", {}, 10);
        BOOST_REQUIRE_MESSAGE(shown.has_value(), shown.error());
        BOOST_REQUIRE(shown->size() == 3U);
        BOOST_TEST((*shown)[0].id == (entry_id{1, 7}));
        BOOST_TEST(!(*shown)[0].entry.body.has_value());
        BOOST_TEST(!(*shown)[1].entry.body.has_value());
        BOOST_TEST((*shown)[2].entry.body.value_or("none") == "good");
    });
}

BOOST_AUTO_TEST_CASE(are_not_overwritten_when_their_counter_is_lost)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const first = co_await of.append(due_at("orders", "0", 1000));
        command({"DEL", "{orders}:delayed:last"});
        auto const second = co_await of.append(due_at("orders", "1", 1000));
        BOOST_TEST(first != second);
        BOOST_TEST((co_await of.promote("orders")) == 2U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "1"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(stay_while_their_stream_is_of_another_type)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append(due_at("orders", "0", 1000));
        command({"SET", "orders", "x"});
        BOOST_TEST((co_await of.broker->promote_due("orders", 10)).error() == errc::wrong_type);
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 1U);
        command({"DEL", "orders"});
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST((co_await of.stored("orders")) == texts{"0"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_not_scheduled_beside_keys_of_another_type)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const* const key :
             {"orders", "{orders}:delayed", "{orders}:delayed:entries", "{orders}:delayed:last",
              "{orders}:once:k"})
        {
            command({"FLUSHALL"});
            command({"LPUSH", key, "x"});
            for (auto const atomic : {false, true}) {
                auto item = due_at("orders", "x", 1000);
                item.once = "k";
                item.window = 1h;
                std::array items{plain("users", "0"), item};
                co_await of.broker->append(items, {.atomic = atomic});
                BOOST_TEST_CONTEXT(key)
                {
                    BOOST_TEST(items[0].outcome.has_value() == !atomic);
                    BOOST_REQUIRE(items[1].outcome.has_error());
                    BOOST_TEST(items[1].outcome.error() == errc::wrong_type);
                    // The key, and what the first round has given to the users.
                    BOOST_TEST(command({"DBSIZE"}) == "2");
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(are_told_of_keys_of_another_type)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        command({"SET", "{orders}:delayed", "x"});
        BOOST_TEST((co_await broker.promote_due("orders", 10)).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.cancel_delayed("orders", {1, 1})).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.inspect_delayed("orders", {}, 10)).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.count_delayed("orders")).error() == errc::wrong_type);
        command({"SET", "text", "x"});
        BOOST_TEST((co_await broker.trim("text", {.count = 1})).error() == errc::wrong_type);
        BOOST_TEST((co_await broker.trim("text", {.age = 1s})).error() == errc::wrong_type);
    });
}

BOOST_AUTO_TEST_CASE(wait_while_memory_is_full)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (int i = 0; i != 3; ++i)
            co_await of.append(due_at("orders", std::to_string(i), 1000 + i));
        BOOST_TEST((co_await of.broker->promote_due("orders", 1))->moved == 1U);
        {
            full_memory const full;
            auto item = due_at("orders", "refused", 1000);
            item.once = "k";
            item.window = 1h;
            co_await of.broker->append({&item, 1});
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST(item.outcome.error() == errc::out_of_memory);
            BOOST_TEST((co_await of.broker->promote_due("orders", 10)).error() == errc::out_of_memory);
            BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 2U);
        }
        BOOST_TEST((co_await of.promote("orders")) == 2U);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "1", "2"}), per_element());
        // Nor was the key marked.
        co_await of.append(once("orders", "3", "k"));
        BOOST_TEST((co_await of.stored("orders")).size() == 4U);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(idempotent_on_a_server)

BOOST_AUTO_TEST_CASE(are_repeats_on_every_connection)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "0", "k"));
        bed other{make_redis_broker(of.broker->get_executor(), options_under_test())};
        BOOST_TEST((co_await on(other.broker, other.append(once("orders", "1", "k")))) == id);
        command({"CLIENT", "KILL", "TYPE", "normal"});
        for (auto again = once("orders", "2", "k");;) {
            co_await of.broker->append({&again, 1});
            if (again.outcome.has_error()) // which may not have been noticed yet
                continue;
            BOOST_TEST(*again.outcome == id);
            break;
        }
        BOOST_TEST((co_await of.stored("orders")) == texts{"0"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(have_marks_that_last_for_their_window)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "0", "k", 1h));
        BOOST_TEST(command({"GET", "{orders}:once:k"}) == id.to_string());
        auto const left = std::stol(command({"PTTL", "{orders}:once:k"}));
        BOOST_TEST(left > 3'500'000);
        BOOST_TEST(left <= 3'600'000);
        // A repeat does not make it longer.
        command({"PEXPIRE", "{orders}:once:k", "60000"});
        BOOST_TEST((co_await of.append(once("orders", "1", "k", 1h))) == id);
        BOOST_TEST(std::stol(command({"PTTL", "{orders}:once:k"})) <= 60'000);
        command({"PEXPIRE", "{orders}:once:k", "0"});
        BOOST_TEST((co_await of.append(once("orders", "2", "k", 1h))) != id);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "2"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_refused_whole_while_memory_is_full)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(once("orders", "0", "k"));
        {
            full_memory const full;
            std::array items{once("orders", "1", "l"), once("orders", "2", "m")};
            for (auto const atomic : {false, true}) {
                co_await of.broker->append(items, {.atomic = atomic});
                for (auto const& item : items) {
                    BOOST_REQUIRE(item.outcome.has_error());
                    BOOST_TEST(item.outcome.error() == errc::out_of_memory);
                }
            }
        }
        BOOST_TEST(command({"EXISTS", "{orders}:once:l", "{orders}:once:m"}) == "0");
        BOOST_TEST((co_await of.append(once("orders", "1", "l"))) != id);
        BOOST_TEST((co_await of.stored("orders")) == (texts{"0", "1"}), per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(appends_by_script)

BOOST_AUTO_TEST_CASE(may_find_the_script_forgotten)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const flush = [] { command({"SCRIPT", "FLUSH"}); };
        for (int i = 0; i != 3; ++i) {
            flush();
            co_await of.append(once("orders", "x", std::to_string(i)));
            flush();
            co_await of.append(due_at("orders", "x", 1000));
            flush();
            BOOST_TEST((co_await of.promote("orders")) == 1U);
            flush();
            auto const id = co_await of.append(due_at("orders", "x", 1000));
            flush();
            BOOST_TEST((co_await of.broker->inspect_delayed("orders", {}, 10))->size() == 1U);
            flush();
            BOOST_TEST((co_await of.broker->cancel_delayed("orders", id)).value());
            flush();
            std::array items{plain("orders", "x"), plain("orders", "x")};
            co_await of.broker->append(items, {.atomic = true});
            BOOST_TEST(items[1].outcome.has_value());
            flush();
            command({"ZADD", "{orders}:delayed", "0", "0000000000001-1"});
            BOOST_TEST((co_await of.broker->promote_due("orders", 10))->set_aside == 1U);
        }
        BOOST_TEST((co_await of.stored("orders")).size() == 12U);
    });
}

BOOST_AUTO_TEST_CASE(S3_store_everything_once_while_the_script_is_forgotten_again_and_again)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> keys;
        for (int i = 0; i != 2000; ++i)
            keys.push_back(std::to_string(i));
        auto const forget = [&]() -> asio::awaitable<bool> {
            for (int i = 0; i != 50; ++i)
                command({"SCRIPT", "FLUSH"});
            co_return true;
        };
        std::vector<appending> items;
        for (auto const& key : keys)
            items.push_back(once("orders", key, key));
        auto forgetting = of.start(forget());
        co_await of.broker->append(items);
        (void)co_await forgetting.get();
        for (auto const& item : items)
            BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
        BOOST_TEST((co_await of.stored("orders")).size() == 2000U);
    });
}

BOOST_AUTO_TEST_CASE(do_nothing_in_one_step_when_a_stream_is_of_another_type)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"SET", "text", "x"});
        std::array items{
            plain("orders", "0"), once("orders", "1", "k"), due_at("orders", "2", 1000), plain("text", "3")
        };
        co_await of.broker->append(items, {.atomic = true});
        for (auto const& item : items) {
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST(item.outcome.error() == errc::wrong_type);
        }
        BOOST_TEST(command({"DBSIZE"}) == "1");
    });
}

BOOST_AUTO_TEST_CASE(keep_the_young_and_remove_the_old)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const* const id : {"1-1", "1-2", "2-0"})
            command({"XADD", "orders", id, "body", "old"});
        auto item = plain("orders", "new");
        item.keep.age = very_old;
        co_await of.append(item);
        BOOST_TEST((co_await of.stored("orders")) == texts{"new"}, per_element());

        for (auto const* const stream : {"users", "mails"})
            for (auto const* const id : {"1-1", "1-2", "2-0"})
                command({"XADD", stream, id, "body", "old"});
        item = due_at("users", "new", 1000);
        item.keep = {.count = 100, .age = very_old};
        co_await of.append(item);
        BOOST_TEST((co_await of.promote("users")) == 1U);
        BOOST_TEST((co_await of.stored("users")) == texts{"new"}, per_element());

        BOOST_TEST((co_await of.broker->trim("mails", {.age = very_old})).value() == 3U);
    });
}

BOOST_AUTO_TEST_CASE(trim_much_in_steps)
{
    check([](bed& of) -> asio::awaitable<void> {
        command({"EVAL", "for i = 1, 50037 do redis.call('XADD', 'orders', '1-' .. i, 'body', 'x') end", "0"}
        );
        command({"CONFIG", "RESETSTAT"});
        BOOST_TEST((co_await of.broker->trim("orders", {.count = 20'020})).value() == 30'017U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 20'020U);
        BOOST_TEST((co_await of.broker->trim("orders", {.age = 1h})).value() == 20'020U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 0U);
        auto const info = command({"INFO", "commandstats"});
        auto const calls = info.find("cmdstat_xtrim:calls=") + 20;
        BOOST_TEST(std::stol(info.substr(calls)) >= 8);
    });
}

BOOST_AUTO_TEST_SUITE_END()
