// What is published: values, ids, and what is refused.

#include "pipeline/stage.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/describe/class.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

} // namespace

BOOST_AUTO_TEST_SUITE(publishing)

BOOST_AUTO_TEST_CASE(stores_in_the_order_of_the_starts)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        std::vector<entry_id> ids(1'000);
        producer to(of.broker);
        for (std::size_t i = 0; i != ids.size(); ++i)
            to.async_publish("orders", std::to_string(i), [&ids, done, i](failure const& why, entry_id id) {
                BOOST_TEST(!why, why);
                ids[i] = id;
                done->add();
            });
        co_await done->reach(ids.size());
        BOOST_TEST(std::ranges::is_sorted(ids));
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == ids.size());
        for (std::size_t i = 0; i != ids.size(); ++i) {
            BOOST_TEST((all[i].body == std::to_string(i)));
            BOOST_TEST(all[i].id == ids[i]);
        }
    });
}

BOOST_AUTO_TEST_CASE(gives_each_of_many_coroutines_its_own_id)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        std::map<std::pair<std::string, entry_id>, std::string> published;
        producer to(of.broker);
        auto const publish = [&](int writer) -> asio::awaitable<void> {
            entry_id last;
            for (int i = 0; i != 20; ++i) {
                auto const body = std::to_string(writer) + "/" + std::to_string(i);
                std::string const stream = i < 12 ? "orders" : "users";
                auto const id = co_await to.async_publish(stream, body);
                BOOST_TEST((last < id || i == 12));
                last = id;
                BOOST_TEST(published.emplace(std::pair(stream, id), body).second);
            }
            done->add();
        };
        for (int writer = 0; writer != 256; ++writer)
            asio::co_spawn(of.strand(), publish(writer), asio::detached);
        co_await done->reach(256);
        std::map<std::pair<std::string, entry_id>, std::string> found;
        for (std::string const stream : {"orders", "users"})
            for (auto const& one : co_await of.stored_in(stream))
                found.emplace(std::pair(stream, one.id), *one.body);
        BOOST_TEST((published == found));
    });
}

BOOST_AUTO_TEST_CASE(takes_values_of_every_kind)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        std::array const bytes{std::byte{0}, std::byte{255}, std::byte{'\n'}};
        std::string const large(3'000'000, 'x');
        co_await to.async_publish("s", order{"42", 9.5});
        co_await to.async_publish("s", order{"43", 1}, headers{{"type", "created"}, {"key", ""}});
        co_await to.async_publish("s", std::string("text"));
        co_await to.async_publish("s", std::string_view("view"));
        co_await to.async_publish("s", "literal");
        co_await to.async_publish("s", std::span<std::byte const>(bytes));
        co_await to.async_publish("s", std::vector<std::byte>());
        co_await to.async_publish("s", boost::json::value{{"a", nullptr}});
        co_await to.async_publish("s", std::vector<int>{1, 2});
        co_await to.async_publish("s", event{"encoded", {}});
        co_await to.async_publish("s", event{"encoded", {{"n", "1"}, {"n", "2"}}});
        co_await to.async_publish("s", event{std::nullopt, {{"type", "alone"}}});
        co_await to.async_publish("s", large);

        auto const all = co_await of.stored_in("s");
        BOOST_REQUIRE(all.size() == 13);
        BOOST_TEST((all[0].body == R"({"id":"42","total":9.5E0})"));
        BOOST_TEST(all[0].headers.empty());
        BOOST_TEST((all[1].headers == std::vector<header>{{"type", "created"}, {"key", ""}}));
        BOOST_TEST((all[2].body == "text"));
        BOOST_TEST((all[3].body == "view"));
        BOOST_TEST((all[4].body == "literal"));
        BOOST_TEST((all[5].body == std::string("\0\xff\n", 3)));
        BOOST_TEST((all[6].body == ""));
        BOOST_TEST((all[7].body == R"({"a":null})"));
        BOOST_TEST((all[8].body == "[1,2]"));
        BOOST_TEST((all[9].body == "encoded"));
        BOOST_TEST((all[10].headers == std::vector<header>{{"n", "1"}, {"n", "2"}}));
        BOOST_TEST(!all[11].body.has_value());
        BOOST_TEST((all[11].headers == std::vector<header>{{"type", "alone"}}));
        BOOST_TEST((all[12].body == large));
    });
}

BOOST_AUTO_TEST_CASE(completes_with_the_reason_when_a_value_cannot_be_encoded)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const nan = std::numeric_limits<double>::quiet_NaN();
        auto const [why, id] = co_await to.async_publish("orders", order{"1", nan}, asio::as_tuple);
        BOOST_TEST((why == errc::not_encodable));
        BOOST_TEST((why.words().find("total") != std::string_view::npos));
        BOOST_TEST(id == entry_id());
        BOOST_CHECK_EXCEPTION(
            co_await to.async_publish("orders", order{"\xff", 1}), error,
            [](error const& thrown) { return thrown.cause() == errc::not_encodable; }
        );
        BOOST_TEST((co_await of.stored_in("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(refuses_names_and_events_that_cannot_be)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const outcome = [&](std::string stream, event what) -> asio::awaitable<failure> {
            auto const end = co_await to.async_publish(stream, std::move(what), asio::as_tuple);
            co_return std::get<0>(end);
        };
        for (auto const name : {"body", "dead-", "dead-reason", "dead-id", ""}) {
            auto const why = co_await outcome("orders", {"x", {{"good", "1"}, {name, "2"}}});
            BOOST_TEST((why == errc::invalid_name), name);
            BOOST_TEST(!why.words().empty());
        }
        BOOST_TEST(((co_await outcome("", {"x", {}})) == errc::invalid_name));
        BOOST_TEST(((co_await outcome("a}b", {"x", {}})) == errc::invalid_name));
        BOOST_TEST(((co_await outcome("orders", {std::nullopt, {}})) == errc::not_encodable));
        BOOST_TEST((co_await of.stored_in("orders")).empty());
        for (auto const name : {"dead", "Body", "bodyx", "x-dead-", " ", "\n"})
            BOOST_TEST(!(co_await outcome("orders", {"x", {{name, "2"}}})), name);
        BOOST_TEST((co_await of.stored_in("orders")).size() == 6);
    });
}

