// Dead letters: copied whole, with what became of them, and no longer pending.

#include "contract/bed.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>
#include <charconv>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

membership const alice{"orders", "g", "alice"};

settlement dead(entry_id id)
{
    auto item = ending(id, settle_as::dead);
    item.attempts = 3;
    item.reason = "exhausted";
    item.error = "no connection to the bank";
    return item;
}

/// Stores the entry, lets it die and returns its dead letter.
asio::awaitable<received> let_die(bed& of, membership who, entry_view entry, settlement how)
{
    std::string const stream(who.stream);
    co_await of.ensure_group(who.stream, who.group);
    auto const dead_stream = dead_letter_stream(stream);
    how.id = co_await of.append(who.stream, entry);
    (void)co_await of.read_now(who.stream, who.group, who.consumer);
    // The id of the entry is not that of its letter, even within one millisecond.
    auto const before = co_await of.append(dead_stream, "an older letter");
    how = co_await of.settle(who, how);
    BOOST_REQUIRE(how.state == holding::held);
    BOOST_REQUIRE(!how.error_of_item);

    co_await of.ensure_group(dead_stream, "undertaker", {before});
    auto const letters = co_await of.read_now(dead_stream, "undertaker", "u");
    BOOST_REQUIRE(letters.size() == 1);
    co_return letters[0];
}

std::string value_of(entry_view const& entry, std::string_view name)
{
    BOOST_TEST(std::ranges::count(entry.headers, name, &header_view::name) == 1, name);
    return std::string(entry.header(name).value_or("(none)"));
}

} // namespace

BOOST_AUTO_TEST_SUITE(dead_letters)

BOOST_AUTO_TEST_CASE(tell_what_became_of_the_entry)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.deliver(alice, 2);
        auto const letter = co_await let_die(of, alice, {"x", {}}, dead({}));
        auto const& entry = letter.entry;
        BOOST_TEST(entry.headers.size() == 8);
        BOOST_TEST(value_of(entry, "dead-stream") == "orders");
        BOOST_TEST(value_of(entry, "dead-group") == "g");
        BOOST_TEST(value_of(entry, "dead-consumer") == "alice");
        BOOST_TEST(value_of(entry, "dead-reason") == "exhausted");
        BOOST_TEST(value_of(entry, "dead-error") == "no connection to the bank");
        BOOST_TEST(value_of(entry, "dead-attempts") == "3");
        auto const last = (co_await of.broker->inspect_stream("orders"))->last;
        BOOST_TEST(value_of(entry, "dead-id") == last->to_string());
        // Ids are made by the same clock.
        auto const at = value_of(entry, "dead-at");
        std::uint64_t ms = 0;
        auto const end = std::from_chars(at.data(), at.data() + at.size(), ms).ptr;
        BOOST_TEST((end == at.data() + at.size()), at);
        BOOST_TEST(ms >= last->ms);
        BOOST_TEST(ms <= letter.id.ms);
    });
}

BOOST_AUTO_TEST_CASE(are_no_longer_pending)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.settle(alice, dead(ids[0]));
        auto const pending = co_await of.pending("orders", "g");
        BOOST_REQUIRE(pending.size() == 1);
        BOOST_TEST(pending[0].id == ids[1]);
        BOOST_TEST((co_await of.settle(alice, dead(ids[0]))).state == holding::lost);
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1);
    });
}

BOOST_AUTO_TEST_CASE(have_body_and_headers_byte_for_byte)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string bytes;
        for (int value = 0; value != 256; ++value)
            bytes.push_back(static_cast<char>(value));
        std::array<header_view, 5> const headers{
            {{"key", "1"}, {bytes, bytes}, {"key", "2"}, {"", ""}, {"deadline", "today"}}
        };
        auto how = dead({});
        how.error = bytes;
        auto const letter = co_await let_die(of, alice, {bytes, headers}, how);
        BOOST_TEST((letter.entry.body == bytes));
        BOOST_REQUIRE(letter.entry.headers.size() == headers.size() + 8);
        BOOST_TEST(letter.entry.headers.first(headers.size()) == headers, per_element());
        BOOST_TEST((value_of(letter.entry, "dead-error") == bytes));
    });
}

BOOST_AUTO_TEST_CASE(may_have_no_body_or_an_empty_one)
{
    std::array<header_view, 1> const headers{{{"type", "ping"}}};
    check([=](bed& of) -> asio::awaitable<void> {
        auto const letter = co_await let_die(of, alice, {std::nullopt, headers}, dead({}));
        BOOST_TEST(!letter.entry.body.has_value());
        BOOST_TEST(value_of(letter.entry, "type") == "ping");
    });
    check([=](bed& of) -> asio::awaitable<void> {
        auto const letter = co_await let_die(of, alice, {"", headers}, dead({}));
        BOOST_REQUIRE(letter.entry.body.has_value());
        BOOST_TEST(letter.entry.body->empty());
    });
}

