// D1: entries that get into their stream when they are due.

#include "contract/bed.hpp"

#include <array>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using texts = std::vector<std::string>;

texts bodies_of(std::vector<listed_entry> const& entries)
{
    texts bodies;
    for (auto const& each : entries)
        bodies.emplace_back(each.entry.body.value_or("(none)"));
    return bodies;
}

/// Counts how often it was told of delayed entries of the stream.
class listening
{
public:
    listening(broker& of, std::string_view stream)
        : interest_(of.watch(stream, "", [told = told_] { ++*told; }))
    {}

    int told() const noexcept { return *told_; }

private:
    std::shared_ptr<int> told_ = std::make_shared<int>(0);
    std::unique_ptr<watching> interest_;
};

/// Delays entries, each due before the last, until it has been told.
asio::awaitable<void> until_told(bed& of, listening const& by, std::int64_t& due)
{
    for (auto const before = by.told(); by.told() == before;) {
        co_await of.append(due_at("orders", "x", --due));
        co_await of.round_trip();
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(D1_delayed_entries)

BOOST_AUTO_TEST_CASE(are_not_in_the_stream_before_they_are_due)
{
    check([](bed& of) -> asio::awaitable<void> {
        co_await of.append(delayed("orders", "x", very_old));
        auto const done = co_await of.broker->promote_due("orders", 500);
        BOOST_REQUIRE(done.has_value());
        BOOST_TEST(done->moved == 0U);
        BOOST_REQUIRE(done->next.has_value());
        BOOST_TEST((*done->next > very_old / 2));
        BOOST_TEST((*done->next <= very_old + 1ms));
        BOOST_TEST((co_await of.broker->inspect_stream("orders")).error() == errc::no_group);
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(are_moved_once_in_the_order_in_which_they_are_due)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const ms : {30, 10, 20, 9, 100})
            co_await of.append(due_at("orders", std::to_string(ms), ms));
        auto const done = co_await of.broker->promote_due("orders", 3);
        BOOST_TEST(done->moved == 3U);
        BOOST_TEST((done->next == 0ms));
        BOOST_TEST((co_await of.promote("orders")) == 2U);
        auto const last = co_await of.broker->promote_due("orders", 500);
        BOOST_TEST(last->moved == 0U);
        BOOST_TEST(!last->next.has_value());
        BOOST_TEST((co_await of.stored("orders")) == (texts{"9", "10", "20", "30", "100"}), per_element());
    });
}

BOOST_AUTO_TEST_CASE(that_are_due_together_keep_their_order)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<std::string> bodies;
        for (int i = 0; i != 120; ++i)
            bodies.push_back(std::to_string(i));
        std::vector<appending> items;
        for (auto const& body : bodies)
            items.push_back(due_at("orders", body, 1000));
        co_await of.broker->append(items);
        while ((co_await of.broker->count_delayed("orders")).value() != 0U)
            BOOST_TEST((co_await of.broker->promote_due("orders", 50))->moved != 0U);
        BOOST_TEST((co_await of.stored("orders")) == bodies, per_element());
    });
}

BOOST_AUTO_TEST_CASE(have_ids_that_tell_when_they_are_due)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const first = co_await of.append(due_at("orders", "x", 1000));
        auto const second = co_await of.append(due_at("orders", "x", 1000));
        auto const far = co_await of.append(due_at("orders", "x", 9'999'999'999'999));
        auto const by_delay = co_await of.append(delayed("orders", "x", 1h));
        BOOST_TEST(first.ms == 1000U);
        BOOST_TEST(second.ms == 1000U);
        BOOST_TEST(first < second);
        BOOST_TEST(far.ms == 9'999'999'999'999U);
        auto const now = co_await of.append("orders", "x");
        BOOST_TEST(by_delay.ms + 1000 > now.ms + 3'600'000U);
        BOOST_TEST(by_delay.ms < now.ms + 3'600'002U);
    });
}

BOOST_AUTO_TEST_CASE(are_never_early)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const id = co_await of.append(delayed("orders", "x", 5ms));
        while (co_await of.promote("orders") == 0)
            continue;
        co_await of.ensure_group("orders", "g");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_REQUIRE(got.size() == 1U);
        BOOST_TEST(got[0].id.ms >= id.ms);
    });
}