BOOST_AUTO_TEST_CASE(gives_each_its_own_outcome_among_refused_ones)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        auto const done = of.make_tally();
        std::vector<failure> outcomes(300);
        for (std::size_t i = 0; i != outcomes.size(); ++i) {
            event what{std::to_string(i), {}};
            if (i % 3 == 1)
                what.headers.push_back({"body", ""});
            to.async_publish(
                i % 3 == 2 ? "a}b" : "orders", std::move(what),
                [&outcomes, done, i](failure const& why, entry_id) {
                    outcomes[i] = why;
                    done->add();
                }
            );
        }
        co_await done->reach(outcomes.size());
        for (std::size_t i = 0; i != outcomes.size(); ++i)
            BOOST_TEST((i % 3 == 0 ? !outcomes[i] : outcomes[i] == errc::invalid_name));
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 100);
        for (std::size_t i = 0; i != all.size(); ++i)
            BOOST_TEST((all[i].body == std::to_string(3 * i)));
    });
}

BOOST_AUTO_TEST_CASE(later_than_asked_refers_to_nothing_of_the_caller)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const prepare = [&] {
            auto stream = std::make_unique<std::string>("orders of a customer with a long name");
            auto value = std::make_unique<order>(order{std::string(100, 'i'), 1});
            auto with = std::make_unique<headers>(headers{{"key", std::string(100, 'k')}});
            auto to = std::make_unique<producer>(of.broker);
            auto operation = to->async_publish(*stream, *value, *with);
            value->total = 2;
            with->front().value = "other";
            stream->assign("other");
            return operation;
        };
        auto operation = prepare();
        auto never = prepare();
        auto const id = co_await std::move(operation);
        auto const all = co_await of.stored_in("orders of a customer with a long name");
        // The one that never started has published nothing.
        BOOST_REQUIRE(all.size() == 1);
        BOOST_TEST(all[0].id == id);
        BOOST_TEST((all[0].body == R"({"id":")" + std::string(100, 'i') + R"(","total":1E0})"));
        BOOST_TEST((all[0].headers == std::vector<header>{{"key", std::string(100, 'k')}}));
        BOOST_TEST((co_await of.stored_in("other")).empty());
    });
}

BOOST_AUTO_TEST_CASE(goes_on_without_its_producer_and_the_last_handle_of_the_broker)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        {
            producer to(of.broker);
            for (int i = 0; i != 1'000; ++i)
                to.async_publish("orders", "x", [done](failure const& why, entry_id) {
                    BOOST_TEST(!why, why);
                    done->add();
                });
        }
        of.broker.reset();
        co_await done->reach(1'000);
    });
}

BOOST_AUTO_TEST_CASE(after_the_broker_was_closed_fails)
{
    check([](stage& of) -> asio::awaitable<void> {
        producer to(of.broker);
        of.broker->close();
        auto const [why, id] = co_await to.async_publish("orders", "x", asio::as_tuple);
        BOOST_TEST((why == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(is_not_done_when_cancelled_before_it_was_sent)
{
    using enum asio::cancellation_type;
    for (auto const type : {terminal, partial, total})
        check([type](stage& of) -> asio::awaitable<void> {
            auto const done = of.make_tally();
            producer to(of.broker);
            asio::cancellation_signal cancel;
            // Within a completion handler a publish waits until the handler has returned.
            to.async_publish("orders", "first", [&](failure const&, entry_id) {
                to.async_publish(
                    "orders", "second",
                    asio::bind_cancellation_slot(
                        cancel.slot(),
                        [&](failure const& why, entry_id) {
                            BOOST_TEST((why.code() == asio::error::operation_aborted));
                            done->add();
                        }
                    )
                );
                to.async_publish("orders", "third", [&](failure const& why, entry_id) {
                    BOOST_TEST(!why);
                    done->add();
                });
                cancel.emit(type);
            });
            co_await done->reach(2);
            auto const all = co_await of.stored_in("orders");
            BOOST_REQUIRE(all.size() == 2);
            BOOST_TEST((all[1].body == "third"));
        });
}

BOOST_AUTO_TEST_CASE(is_done_when_cancelled_too_late)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        producer to(of.broker);
        asio::cancellation_signal cancel;
        to.async_publish(
            "orders", "x",
            asio::bind_cancellation_slot(
                cancel.slot(),
                [&](failure const& why, entry_id) {
                    BOOST_TEST(!why, why);
                    done->add();
                }
            )
        );
        co_await asio::post(of.strand());
        cancel.emit(asio::cancellation_type::terminal);
        co_await done->reach(1);
        cancel.emit(asio::cancellation_type::terminal);
        BOOST_TEST((co_await of.stored_in("orders")).size() == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
