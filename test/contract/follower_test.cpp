// Reading streams without a group.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

asio::awaitable<texts> read_bodies(
    stream_reader& reader, std::vector<std::string> streams = {"orders"}, std::size_t count = 10'000,
    std::chrono::milliseconds wait = 0ms
)
{
    auto const got = co_await read(reader, std::move(streams), count, wait);
    BOOST_TEST(!got.why, got.why);
    co_return bodies_of(got.entries);
}

} // namespace

BOOST_AUTO_TEST_SUITE(followers)

BOOST_AUTO_TEST_CASE(read_everything_from_the_beginning_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        auto const by = of.broker->make_follower(start_position::beginning());
        BOOST_TEST((co_await read_bodies(*by, {"orders"}, 2)) == (texts{"0", "1"}), per_element());
        BOOST_TEST((co_await read_bodies(*by, {"orders"}, 2)) == (texts{"2"}), per_element());
        BOOST_TEST((co_await read_bodies(*by)).empty());
        co_await of.append("orders", "3");
        BOOST_TEST((co_await read_bodies(*by)) == (texts{"3"}), per_element());
        // And leave everything to others.
        auto const other = of.broker->make_follower(start_position::beginning());
        BOOST_TEST((co_await read_bodies(*other)).size() == 4U);
    });
}

BOOST_AUTO_TEST_CASE(read_what_comes_after_an_entry_with_its_headers)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 2);
        std::array<header_view, 1> const headers{{{"type", "ping"}}};
        auto const last = co_await of.append("orders", {std::nullopt, headers});
        auto const by = of.broker->make_follower({ids[0]});
        auto const got = co_await read(*by, {"orders"}, 10, 0ms);
        BOOST_REQUIRE(got.entries.size() == 2U);
        BOOST_TEST(got.entries[0].id == ids[1]);
        BOOST_TEST(got.entries[1].id == last);
        BOOST_TEST(!got.entries[1].entry.body.has_value());
        BOOST_TEST(got.entries[1].entry.header("type").value_or("none") == "ping");
    });
}