BOOST_AUTO_TEST_CASE(of_dead_letters_keep_the_first_origin)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"type", "order"}}};
        auto const first = co_await let_die(of, alice, {"x", headers}, dead({}));
        auto const origin = value_of(first.entry, "dead-id");
        BOOST_TEST(origin != first.id.to_string());

        membership const undertaker{"{orders}:dead", "undertaker", "u"};
        auto again = dead(first.id);
        again.attempts = 1;
        again.reason = "rejected";
        again.error = "nobody wants it";
        BOOST_TEST((co_await of.settle(undertaker, again)).state == holding::held);

        auto const second_stream = dead_letter_stream(undertaker.stream);
        co_await of.ensure_group(second_stream, "g");
        auto const letters = co_await of.read_now(second_stream, "g", "c");
        BOOST_REQUIRE(letters.size() == 1);
        auto const& entry = letters[0].entry;
        BOOST_TEST(entry.body.value_or("none") == "x");
        BOOST_TEST(entry.headers.size() == 9);
        BOOST_TEST(value_of(entry, "type") == "order");
        BOOST_TEST(value_of(entry, "dead-stream") == "orders");
        BOOST_TEST(value_of(entry, "dead-id") == origin);
        BOOST_TEST(value_of(entry, "dead-group") == "undertaker");
        BOOST_TEST(value_of(entry, "dead-consumer") == "u");
        BOOST_TEST(value_of(entry, "dead-reason") == "rejected");
        BOOST_TEST(value_of(entry, "dead-error") == "nobody wants it");
        BOOST_TEST(value_of(entry, "dead-attempts") == "1");
    });
}

BOOST_AUTO_TEST_CASE(of_a_stream_with_a_tag_keep_it)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const letter = co_await let_die(of, {"{a}b", "g", "c"}, {"x", {}}, dead({}));
        BOOST_TEST(letter.entry.body.value_or("none") == "x");
        BOOST_TEST((co_await of.broker->inspect_stream("{a}b:dead"))->length == 2);
    });
}

BOOST_AUTO_TEST_CASE(wake_who_waits_for_them)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.ensure_group("{orders}:dead", "g");
        auto const reader = of.broker->make_reader("g", "c");
        auto waiting = of.start(read(*reader, {"{orders}:dead"}, 10, long_wait));
        co_await of.round_trip();
        co_await of.settle(alice, dead(ids[0]));
        BOOST_TEST(
            bodies_of((co_await waiting.get()).entries) == std::vector<std::string>{"0"}, per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(may_be_large)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string const body(1024 * 1024, '\0');
        auto const letter = co_await let_die(of, alice, {body, {}}, dead({}));
        BOOST_TEST((letter.entry.body == body));
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(dead_letter_limit)

BOOST_AUTO_TEST_CASE(of_the_count_keeps_the_newest)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 10);
        for (std::size_t i = 0; i != ids.size(); ++i) {
            auto item = dead(ids[i]);
            BOOST_TEST(!(co_await of.broker->settle(alice, {&item, 1}, {.count = 3})));
            BOOST_TEST(item.state == holding::held);
            BOOST_TEST(
                (co_await of.broker->inspect_stream("{orders}:dead"))->length ==
                std::min(i + 1, std::size_t{3})
            );
        }
        co_await of.ensure_group("{orders}:dead", "g");
        auto const left = co_await of.read_now("{orders}:dead", "g", "c");
        BOOST_TEST(bodies_of(left) == (std::vector<std::string>{"7", "8", "9"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(holds_for_many_letters_at_once)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 500);
        std::vector<settlement> items;
        for (auto const id : ids)
            items.push_back(dead(id));
        BOOST_TEST(!(co_await of.broker->settle(alice, items, {.count = 1})));
        for (auto const& item : items)
            BOOST_REQUIRE(item.state == holding::held);
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 1);
        BOOST_TEST((co_await of.pending("orders", "g")).empty());
    });
}

BOOST_AUTO_TEST_CASE(is_looked_at_only_when_a_letter_is_added)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.append_numbers("{orders}:dead", 5);
        std::array items{ending(ids[0]), dead(entry_id::max())};
        BOOST_TEST(!(co_await of.broker->settle(alice, items, {.count = 1})));
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 5);
    });
}

BOOST_AUTO_TEST_CASE(keeps_all_by_default)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        co_await of.append_numbers("{orders}:dead", 5);
        for (auto const& limits : {retention{}, retention{100, very_old}}) {
            auto item = dead(ids[limits.count == 0 ? 0 : 1]);
            BOOST_TEST(!(co_await of.broker->settle(alice, {&item, 1}, limits)));
        }
        BOOST_TEST((co_await of.broker->inspect_stream("{orders}:dead"))->length == 7);
    });
}

BOOST_AUTO_TEST_CASE(of_the_age_drops_the_older)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        auto first = co_await of.settle(alice, dead(ids[0]));
        BOOST_REQUIRE(first.state == holding::held);
        auto const old = *(co_await of.broker->inspect_stream("{orders}:dead"))->last;
        // By the clock that makes the ids.
        while ((co_await of.append("clock", "x")).ms <= old.ms + 1)
            co_await of.round_trip();
        auto second = dead(ids[1]);
        BOOST_TEST(!(co_await of.broker->settle(alice, {&second, 1}, {.age = 1ms})));
        auto const letters = co_await of.broker->inspect_stream("{orders}:dead");
        BOOST_TEST(letters->length == 1);
        BOOST_TEST((*letters->first > old));
    });
}

BOOST_AUTO_TEST_SUITE_END()