BOOST_AUTO_TEST_CASE(come_back_whole)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::string bytes;
        for (int i = 0; i != 256; ++i)
            bytes += static_cast<char>(i);
        std::array<header_view, 3> const headers{{{"key", bytes}, {"", ""}, {"key", "2"}}};
        std::string const large(100'000, 'x');
        for (auto const& body : {bytes, large, std::string()}) {
            appending item;
            item.stream = "orders";
            item.entry = {body, headers};
            item.due.emplace(1000ms);
            auto const id = co_await of.append(item);
            auto const waiting = co_await of.broker->inspect_delayed("orders", {}, 10);
            BOOST_REQUIRE(waiting->size() == 1U);
            BOOST_TEST(waiting->front().id == id);
            BOOST_TEST((waiting->front().entry.body == body));
            BOOST_TEST((headers_of(waiting->front().entry)[0].value == bytes));
            BOOST_TEST((co_await of.promote("orders")) == 1U);
            co_await of.ensure_group("orders", "g");
            auto const got = co_await of.read_now("orders", "g", "c");
            BOOST_REQUIRE(got.size() == 1U);
            BOOST_TEST((got[0].entry.body == body));
            BOOST_TEST((std::ranges::equal(got[0].entry.headers, headers)));
        }
    });
}

BOOST_AUTO_TEST_CASE(of_headers_alone_come_back)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::array<header_view, 1> const headers{{{"type", "ping"}}};
        appending item;
        item.stream = "orders";
        item.entry.headers = headers;
        item.due.emplace(1000ms);
        co_await of.append(item);
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        co_await of.ensure_group("orders", "g");
        auto const got = co_await of.read_now("orders", "g", "c");
        BOOST_REQUIRE(got.size() == 1U);
        BOOST_TEST(!got[0].entry.body.has_value());
        BOOST_TEST((std::ranges::equal(got[0].entry.headers, headers)));
    });
}

BOOST_AUTO_TEST_CASE(can_be_cancelled_until_they_are_moved)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const first = co_await of.append(due_at("orders", "0", 1000));
        auto const second = co_await of.append(due_at("orders", "1", 1000));
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.cancel_delayed("orders", first)).value());
        BOOST_TEST(!(co_await broker.cancel_delayed("orders", first)).value());
        BOOST_TEST(!(co_await broker.cancel_delayed("users", second)).value());
        BOOST_TEST(!(co_await broker.cancel_delayed("orders", entry_id::max())).value());
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        BOOST_TEST(!(co_await broker.cancel_delayed("orders", second)).value());
        BOOST_TEST((co_await of.stored("orders")) == texts{"1"}, per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_shown_in_pages)
{
    check([](bed& of) -> asio::awaitable<void> {
        for (auto const ms : {30, 10, 20, 20, 20, 9})
            co_await of.append(due_at("orders", std::to_string(ms), ms));
        auto& broker = *of.broker;
        BOOST_TEST((co_await broker.count_delayed("orders")).value() == 6U);
        texts seen;
        entry_id last;
        for (;;) {
            auto const page = co_await broker.inspect_delayed("orders", last, 2);
            BOOST_REQUIRE_MESSAGE(page.has_value(), page.error());
            if (page->empty())
                break;
            BOOST_TEST(page->size() == 2U);
            std::ranges::copy(bodies_of(*page), std::back_inserter(seen));
            last = page->back().id;
        }
        BOOST_TEST(seen == (texts{"9", "10", "20", "20", "20", "30"}), per_element());
        BOOST_TEST((co_await broker.inspect_delayed("orders", entry_id::max(), 10))->empty());
        BOOST_TEST((co_await broker.inspect_delayed("orders", {20, ~std::uint64_t{0}}, 10))->size() == 1U);
        BOOST_TEST((co_await broker.inspect_delayed("users", {}, 10))->empty());
        BOOST_TEST((co_await broker.count_delayed("users")).value() == 0U);
    });
}

BOOST_AUTO_TEST_CASE(outlive_their_broker_where_somebody_looks_at_them)
{
    std::vector<listed_entry> kept;
    check([&](bed& of) -> asio::awaitable<void> {
        co_await of.append(due_at("orders", "x", 1000));
        kept = (co_await of.broker->inspect_delayed("orders", {}, 10)).value();
        co_await of.promote("orders");
    });
    BOOST_TEST(bodies_of(kept) == texts{"x"}, per_element());
}

