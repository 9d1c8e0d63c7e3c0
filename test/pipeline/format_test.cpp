// Streams whose entries are written as other systems write them.

#include "pipeline/stage.hpp"

#include <strandline/wire_format.hpp>

#include <boost/describe.hpp>

#include <array>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

using fields = std::vector<header_view>;

/// As another program does it: these fields, and nothing else is known about them.
asio::awaitable<entry_id> append(stage& of, std::string_view stream, fields all)
{
    std::array<appending, 1> item;
    item[0].stream = stream;
    item[0].entry.headers = all;
    co_await of.broker->append(item);
    BOOST_REQUIRE_MESSAGE(item[0].outcome.has_value(), item[0].outcome.error());
    co_return *item[0].outcome;
}

fields envelope_of(std::string_view payload, std::string_view headers = "{}")
{
    return {
        {"id", "7"},          {"topic", "orders"},  {"name", "order.created"},
        {"payload", payload}, {"headers", headers}, {"timestamp", "2025-07-01T12:30:45Z"},
    };
}

fields const not_an_envelope{{"user", "x"}, {"key", "a"}};

consumer_options clerk_options()
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.claim_interval = 10ms;
    return options;
}

asio::awaitable<consume_report>
run_until_settled(stage& of, std::shared_ptr<consumer> clerk, tally& handled, std::size_t count)
{
    auto run = of.start(clerk);
    co_await handled.reach(count);
    co_await of.until_pending("orders", "billing", 0);
    clerk->stop();
    co_return co_await of.good_end(run);
}

/// The only dead letter of the stream, which has the entry's own fields before the library's.
asio::awaitable<void> check_dead(stage& of, fields own, std::string_view error, std::string_view attempts)
{
    auto const letters = co_await of.dead_letters("orders");
    BOOST_REQUIRE(letters.size() == 1);
    auto const& letter = letters[0];
    BOOST_TEST(!letter.body);
    BOOST_REQUIRE(letter.headers.size() > own.size());
    for (std::size_t i = 0; i != own.size(); ++i) {
        BOOST_TEST(letter.headers[i].name == own[i].name);
        BOOST_TEST(letter.headers[i].value == own[i].value);
    }
    BOOST_TEST(letter.header_of("dead-reason") == "undecodable");
    BOOST_TEST(letter.header_of("dead-error") == error);
    BOOST_TEST(letter.header_of("dead-attempts") == attempts);
}

constexpr std::string_view no_payload = "body cannot be decoded: the envelope has no field payload";

/// Reads as many times as it is told, refuses once, and goes on.
class tired_format final : public wire_format
{
public:
    explicit tired_format(int times) : left_(std::make_shared<int>(times)) {}

    failure write(std::string_view, event&) const override { return {}; }

    failure read(std::string_view stream, event& what) const override
    {
        BOOST_TEST(stream == "orders");
        BOOST_TEST(what.headers.size() != 0);
        if (--*left_ == -1)
            throw std::runtime_error("tired");
        return {};
    }

private:
    std::shared_ptr<int> left_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(wire_formats)

BOOST_AUTO_TEST_CASE(give_typed_handlers_what_others_have_written)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append(of, "enveloped", envelope_of(R"({"id":"42","total":9.5})", R"({"tenant":"x"})"));
        co_await append(of, "flat", {{"id", "43"}, {"total", "12"}});
        co_await append(of, "in s", {{"source", "shop"}, {"s", R"({"id":"44","total":1})"}});
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(clerk_options());
        std::map<std::string, std::string> seen;
        auto const handle = [&](order const& one, delivery const& what) -> asio::awaitable<void> {
            auto& text = seen[std::string(what.stream())];
            text = one.id + " " + std::to_string(static_cast<int>(one.total * 10));
            for (auto const& [name, value] : what.headers())
                text.append(" ").append(name).append("=").append(value);
            handled->add();
            co_return;
        };
        clerk->on<order>("enveloped", handle, {.format = envelope()});
        clerk->on<order>("flat", handle, {.format = flat_fields<order>()});
        clerk->on<order>("in s", handle, {.format = body_in("s")});
        auto run = of.start(clerk);
        co_await handled->reach(3);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
        BOOST_TEST(
            seen["enveloped"] ==
            "42 95 type=order.created id=7 topic=orders timestamp=2025-07-01T12:30:45Z tenant=x"
        );
        BOOST_TEST(seen["flat"] == "43 120 id=43 total=12");
        BOOST_TEST(seen["in s"] == "44 10 source=shop");
    });
}