BOOST_AUTO_TEST_CASE(from_the_end_miss_nothing_that_comes_between_their_reads)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        auto const by = of.broker->make_follower(start_position::end());
        BOOST_TEST((co_await read_bodies(*by)).empty());
        co_await of.append("orders", "between");
        BOOST_TEST((co_await read_bodies(*by)) == texts{"between"}, per_element());
        // Of a stream that comes later, too.
        BOOST_TEST((co_await read_bodies(*by, {"users", "orders"})).empty());
        co_await of.append("users", "first");
        BOOST_TEST((co_await read_bodies(*by, {"users", "orders"})) == texts{"first"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(know_how_far_each_stream_is)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        co_await of.append_numbers("users", 3);
        auto const by = of.broker->make_follower(start_position::beginning());
        BOOST_TEST((co_await read_bodies(*by, {"users"}, 1)) == texts{"0"}, per_element());
        auto const got = co_await read(*by, {"orders", "users"}, 2, 0ms);
        BOOST_TEST(!got.why, got.why);
        std::array<texts, 2> by_stream;
        for (auto const& item : got.entries)
            by_stream.at(item.stream).emplace_back(*item.entry.body);
        BOOST_TEST(by_stream[0] == (texts{"0", "1"}), per_element());
        BOOST_TEST(by_stream[1] == (texts{"1", "2"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_woken_by_an_append_at_whatever_moment_it_comes)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const by = of.broker->make_follower(start_position::end());
        BOOST_TEST((co_await read_bodies(*by, {"orders", "users"})).empty());
        for (int i = 0; i != 60; ++i) {
            auto waiting = of.start(read(*by, {"orders", "users"}, 10, long_wait));
            for (int step = 0; step != i % 6; ++step)
                co_await of.round_trip();
            auto const users = i % 2 == 1;
            auto const id = co_await of.append(users ? "users" : "orders", "x");
            auto const got = co_await waiting.get();
            BOOST_TEST(!got.why);
            BOOST_REQUIRE(got.entries.size() == 1U);
            BOOST_TEST(got.entries[0].id == id);
            BOOST_TEST((got.entries[0].stream == (users ? 1U : 0U)));
        }
    });
}

BOOST_AUTO_TEST_CASE(wait_for_a_stream_that_does_not_exist_and_create_none)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const by = of.broker->make_follower(start_position::end());
        auto waiting = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        BOOST_TEST((co_await of.broker->list_streams()).value().empty());
        by->wake();
        BOOST_TEST(!(co_await waiting.get()).why);
        co_await of.append("orders", "first");
        BOOST_TEST((co_await read_bodies(*by, {"orders"}, 10, long_wait)) == texts{"first"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_all_told_of_an_entry)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::unique_ptr<stream_reader>> readers;
        std::vector<started<reading>> waiting;
        for (int i = 0; i != 3; ++i) {
            readers.push_back(of.broker->make_follower(start_position::beginning()));
            waiting.push_back(of.start(read(*readers.back(), {"orders"}, 10, long_wait)));
        }
        co_await of.round_trip();
        co_await of.append("orders", "x");
        for (auto& each : waiting)
            BOOST_TEST(bodies_of((co_await each.get()).entries) == texts{"x"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_told_of_every_way_into_a_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        membership const alice{"orders", "g", "alice"};
        auto const ids = co_await of.deliver(alice, 1);
        auto const by = of.broker->make_follower(start_position::end());
        BOOST_TEST((co_await read_bodies(*by, {"orders", "{orders}:dead"})).empty());
        auto waiting = of.start(read(*by, {"orders", "{orders}:dead"}, 10, long_wait));
        co_await of.round_trip();
        co_await of.settle(alice, ending(ids[0], settle_as::dead));
        auto got = co_await waiting.get();
        BOOST_REQUIRE(got.entries.size() == 1U);
        BOOST_TEST((got.entries[0].stream == 1U));

        waiting = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        replaying again;
        again.id = got.entries[0].id;
        BOOST_TEST(!(co_await of.broker->replay("orders", {&again, 1})));
        BOOST_TEST((co_await waiting.get()).entries.size() == 1U);

        waiting = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.append(due_at("orders", "late", 1000));
        co_await of.round_trip();
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST(bodies_of((co_await waiting.get()).entries) == texts{"late"}, per_element());

        waiting = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        co_await of.append(once("orders", "once", "k"));
        BOOST_TEST(bodies_of((co_await waiting.get()).entries) == texts{"once"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(answer_reads_in_order_and_show_each_entry_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        auto const by = of.broker->make_follower(start_position::beginning());
        std::vector<started<reading>> reads;
        for (int i = 0; i != 5; ++i)
            reads.push_back(of.start(read(*by, {"orders"}, 1, long_wait)));
        for (auto const* const body : {"0", "1", "2"}) {
            BOOST_TEST(bodies_of((co_await reads.front().get()).entries) == texts{body}, per_element());
            reads.erase(reads.begin());
        }
        co_await of.append("orders", "3");
        BOOST_TEST(bodies_of((co_await reads[0].get()).entries) == texts{"3"}, per_element());
        co_await of.append("orders", "4");
        BOOST_TEST(bodies_of((co_await reads[1].get()).entries) == texts{"4"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_woken_without_losing_an_entry)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const by = of.broker->make_follower(start_position::end());
        BOOST_TEST((co_await read_bodies(*by)).empty());
        for (int i = 0; i != 30; ++i) {
            auto first = of.start(read(*by, {"orders"}, 10, long_wait));
            auto second = of.start(read(*by, {"orders"}, 10, long_wait));
            for (int step = 0; step != i % 5; ++step)
                co_await of.round_trip();
            auto const id = co_await of.append("orders", "x");
            by->wake();
            auto got = co_await first.get();
            BOOST_TEST(!got.why, got.why);
            auto const rest = co_await second.get();
            BOOST_TEST(!rest.why, rest.why);
            got.entries.insert(got.entries.end(), rest.entries.begin(), rest.entries.end());
            if (got.entries.empty())
                got = co_await read(*by, {"orders"}, 10, 0ms);
            BOOST_REQUIRE(got.entries.size() == 1U);
            BOOST_TEST(got.entries[0].id == id);
        }
    });
}

BOOST_AUTO_TEST_CASE(pass_over_what_was_removed)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 4);
        auto const by = of.broker->make_follower(start_position::beginning());
        BOOST_TEST((co_await read_bodies(*by, {"orders"}, 1)).size() == 1U);
        BOOST_TEST((co_await of.broker->remove("orders", std::span(ids).first(3))).value() == 3U);
        BOOST_TEST((co_await read_bodies(*by)) == texts{"3"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(that_are_destroyed_or_closed_end_their_reads)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto by = of.broker->make_follower(start_position::end());
        auto first = of.start(read(*by, {"orders"}, 10, long_wait));
        auto second = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        by.reset();
        BOOST_TEST((co_await first.get()).why == errc::closed);
        BOOST_TEST((co_await second.get()).why == errc::closed);

        by = of.broker->make_follower(start_position::end());
        auto third = of.start(read(*by, {"orders"}, 10, long_wait));
        co_await of.round_trip();
        of.broker->close();
        BOOST_TEST((co_await third.get()).why == errc::closed);
        BOOST_TEST((co_await read(*by, {"orders"}, 10, long_wait)).why == errc::closed);
        auto const late = of.broker->make_follower(start_position::beginning());
        BOOST_TEST((co_await read(*late, {"orders"}, 10, 0ms)).why == errc::closed);
    });
}

BOOST_AUTO_TEST_SUITE_END()