BOOST_AUTO_TEST_CASE(need_a_time_that_makes_sense)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto both = due_at("orders", "x", 1000);
        both.delay = 1ms;
        std::array items{
            both,
            due_at("orders", "x", -1),
            due_at("orders", "x", 10'000'000'000'000),
            delayed("orders", "x", -1ms),
            delayed("orders", "x", std::chrono::milliseconds::max()),
            due_at("orders", "x", 0),
        };
        co_await of.broker->append(items);
        for (auto const& item : std::span(items).first(5)) {
            BOOST_REQUIRE(item.outcome.has_error());
            BOOST_TEST(item.outcome.error() == errc::invalid_option);
        }
        BOOST_TEST(items[5].outcome.has_value());
        BOOST_TEST((co_await of.broker->count_delayed("orders")).value() == 1U);
    });
}

BOOST_AUTO_TEST_CASE(have_at_most_three_thousand_headers)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<header_view> headers(3001, {"name", "value"});
        appending item;
        item.stream = "orders";
        item.entry.headers = headers;
        item.due.emplace(1000ms);
        co_await of.broker->append({&item, 1});
        BOOST_REQUIRE(item.outcome.has_error());
        BOOST_TEST(item.outcome.error() == errc::not_encodable);
        item.entry = {"x", std::span(headers).first(3000)};
        co_await of.append(item);
        BOOST_TEST((co_await of.promote("orders")) == 1U);
        co_await of.ensure_group("orders", "g");
        BOOST_TEST((co_await of.read_now("orders", "g", "c")).at(0).entry.headers.size() == 3000U);
    });
}

BOOST_AUTO_TEST_CASE(are_moved_by_whoever_is_first)
{
    check([](bed& of) -> asio::awaitable<void> {
        std::vector<appending> items(1000, due_at("orders", "x", 1000));
        co_await of.broker->append(items);
        std::vector<started<result<promotion>>> movers;
        for (int i = 0; i != 8; ++i)
            movers.push_back(of.start(of.broker->promote_due("orders", 200)));
        std::size_t moved = 0;
        for (auto& each : movers)
            moved += (co_await each.get())->moved;
        BOOST_TEST(moved == 1000U);
        BOOST_TEST((co_await of.stored("orders")).size() == 1000U);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(W1_hints_at_delayed_entries)

BOOST_AUTO_TEST_CASE(tell_of_one_that_is_nearer)
{
    check([](bed& of) -> asio::awaitable<void> {
        listening const by(*of.broker, "orders");
        listening const other(*of.broker, "users");
        std::int64_t due = 9'000'000'000'000;
        co_await until_told(of, by, due);
        co_await until_told(of, by, due);
        // What was told before this one has arrived by now.
        co_await of.round_trip();
        auto const before = by.told();
        co_await of.append(due_at("orders", "x", due + 1000));
        co_await of.append(due_at("orders", "x", due));
        co_await of.append("orders", "x");
        co_await of.round_trip();
        BOOST_TEST(by.told() == before);
        std::array items{due_at("orders", "x", due - 1), due_at("orders", "x", due - 2)};
        co_await of.broker->append(items, {.atomic = true});
        co_await of.round_trip();
        BOOST_TEST(by.told() == before + 1);
        BOOST_TEST(other.told() == 0);
    });
}

BOOST_AUTO_TEST_CASE(are_not_those_of_groups)
{
    check([](bed& of) -> asio::awaitable<void> {
        membership const alice{"orders", "g", "alice"};
        auto const ids = co_await of.deliver(alice, 1);
        auto const told = std::make_shared<int>(0);
        auto const of_group = of.broker->watch("orders", "g", [told] { ++*told; });
        listening const by(*of.broker, "orders");
        std::int64_t due = 9'000'000'000'000;
        co_await until_told(of, by, due);
        BOOST_TEST(*told == 0);
        auto const before = by.told();
        auto item = ending(ids[0], settle_as::released);
        item.attempts = 1;
        while (*told == 0) {
            co_await of.settle(alice, item);
            co_await of.round_trip();
        }
        BOOST_TEST(by.told() == before);
    });
}

BOOST_AUTO_TEST_SUITE_END()