BOOST_AUTO_TEST_CASE(give_the_same_to_raw_batch_and_pulled_deliveries)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (auto const* const stream : {"raw", "batch", "pulled"})
            co_await append(of, stream, envelope_of(R"({"id":"42","total":9.5})"));
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(clerk_options());
        auto const format = envelope();
        auto const look = [&](delivery const& what) {
            BOOST_TEST((what.body() == R"({"id":"42","total":9.5})"));
            BOOST_TEST((what.type() == "order.created"));
            handled->add();
        };
        clerk->on(
            "raw",
            [&](delivery const& what) -> asio::awaitable<void> {
                look(what);
                co_return;
            },
            {.format = format}
        );
        clerk->on_batch<order>(
            "batch", 10,
            [&](std::span<batch_item<order>> items) -> asio::awaitable<void> {
                for (auto const& one : items) {
                    BOOST_TEST(one.value().id == "42");
                    look(one.delivery());
                }
                co_return;
            },
            {.format = format}
        );
        clerk->pull("pulled", {.format = format});
        auto run = of.start(clerk);
        {
            auto received = co_await clerk->async_receive();
            BOOST_TEST(received.as<order>().value().id == "42");
            look(received.delivery());
            received.ack();
        }
        co_await handled->reach(3);
        co_await of.until_pending("pulled", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(send_what_they_cannot_read_to_the_dead_letters_and_go_on)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        check([=](stage& of) -> asio::awaitable<void> {
            co_await append(of, "orders", not_an_envelope);
            co_await append(of, "orders", envelope_of("1"));
            auto options = clerk_options();
            options.order = order;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            clerk->on(
                "orders",
                [&](delivery const& what) -> asio::awaitable<void> {
                    BOOST_TEST((what.body() == "1"));
                    handled->add();
                    co_return;
                },
                {.format = envelope()}
            );
            auto const report = co_await run_until_settled(of, clerk, *handled, 1);
            BOOST_TEST(report.handled == 1);
            BOOST_TEST(report.dead == 1);
            co_await check_dead(of, not_an_envelope, no_payload, "1");
        });
}

BOOST_AUTO_TEST_CASE(ask_the_hook_about_what_they_cannot_read)
{
    for (auto const answer : {dead_action::bury, dead_action::drop, dead_action::retry})
        check([=](stage& of) -> asio::awaitable<void> {
            co_await append(of, "orders", not_an_envelope);
            auto options = clerk_options();
            auto const asked = of.make_tally();
            options.on_undecodable = [&](delivery const& what, std::string_view error) {
                BOOST_TEST(error == no_payload);
                // As it stands in the stream.
                BOOST_TEST(
                    fields(what.headers().begin(), what.headers().end()) == not_an_envelope, per_element()
                );
                BOOST_TEST(what.attempt() == asked->count() + 1);
                asked->add();
                return asked->count() == 1 ? answer : dead_action::bury;
            };
            auto const clerk = of.make_consumer(options);
            clerk->on(
                "orders",
                [](delivery const&) -> asio::awaitable<void> {
                    BOOST_ERROR("nothing to handle");
                    co_return;
                },
                {.format = envelope()}
            );
            auto const report =
                co_await run_until_settled(of, clerk, *asked, answer == dead_action::retry ? 2 : 1);
            BOOST_TEST(report.dead == (answer != dead_action::drop));
            BOOST_TEST(report.dropped == (answer == dead_action::drop));
            BOOST_TEST(report.retried == (answer == dead_action::retry));
            if (answer != dead_action::drop)
                co_await check_dead(
                    of, not_an_envelope, no_payload, answer == dead_action::retry ? "2" : "1"
                );
        });
}

