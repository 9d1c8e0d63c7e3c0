// Groups: where they begin, what each gets, and what happens where there is none.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(group)

BOOST_AUTO_TEST_CASE(creates_the_stream)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const info = co_await of.broker->inspect_stream("orders");
        BOOST_REQUIRE(info.has_value());
        BOOST_TEST(info->length == 0);
        BOOST_TEST(info->groups == 1);
        BOOST_TEST((co_await of.read_now("orders", "g", "c")).empty());
    });
}

BOOST_AUTO_TEST_CASE(begins_at_the_beginning)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        co_await of.ensure_group("orders", "g", start_position::beginning());
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (texts{"0", "1", "2"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(begins_at_the_end)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 3);
        co_await of.ensure_group("orders", "g", start_position::end());
        co_await of.append("orders", "later");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (texts{"later"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(begins_after_an_id)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.append_numbers("orders", 4);
        co_await of.ensure_group("orders", "g", {ids[1]});
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (texts{"2", "3"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(is_left_alone_when_it_exists)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append_numbers("orders", 4);
        co_await of.ensure_group("orders", "g");
        auto got = co_await of.read_now("orders", "g", "c", 2);
        BOOST_TEST(bodies_of(got) == (texts{"0", "1"}), per_element());
        co_await of.ensure_group("orders", "g");
        co_await of.ensure_group("orders", "g", start_position::end());
        got = co_await of.read_now("orders", "g", "c");
        BOOST_TEST(bodies_of(got) == (texts{"2", "3"}), per_element());
        BOOST_TEST((co_await of.pending("orders", "g")).size() == 4);
    });
}

BOOST_AUTO_TEST_CASE(bad_stream_names_are_refused)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const name : {"", "a}b", "{}a}"})
            BOOST_TEST((co_await of.broker->ensure_group(name, "g", {})) == errc::invalid_name);
    });
}

BOOST_AUTO_TEST_CASE(every_group_gets_every_entry)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "billing");
        co_await of.ensure_group("orders", "shipping");
        auto const ids = co_await of.append_numbers("orders", 3);
        for (auto const group : {"billing", "shipping"}) {
            auto const got = co_await of.read_now("orders", group, "c");
            BOOST_TEST(ids_of(got) == ids, per_element());
        }
        // What one group settles stays pending in the other.
        co_await of.settle({"orders", "billing", "c"}, ending(ids[0]));
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 2);
        BOOST_TEST((co_await of.pending("orders", "shipping")).size() == 3);
    });
}

BOOST_AUTO_TEST_CASE(consumers_of_a_group_share_its_entries)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto const ids = co_await of.append_numbers("orders", 5);
        auto got = ids_of(co_await of.read_now("orders", "g", "a", 2));
        for (auto const id : ids_of(co_await of.read_now("orders", "g", "b", 2)))
            got.push_back(id);
        for (auto const id : ids_of(co_await of.read_now("orders", "g", "a", 2)))
            got.push_back(id);
        BOOST_TEST(got == ids, per_element());
    });
}

BOOST_AUTO_TEST_CASE(where_there_is_none_everything_says_so)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        auto& broker = *of.broker;
        auto const id = entry_id{1, 1};
        for (auto const& who : {membership{"missing", "g", "c"}, membership{"orders", "missing", "c"}}) {
            auto const reader = broker.make_reader(who.group, who.consumer);
            for (auto const wait : {0ms, long_wait}) {
                auto const got = co_await read(*reader, {std::string(who.stream)}, 10, wait);
                BOOST_TEST(got.why == errc::no_group);
                BOOST_TEST(got.why.words().find(who.stream) != std::string_view::npos, got.why);
                BOOST_TEST(got.why.words().find(who.group) != std::string_view::npos, got.why);
            }

            BOOST_TEST((co_await broker.backlog(who, {}, 10)).error() == errc::no_group);
            BOOST_TEST((co_await broker.claim(who, lease, {}, 10)).error() == errc::no_group);
            auto wanted = asking(id);
            BOOST_TEST((co_await broker.take(who, {&wanted, 1})) == errc::no_group);
            auto state = holding::held;
            BOOST_TEST((co_await broker.renew(who, {&id, 1}, {&state, 1})) == errc::no_group);
            for (auto const as : {settle_as::acknowledged, settle_as::released, settle_as::dead}) {
                auto item = ending(id, as);
                BOOST_TEST((co_await broker.settle(who, {&item, 1})) == errc::no_group);
            }
            BOOST_TEST((co_await broker.inspect_consumers(who.stream, who.group)).error() == errc::no_group);
            BOOST_TEST(
                (co_await broker.inspect_pending(who.stream, who.group, {}, 10)).error() == errc::no_group
            );
        }
        BOOST_TEST((co_await broker.inspect_stream("missing")).error() == errc::no_group);
        BOOST_TEST((co_await broker.inspect_groups("missing")).error() == errc::no_group);
    });
}

BOOST_AUTO_TEST_CASE(a_read_of_several_streams_fails_whole)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.ensure_group("orders", "g");
        co_await of.append("orders", "x");
        auto const reader = of.broker->make_reader("g", "c");
        auto const got = co_await read(*reader, {"orders", "missing"}, 10, 0ms);
        BOOST_TEST(got.why == errc::no_group);
        BOOST_TEST(got.why.words().find("missing") != std::string_view::npos, got.why);
        BOOST_TEST(got.entries.empty());
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
        // The reader goes on.
        auto const next = co_await read(*reader, {"orders"}, 10, 0ms);
        BOOST_TEST(!next.why);
        BOOST_TEST(next.entries.size() == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
