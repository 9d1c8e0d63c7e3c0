// Reading new entries, and waiting for them.

#include "contract/bed.hpp"

#include <algorithm>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

/// Appends a read's answer to `log` when it has come, so that the order of answers shows.
asio::awaitable<std::size_t> read_into(
    stream_reader& reader, std::shared_ptr<std::vector<entry_id>> log, std::size_t count,
    std::chrono::milliseconds wait
)
{
    auto const got = co_await read(reader, {"orders"}, count, wait);
    BOOST_TEST(!got.why, got.why);
    std::ranges::copy(ids_of(got.entries), std::back_inserter(*log));
    co_return got.entries.size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(reading_entries)

BOOST_AUTO_TEST_CASE(the_count_bounds_each_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const stream : {"orders", "users", "mails"}) {
            co_await of.ensure_group(stream, "g");
            co_await of.append_numbers(stream, 5);
        }
        auto const reader = of.broker->make_reader("g", "c");
        auto got = co_await read(*reader, {"users", "orders"}, 3, 0ms);
        BOOST_TEST(!got.why);
        BOOST_REQUIRE(got.entries.size() == 6);
        std::array<texts, 2> by_stream;
        for (auto const& item : got.entries)
            by_stream.at(item.stream).emplace_back(*item.entry.body);
        for (auto const& bodies : by_stream)
            BOOST_TEST(bodies == (texts{"0", "1", "2"}), per_element());

        got = co_await read(*reader, {"orders", "mails", "users"}, 100, 0ms);
        std::array<texts, 3> rest;
        for (auto const& item : got.entries)
            rest.at(item.stream).emplace_back(*item.entry.body);
        BOOST_TEST(rest[0] == (texts{"3", "4"}), per_element());
        BOOST_TEST(rest[1] == (texts{"0", "1", "2", "3", "4"}), per_element());
        BOOST_TEST(rest[2] == (texts{"3", "4"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(what_is_read_is_pending_with_attempt_one)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver({"orders", "g", "c"}, 3);
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 3);
        for (std::size_t i = 0; i != 3; ++i) {
            BOOST_TEST(pending[i].id == ids[i]);
            BOOST_TEST(pending[i].consumer == "c");
            BOOST_TEST(pending[i].attempts == 1U);
        }
        BOOST_TEST((co_await of.read_now("orders", "g", "c")).empty());
    });
}

BOOST_AUTO_TEST_CASE(entries_are_added_to_those_that_are_there)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.append_numbers("orders", 4);
        auto const reader = of.broker->make_reader("g", "c");
        std::vector<received> entries;
        std::string_view const stream = "orders";
        BOOST_TEST(!(co_await reader->read({&stream, 1}, 2, 0ms, entries)));
        BOOST_TEST(!(co_await reader->read({&stream, 1}, 2, long_wait, entries)));
        BOOST_TEST(bodies_of(entries) == (texts{"0", "1", "2", "3"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(without_a_wait_it_returns_at_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto const got = co_await read(*reader, {"orders"}, 10, 0ms);
        BOOST_TEST(!got.why);
        BOOST_TEST(got.entries.empty());
    });
}

BOOST_AUTO_TEST_CASE(a_wait_ends_by_itself)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto const got = co_await read(*reader, {"orders"}, 10, 20ms);
        BOOST_TEST(!got.why);
        BOOST_TEST(got.entries.empty());
    });
}

BOOST_AUTO_TEST_CASE(an_append_ends_a_wait_at_whatever_moment_it_comes)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("users", "g");
        auto const reader = of.broker->make_reader("g", "c");
        for (int i = 0; i != 60; ++i) {
            auto waiting = of.start(read(*reader, {"orders", "users"}, 10, long_wait));
            for (int step = 0; step != i % 6; ++step)
                co_await of.round_trip();
            auto const users = i % 2 == 1;
            auto const id = co_await of.append(users ? "users" : "orders", "x");
            auto const got = co_await waiting.get();
            BOOST_TEST(!got.why);
            BOOST_REQUIRE(got.entries.size() == 1);
            BOOST_TEST(got.entries[0].id == id);
            BOOST_TEST((got.entries[0].stream == (users ? 1U : 0U)));
        }
    });
}