BOOST_AUTO_TEST_CASE(report_what_they_cannot_read_at_most_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append(of, "orders", not_an_envelope);
        co_await append(of, "orders", envelope_of("1"));
        auto options = clerk_options();
        options.at_most_once = true;
        auto const told = of.make_tally();
        options.on_error = [&](failure const& why) {
            BOOST_TEST((why == errc::handler_failed), why);
            BOOST_TEST(why.words().ends_with(no_payload), why);
            told->add();
        };
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        clerk->on(
            "orders",
            [&](delivery const&) -> asio::awaitable<void> {
                handled->add();
                co_return;
            },
            {.format = envelope()}
        );
        auto run = of.start(clerk);
        co_await told->reach(1);
        co_await handled->reach(1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.dropped == 1);
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(let_a_drain_end_though_nothing_can_be_read)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (int i = 0; i != 3; ++i)
            co_await append(of, "orders", not_an_envelope);
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on(
            "orders", [](delivery const&) -> asio::awaitable<void> { co_return; }, {.format = envelope()}
        );
        auto const report = co_await clerk->async_drain();
        BOOST_TEST(report.dead == 3);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 3);
    });
}

// O2
BOOST_AUTO_TEST_CASE(tell_the_key_that_keeps_deliveries_in_order)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (auto const* const number : {"0", "1", "2", "3"})
            co_await append(of, "orders", envelope_of(number, R"({"key":"alice"})"));
        co_await append(of, "orders", envelope_of("9", R"({"key":"bob"})"));
        auto options = clerk_options();
        options.order = ordering::by_key;
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(options);
        std::vector<std::string> seen;
        clerk->on(
            "orders",
            [&, doors](delivery const& what) -> asio::awaitable<void> {
                auto const number = std::string(*what.body());
                if (what.key() == "alice")
                    co_await doors->pass();
                seen.push_back(number + (what.attempt() == 1 ? "" : " again"));
                handled->add();
                // The followers wait for it without their bodies, which come back in the same form.
                if (number == "1" && what.attempt() == 1)
                    throw std::runtime_error("not now");
            },
            {.format = envelope()}
        );
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        co_await handled->reach(1);
        BOOST_TEST(doors->arrived.count() == 1);
        doors->open();
        co_await handled->reach(6);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 5);
        BOOST_TEST(seen == (std::vector<std::string>{"9", "0", "1", "1 again", "2", "3"}), per_element());
    });
}

// A4
BOOST_AUTO_TEST_CASE(read_what_was_found_pending_and_suspects_alike)
{
    for (auto const attempts : {1U, 2U})
        for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
            check([=](stage& of) -> asio::awaitable<void> {
                co_await append(of, "orders", envelope_of("1", R"({"key":"a"})"));
                co_await append(of, "orders", not_an_envelope);
                co_await of.abandon("orders", "billing", "clerk", attempts);
                auto options = clerk_options();
                options.order = order;
                auto const handled = of.make_tally();
                auto const clerk = of.make_consumer(options);
                clerk->on(
                    "orders",
                    [&](delivery const& what) -> asio::awaitable<void> {
                        BOOST_TEST(what.attempt() == attempts + 1);
                        BOOST_TEST((what.body() == "1"));
                        BOOST_TEST((what.key() == "a"));
                        handled->add();
                        co_return;
                    },
                    {.format = envelope()}
                );
                auto const report = co_await run_until_settled(of, clerk, *handled, 1);
                BOOST_TEST(report.handled == 1);
                BOOST_TEST(report.dead == 1);
                // Its attempt is counted where its body comes back to be handled, not where its key is looked
                // up.
                auto const counted = attempts + (order == ordering::unordered ? 1 : 0);
                co_await check_dead(of, not_an_envelope, no_payload, std::to_string(counted));
            });
}

BOOST_AUTO_TEST_CASE(show_the_hook_what_died_while_a_handler_ran)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append(of, "orders", envelope_of("1", R"({"key":"a"})"));
        co_await of.abandon("orders", "billing", "clerk", 5);
        auto options = clerk_options();
        auto const asked = of.make_tally();
        options.on_dead = [&](delivery const& what, std::string_view reason, std::string_view) {
            BOOST_TEST(reason == "exhausted");
            BOOST_TEST((what.body() == "1"));
            BOOST_TEST((what.key() == "a"));
            asked->add();
            return dead_action::drop;
        };
        auto const clerk = of.make_consumer(options);
        clerk->on(
            "orders", [](delivery const&) -> asio::awaitable<void> { co_return; }, {.format = envelope()}
        );
        BOOST_TEST((co_await run_until_settled(of, clerk, *asked, 1)).dropped == 1);
    });
}

