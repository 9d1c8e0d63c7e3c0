// What handlers are given, and that each event is handled once.

#include "pipeline/stage.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <map>
#include <set>

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

BOOST_AUTO_TEST_SUITE(handling)

BOOST_AUTO_TEST_CASE(every_event_is_handled_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::map<std::string, int> times;
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ++times[std::string(*what.body())];
            BOOST_TEST(what.attempt() == 1);
            BOOST_TEST(what.stream() == "orders");
            handled->add();
            co_return;
        });
        co_await of.publish_numbers("orders", 1'500);
        auto run = of.start(billing);
        co_await handled->reach(1'500);
        // Now it waits for more.
        co_await of.publish_numbers("orders", 1'000);
        co_await handled->reach(2'500);
        billing->stop();
        auto const report = co_await of.good_end(run);

        BOOST_TEST(report.handled == 2'500);
        BOOST_TEST(report.retried + report.dead + report.released + report.cancelled + report.gone == 0);
        BOOST_TEST(times.size() == 1'500);
        for (auto const& [body, count] : times)
            BOOST_TEST(count == (std::stoi(body) < 1'000 ? 2 : 1));
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(one_handler_at_a_time_sees_the_order_of_the_stream)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::vector<entry_id> ids;
        auto options = in_group("billing");
        options.max_concurrency = 1;
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ids.push_back(what.id());
            co_await asio::post(co_await asio::this_coro::executor);
            handled->add();
        });
        co_await of.publish_numbers("orders", 1'200);
        auto run = of.start(billing);
        co_await handled->reach(1'200);
        billing->stop();
        co_await of.good_end(run);
        BOOST_TEST(std::ranges::is_sorted(ids));
        BOOST_TEST((std::ranges::adjacent_find(ids) == ids.end()));
    });
}

BOOST_AUTO_TEST_CASE(streams_have_handlers_of_their_own)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::vector<std::string> seen;
        auto const note = [&](std::string text) {
            seen.push_back(std::move(text));
            handled->add();
        };
        auto const all = of.make_consumer(in_group("all"));
        all->on<order>("orders", [&](order const& o) -> asio::awaitable<void> {
            note("order " + o.id);
            co_return;
        });
        all->on<order>("returns", [&](order const& o, delivery const& what) -> asio::awaitable<void> {
            note("return " + o.id + " " + std::string(what.type().value_or("")));
            co_return;
        });
        all->on<std::string>("texts", [&](std::string const& text) -> asio::awaitable<void> {
            note("text " + text);
            co_return;
        });
        all->on<std::vector<std::byte>>(
            "bytes",
            [&](std::vector<std::byte> const& b) -> asio::awaitable<void> {
                note("bytes " + std::to_string(b.size()));
                co_return;
            }
        );
        all->on<boost::json::value>("json", [&](boost::json::value const& value) -> asio::awaitable<void> {
            note("json " + boost::json::serialize(value));
            co_return;
        });
        all->on("raw", [&](delivery const& what) -> asio::awaitable<void> {
            note("raw " + std::string(what.body().value_or("nothing")) + " " + std::string(*what.key()));
            co_return;
        });
        auto run = of.start(all);

        producer to(of.broker);
        co_await to.async_publish("orders", order{"1", 9.5});
        co_await to.async_publish("returns", order{"2", 1}, headers{{"type", "angry"}});
        co_await to.async_publish("texts", std::string_view("\r\n\0x", 4));
        co_await to.async_publish("bytes", std::vector<std::byte>(3));
        co_await to.async_publish("json", boost::json::value{{"a", 1}});
        co_await to.async_publish("raw", event{std::nullopt, {{"key", "k"}}});
        co_await handled->reach(6);
        all->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 6);

        std::ranges::sort(seen);
        BOOST_TEST(
            seen == (std::vector<std::string>{
                        "bytes 3", "json {\"a\":1}", "order 1", "raw nothing k", "return 2 angry",
                        std::string("text \r\n\0x", 9)
                    }),
            boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(each_group_gets_every_event)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        std::multiset<std::string> seen;
        std::vector<started<ending>> runs;
        std::vector<std::shared_ptr<consumer>> consumers;
        for (auto const group : {"billing", "shipping"}) {
            auto const& one = consumers.emplace_back(of.make_consumer(in_group(group)));
            one->on("orders", [&, group](delivery const& what) -> asio::awaitable<void> {
                seen.insert(group + std::string(*what.body()));
                handled->add();
                co_return;
            });
            runs.push_back(of.start(one));
        }
        co_await of.publish_numbers("orders", 3);
        co_await handled->reach(6);
        for (std::size_t i = 0; i != 2; ++i) {
            consumers[i]->stop();
            BOOST_TEST((co_await of.good_end(runs[i])).handled == 3);
        }
        BOOST_TEST(
            seen == (std::multiset<std::string>{
                        "billing0", "billing1", "billing2", "shipping0", "shipping1", "shipping2"
                    }),
            boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(consumers_of_a_group_share_the_events)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        std::map<std::string, std::set<std::string>> seen;
        std::vector<started<ending>> runs;
        std::vector<std::shared_ptr<consumer>> consumers;
        for (auto const name : {"first", "second"}) {
            auto options = in_group("billing");
            options.name = name;
            options.max_concurrency = options.max_in_flight = 2;
            auto const& one = consumers.emplace_back(of.make_consumer(options));
            one->on("orders", [&, name](delivery const& what) -> asio::awaitable<void> {
                BOOST_TEST(seen[name].insert(std::string(*what.body())).second);
                co_await doors->pass();
            });
            runs.push_back(of.start(one));
        }
        co_await of.publish_numbers("orders", 10);
        // Each has as many as it may.
        co_await doors->arrived.reach(4);
        BOOST_TEST(seen["first"].size() == 2);
        BOOST_TEST(seen["second"].size() == 2);
        doors->open();
        co_await doors->arrived.reach(10);
        std::uint64_t handled = 0;
        for (std::size_t i = 0; i != 2; ++i) {
            consumers[i]->stop();
            handled += (co_await of.good_end(runs[i])).handled;
        }
        BOOST_TEST(handled == 10);
        BOOST_TEST(doors->arrived.count() == 10);
        seen["first"].merge(seen["second"]);
        BOOST_TEST(seen["first"].size() == 10);
        BOOST_TEST(seen["second"].empty());
    });
}

BOOST_AUTO_TEST_CASE(a_new_group_begins_where_it_is_told)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const first = co_await of.publish("orders", "first");
        co_await of.publish("orders", "second");
        auto const handled = of.make_tally();
        std::vector<std::string> seen;
        auto const consume = [&](std::string group, start_position start) {
            auto options = in_group(group);
            options.start = start;
            auto one = of.make_consumer(options);
            one->on("orders", [&, group](delivery const& what) -> asio::awaitable<void> {
                seen.push_back(group + " " + std::string(*what.body()));
                handled->add();
                co_return;
            });
            return one;
        };
        auto const whole = consume("whole", start_position::beginning());
        auto const rest = consume("rest", {first});
        auto const fresh = consume("fresh", start_position::end());
        auto whole_run = of.start(whole);
        auto rest_run = of.start(rest);
        auto fresh_run = of.start(fresh);
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const groups = co_await of.broker->inspect_groups("orders");
            co_return groups && groups->size() == 3;
        });
        co_await of.publish("orders", "third");
        co_await handled->reach(6);
        for (auto const& one : {whole, rest, fresh})
            one->stop();
        BOOST_TEST((co_await of.good_end(whole_run)).handled == 3);
        BOOST_TEST((co_await of.good_end(rest_run)).handled == 2);
        BOOST_TEST((co_await of.good_end(fresh_run)).handled == 1);
        BOOST_TEST(std::ranges::count(seen, "fresh third") == 1);
        BOOST_TEST(std::ranges::count(seen, "rest first") == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_handler_may_publish_and_wait_for_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        producer to(of.broker);
        auto options = in_group("billing");
        options.max_concurrency = options.max_in_flight = 1;
        auto const billing = of.make_consumer(options);
        billing->on<int>("numbers", [&](int const& number) -> asio::awaitable<void> {
            if (number != 200)
                co_await to.async_publish("numbers", number + 1);
            handled->add();
        });
        auto run = of.start(billing);
        co_await to.async_publish("numbers", 1);
        co_await handled->reach(200);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 200);
    });
}

BOOST_AUTO_TEST_CASE(what_a_handler_is_given_lives_until_it_returns)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        std::vector<std::string> seen;
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on<std::string_view>(
            "orders",
            [&](std::string_view const& body, delivery const& what) -> asio::awaitable<void> {
                co_await doors->pass();
                // The bytes of all the others of their batch, and the batch itself, may be gone by now.
                seen.push_back(
                    std::string(body) + std::string(*what.header("n")) + std::string(what.stream())
                );
            }
        );
        auto run = of.start(billing);
        std::string const large(5'000, 'x');
        for (int i = 0; i != 20; ++i)
            co_await of.publish("orders", large, {{"n", std::to_string(i)}});
        co_await doors->arrived.reach(20);
        doors->open();
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 20);
        for (int i = 0; i != 20; ++i)
            BOOST_TEST(std::ranges::count(seen, large + std::to_string(i) + "orders") == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