BOOST_AUTO_TEST_CASE(an_append_ends_the_waits_of_all_groups)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::unique_ptr<stream_reader>> readers;
        std::vector<started<reading>> waiting;
        for (auto const group : {"a", "b", "c"}) {
            co_await of.ensure_group("orders", group);
            readers.push_back(of.broker->make_reader(group, "c"));
            waiting.push_back(of.start(read(*readers.back(), {"orders"}, 10, long_wait)));
        }
        co_await of.round_trip();
        co_await of.append("orders", "x");
        for (auto& each : waiting) {
            auto const got = co_await each.get();
            BOOST_TEST(bodies_of(got.entries) == (texts{"x"}), per_element());
        }
    });
}

BOOST_AUTO_TEST_CASE(one_call_wakes_as_many_readers_of_a_group_as_it_has_entries_for)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        std::vector<std::unique_ptr<stream_reader>> readers;
        std::vector<started<reading>> waiting;
        for (auto const consumer : {"a", "b", "c"}) {
            readers.push_back(of.broker->make_reader("g", consumer));
            waiting.push_back(of.start(read(*readers.back(), {"orders"}, 1, long_wait)));
        }
        co_await of.round_trip();
        auto const ids = co_await of.append_numbers("orders", 3);
        std::vector<entry_id> got;
        for (auto& each : waiting)
            std::ranges::copy(ids_of((co_await each.get()).entries), std::back_inserter(got));
        std::ranges::sort(got);
        BOOST_TEST(got == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_wake_ends_a_first_read)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        for (int steps = 0; steps != 8; ++steps) {
            auto const reader = of.broker->make_reader("g", "c");
            auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
            for (int step = 0; step != steps; ++step)
                co_await of.round_trip();
            reader->wake();
            auto const got = co_await waiting.get();
            // It may have waited for a connection.
            BOOST_TEST(!got.why, got.why);
            BOOST_TEST(got.entries.empty());
        }
    });
}

BOOST_AUTO_TEST_CASE(a_wake_ends_a_wait_at_whatever_moment_it_comes)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        BOOST_TEST(!(co_await read(*reader, {"orders"}, 10, 0ms)).why);
        for (int i = 0; i != 200; ++i) {
            auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
            BOOST_REQUIRE(waiting.has_begun());
            for (int step = 0; step != i % 8; ++step)
                co_await of.round_trip();
            reader->wake();
            auto const got = co_await waiting.get();
            BOOST_TEST(!got.why, got.why);
            BOOST_TEST(got.entries.empty());
        }
    });
}

BOOST_AUTO_TEST_CASE(a_wake_ends_all_reads_under_way_and_no_later_one)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        BOOST_TEST(!(co_await read(*reader, {"orders"}, 10, 0ms)).why);
        reader->wake(); // none is under way
        auto first = of.start(read(*reader, {"orders"}, 10, long_wait));
        auto second = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        reader->wake();
        BOOST_TEST((co_await first.get()).entries.empty());
        BOOST_TEST((co_await second.get()).entries.empty());

        auto third = of.start(read(*reader, {"orders"}, 10, long_wait));
        for (int step = 0; step != 20; ++step)
            co_await of.round_trip();
        BOOST_TEST(!third.has_ended());
        co_await of.append("orders", "x");
        BOOST_TEST(bodies_of((co_await third.get()).entries) == (texts{"x"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_wake_loses_no_entry)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        BOOST_TEST(!(co_await read(*reader, {"orders"}, 10, 0ms)).why);
        std::vector<entry_id> appended;
        std::vector<entry_id> got;
        for (int i = 0; i != 200; ++i) {
            auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
            for (int step = 0; step != i % 4; ++step)
                co_await of.round_trip();
            // Both at once, so that either may be the first to reach the read.
            auto append = of.start(of.append("orders", "x"));
            reader->wake();
            appended.push_back(co_await append.get());
            std::ranges::copy(ids_of((co_await waiting.get()).entries), std::back_inserter(got));
        }
        std::ranges::copy(ids_of(co_await of.read_now("orders", "g", "c")), std::back_inserter(got));
        BOOST_TEST(got == appended, per_element());
    });
}