BOOST_AUTO_TEST_CASE(that_throw_have_failed_in_those_words)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append(of, "orders", {{"key", "a"}});
        auto const clerk = of.make_consumer(clerk_options());
        clerk->on(
            "orders", [](delivery const&) -> asio::awaitable<void> { co_return; },
            {.format = std::make_shared<tired_format>(0)}
        );
        auto const report = co_await clerk->async_drain();
        BOOST_TEST(report.dead == 1);
        co_await check_dead(of, {{"key", "a"}}, "body cannot be decoded: tired", "1");
    });
}

// A follower gave up its body, and cannot be read any more when that comes back: those behind it go on.
BOOST_AUTO_TEST_CASE(that_fail_later_leave_no_gap_in_a_line)
{
    for (auto const order : {ordering::by_key, ordering::strict})
        check([=](stage& of) -> asio::awaitable<void> {
            for (auto const* const number : {"0", "1", "2"})
                co_await append(of, "orders", {{"key", "a"}, {"number", number}});
            auto options = clerk_options();
            options.order = order;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            std::vector<std::string> seen;
            clerk->on(
                "orders",
                [&](delivery const& what) -> asio::awaitable<void> {
                    seen.emplace_back(*what.header("number"));
                    handled->add();
                    if (what.attempt() == 1)
                        throw std::runtime_error("not now");
                    co_return;
                },
                // Each once, and the first again.
                {.format = std::make_shared<tired_format>(4)}
            );
            auto const report = co_await run_until_settled(of, clerk, *handled, 4);
            BOOST_TEST(seen == (std::vector<std::string>{"0", "0", "2", "2"}), per_element());
            BOOST_TEST(report.handled == 2);
            BOOST_TEST(report.dead == 1);
            BOOST_TEST((co_await of.dead_letters("orders")).size() == 1);
        });
}

BOOST_AUTO_TEST_CASE(is_written_by_producers_and_batches_and_read_back)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer
            to(of.broker, {.streams = {
                               {"enveloped", {.format = envelope()}},
                               {"packed", {.format = body_in("s")}},
                               {"flat", {.format = flat_fields()}},
                           }});
        publish_options const with{.type = "placed", .key = "alice", .idempotency_key = "42"};
        auto batch = to.batch();
        for (std::string const stream : {"enveloped", "packed", "flat"}) {
            auto const first = co_await to.async_publish(stream, order{"42", 9.5}, with);
            batch.add(stream, order{"42", 9.5}, with);
            BOOST_TEST((co_await batch.async_flush()).at(0) == first);
        }
        auto const packed = co_await of.stored_in("packed");
        BOOST_REQUIRE(packed.size() == 1);
        BOOST_TEST(!packed[0].body);
        BOOST_TEST((packed[0].headers.front() == header{"s", R"({"id":"42","total":9.5E0})"}));

        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(clerk_options());
        auto const look = [handled](order const& one, delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(one.id == "42");
            BOOST_TEST(one.total == 9.5);
            BOOST_TEST((what.key() == "alice"));
            BOOST_TEST((what.type() == "placed"));
            handled->add();
            co_return;
        };
        clerk->on<order>("enveloped", look, {.format = envelope()});
        clerk->on<order>("packed", look, {.format = body_in("s")});
        clerk->on<order>("flat", look, {.format = flat_fields<order>()});
        auto run = of.start(clerk);
        co_await handled->reach(3);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(refuses_to_producers_what_it_cannot_write)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker, {.streams = {{"flat", {.format = flat_fields()}}}});
        auto const end = co_await to.async_publish("flat", "not an object", asio::as_tuple);
        BOOST_TEST((std::get<0>(end) == errc::not_encodable), std::get<0>(end));
        auto batch = to.batch();
        batch.add("flat", "not an object");
        BOOST_TEST((std::get<0>(co_await batch.async_flush(asio::as_tuple)) == errc::not_encodable));
        BOOST_TEST((co_await of.stored_in("flat")).empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()
