// D1, W1: consumers move delayed events of their streams.

#include "pipeline/stage.hpp"

#include <algorithm>
#include <map>

using namespace strandline;
using namespace strandline::testing;

namespace {

asio::awaitable<entry_id> append(stage& of, appending item)
{
    co_await of.broker->append({&item, 1});
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    co_return *item.outcome;
}

asio::awaitable<entry_id>
delay(stage& of, std::string_view stream, std::string_view body, std::chrono::milliseconds by)
{
    appending item;
    item.stream = stream;
    item.entry.body = body;
    item.delay = by;
    return append(of, std::move(item));
}

/// Long due.
asio::awaitable<void> delay_many(stage& of, std::string_view stream, std::size_t count)
{
    appending item;
    item.stream = stream;
    item.entry.body = "x";
    item.due.emplace(1s);
    std::vector<appending> items(count, item);
    co_await of.broker->append(items);
    BOOST_REQUIRE_MESSAGE(items.back().outcome.has_value(), items.back().outcome.error());
}

asio::awaitable<std::uint64_t> count_delayed(stage& of, std::string_view stream)
{
    auto const count = co_await of.broker->count_delayed(stream);
    BOOST_REQUIRE_MESSAGE(count.has_value(), count.error());
    co_return *count;
}

/// Counts deliveries, and keeps their ids.
struct counted
{
    explicit counted(stage const& of) : handled(of.make_tally()) {}

    std::shared_ptr<tally> handled;
    std::shared_ptr<std::vector<entry_id>> ids = std::make_shared<std::vector<entry_id>>();

    auto handler() const
    {
        return [handled = handled, ids = ids](delivery const& what) -> asio::awaitable<void> {
            ids->push_back(what.id());
            handled->add();
            co_return;
        };
    }
};

asio::awaitable<consume_report> drain(stage& of, std::shared_ptr<consumer> what)
{
    return of.good_end({of.strand(), [](auto drained) -> asio::awaitable<ending> {
                            auto const end = co_await drained->async_drain(asio::as_tuple);
                            co_return ending{std::get<0>(end), std::get<1>(end)};
                        }(std::move(what))});
}

} // namespace

BOOST_AUTO_TEST_SUITE(D1_delayed_events)

BOOST_AUTO_TEST_CASE(are_handled_when_they_are_due_and_not_before)
{
    check([](stage& of) -> asio::awaitable<void> {
        counted all(of);
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", all.handler());
        auto const before = co_await delay(of, "orders", "before the start", 20ms);
        auto run = of.start(billing);
        co_await all.handled->reach(1);
        auto const later = co_await delay(of, "orders", "beside a run", 20ms);
        co_await all.handled->reach(2);
        BOOST_TEST(all.ids->at(0).ms >= before.ms);
        BOOST_TEST(all.ids->at(1).ms >= later.ms);
        billing->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_CASE(that_are_nearer_do_not_wait_for_others)
{
    check([](stage& of) -> asio::awaitable<void> {
        counted all(of);
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", all.handler());
        co_await delay(of, "orders", "far", 1h);
        auto run = of.start(billing);
        // The sleeps between looks that nothing asks for double: eight of them would last for a minute.
        for (std::size_t i = 1; i <= 8; ++i) {
            co_await delay(of, "orders", "near", 1ms);
            co_await all.handled->reach(i);
        }
        BOOST_TEST((co_await count_delayed(of, "orders")) == 1U);
        billing->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_CASE(are_moved_once_whoever_consumes)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await delay_many(of, "orders", 1700);
        co_await delay_many(of, "mails", 600);
        counted all(of);
        std::vector<std::shared_ptr<consumer>> clerks;
        std::vector<started<ending>> runs;
        for (int i = 0; i != 3; ++i) {
            auto const clerk = of.make_consumer(in_group("billing"));
            clerk->on("orders", all.handler());
            clerk->on("mails", all.handler());
            clerks.push_back(clerk);
            runs.push_back(of.start(clerk));
        }
        co_await all.handled->reach(2300);
        for (auto const& clerk : clerks)
            clerk->stop();
        for (auto& run : runs)
            co_await of.good_end(std::move(run));
        BOOST_TEST(all.handled->count() == 2300U);
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 1700U);
        BOOST_TEST((co_await of.broker->inspect_stream("mails"))->length == 600U);
    });
}

BOOST_AUTO_TEST_CASE(M1_that_are_due_are_drained_and_others_are_not_waited_for)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await delay_many(of, "orders", 1200);
        co_await delay_many(of, "mails", 1);
        co_await delay(of, "orders", "far", 1h);
        counted all(of);
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", all.handler());
        billing->on("mails", all.handler());
        auto const report = co_await drain(of, billing);
        BOOST_TEST(report.handled == 1201U);
        BOOST_TEST((co_await count_delayed(of, "orders")) == 1U);
    });
}

BOOST_AUTO_TEST_CASE(M1_are_moved_by_consumers_of_at_most_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        counted all(of);
        auto options = in_group("billing");
        options.at_most_once = true;
        auto const billing = of.make_consumer(std::move(options));
        billing->on("orders", all.handler());
        co_await delay_many(of, "orders", 600);
        auto run = of.start(billing);
        co_await all.handled->reach(600);
        for (std::size_t i = 601; i <= 608; ++i) {
            co_await delay(of, "orders", "near", 1ms);
            co_await all.handled->reach(i);
        }
        billing->stop();
        co_await of.good_end(std::move(run));
    });
}

BOOST_AUTO_TEST_CASE(do_not_come_when_they_are_cancelled)
{
    check([](stage& of) -> asio::awaitable<void> {
        counted all(of);
        auto const billing = of.make_consumer(in_group("billing"));
        std::map<std::string, int> bodies;
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            ++bodies[std::string(*what.body())];
            all.handled->add();
            co_return;
        });
        auto run = of.start(billing);
        auto const id = co_await delay(of, "orders", "cancelled", 1h);
        BOOST_TEST((co_await of.broker->cancel_delayed("orders", id)).value());
        co_await delay(of, "orders", "kept", 1ms);
        co_await all.handled->reach(1);
        billing->stop();
        co_await of.good_end(std::move(run));
        BOOST_TEST(bodies["kept"] == 1);
        BOOST_TEST(bodies.size() == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