BOOST_AUTO_TEST_CASE(two_reads_outstanding_are_answered_in_order)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto const log = std::make_shared<std::vector<entry_id>>();
        std::vector<entry_id> appended;
        for (int i = 0; i != 50; ++i) {
            auto const before = log->size();
            auto first = of.start(read_into(*reader, log, 5, long_wait));
            auto second = of.start(read_into(*reader, log, 5, long_wait));
            for (int step = 0; step != i % 4; ++step)
                co_await of.round_trip();
            std::ranges::copy(co_await of.append_numbers("orders", 10), std::back_inserter(appended));
            BOOST_TEST((co_await first.get()) != 0U);
            BOOST_TEST((co_await second.get()) != 0U);
            while (log->size() != before + 10)
                co_await read_into(*reader, log, 5, long_wait);
        }
        BOOST_TEST(*log == appended, per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_second_read_has_its_own_wait)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto first = of.start(read(*reader, {"orders"}, 10, 20ms));
        auto second = of.start(read(*reader, {"orders"}, 10, long_wait));
        BOOST_TEST((co_await first.get()).entries.empty());
        co_await of.append("orders", "x");
        BOOST_TEST(bodies_of((co_await second.get()).entries) == (texts{"x"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(a_second_read_waits_for_its_turn)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto first = of.start(read(*reader, {"orders"}, 1, long_wait));
        auto second = of.start(read(*reader, {"orders"}, 1, 0ms));
        for (int step = 0; step != 20; ++step)
            co_await of.round_trip();
        BOOST_TEST(!second.has_ended());
        co_await of.append("orders", "x");
        BOOST_TEST(bodies_of((co_await first.get()).entries) == (texts{"x"}), per_element());
        BOOST_TEST((co_await second.get()).entries.empty());
    });
}

BOOST_AUTO_TEST_CASE(readers_that_wait_do_not_hold_up_others)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("users", "g");
        auto const idle = of.broker->make_reader("g", "a");
        auto waiting = of.start(read(*idle, {"orders"}, 10, long_wait));
        co_await of.append_numbers("users", 3);
        BOOST_TEST((co_await of.read_now("users", "g", "b")).size() == 3);
        BOOST_TEST(!waiting.has_ended());
        idle->wake();
        BOOST_TEST((co_await waiting.get()).entries.empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(M1_read_at_most_once)

BOOST_AUTO_TEST_CASE(is_acknowledged_at_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const ids = co_await of.append_numbers("orders", 5);
        auto const reader = of.broker->make_reader("g", "c", read_as::acknowledged);
        auto const some = co_await read(*reader, {"orders"}, 2, 0ms);
        BOOST_TEST(ids_of(some.entries) == (std::vector{ids[0], ids[1]}), per_element());
        BOOST_TEST(bodies_of(some.entries) == (std::vector<std::string>{"0", "1"}), per_element());
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
        // The group goes on behind them.
        auto const rest = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(ids_of(rest) == (std::vector{ids[2], ids[3], ids[4]}), per_element());
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 3);
    });
}

BOOST_AUTO_TEST_CASE(waits_and_is_woken)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const reader = of.broker->make_reader("g", "c", read_as::acknowledged);
        auto waiting = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        auto const id = co_await of.append("orders", "x");
        BOOST_TEST(ids_of((co_await waiting.get()).entries) == std::vector{id}, per_element());
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
        auto another = of.start(read(*reader, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        reader->wake();
        auto const got = co_await another.get();
        BOOST_TEST(!got.why);
        BOOST_TEST(got.entries.empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()
