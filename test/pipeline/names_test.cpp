// Names of consumers and leases of groups: L1, L2, L7.

#include "pipeline/stage.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using words = std::vector<std::string>;

/// With a short lease: by its half the older process knows that its name is another's.
consumer_options named(std::string name)
{
    auto options = in_group("billing");
    options.name = std::move(name);
    options.lease = 200ms;
    return options;
}

auto counting(std::shared_ptr<tally> handled)
{
    return [handled](delivery const&) -> asio::awaitable<void> {
        handled->add();
        co_return;
    };
}

asio::awaitable<words> names_in(stage& of, std::string stream)
{
    auto const infos = co_await of.broker->inspect_consumers(stream, "billing");
    BOOST_REQUIRE_MESSAGE(infos.has_value(), infos.error());
    words all;
    for (auto const& info : *infos)
        all.push_back(info.name);
    std::ranges::sort(all);
    co_return all;
}

bool says(failure const& why, std::string_view what)
{
    return why.words().find(what) != std::string_view::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(L1_the_lease_of_a_group)

BOOST_AUTO_TEST_CASE(is_the_same_for_all_and_another_ends_the_run)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        for (auto const lease : {100ms, 7'000ms}) {
            auto options = named("other");
            options.lease = lease;
            auto const other = of.make_consumer(options);
            other->on("orders", counting(handled));
            auto const end = co_await of.start(other).get();
            BOOST_TEST(end.why == errc::lease_differs);
            BOOST_TEST(says(end.why, "200"), end.why);
            BOOST_TEST(says(end.why, std::to_string(lease.count())), end.why);
        }
        // The first is none the worse for it.
        co_await of.publish("orders", "x");
        co_await handled->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        BOOST_TEST((co_await names_in(of, "orders")) == words{"clerk"}, per_element());
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 2);
    });
}

BOOST_AUTO_TEST_CASE(may_be_another_when_nobody_is_left)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (auto const lease : {200ms, 100ms, 300ms}) {
            auto options = named("clerk");
            options.lease = lease;
            auto const handled = of.make_tally();
            auto const clerk = of.make_consumer(options);
            clerk->on("orders", counting(handled));
            auto run = of.start(clerk);
            co_await of.publish("orders", "x");
            co_await handled->reach(1);
            clerk->stop();
            BOOST_TEST((co_await of.good_end(run)).handled == 1);
        }
    });
}

BOOST_AUTO_TEST_CASE(does_not_matter_at_most_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        auto options = named("other");
        options.lease = 100ms;
        options.at_most_once = true;
        auto const other = of.make_consumer(options);
        other->on("orders", counting(handled));
        auto second = of.start(other);
        clerk->stop();
        co_await of.good_end(run);
        co_await of.publish("orders", "x");
        co_await handled->reach(2);
        other->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(L2_a_name)

BOOST_AUTO_TEST_CASE(goes_to_the_newest_process_with_its_backlog)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const doors = of.make_gate();
        auto const cancelled = of.make_tally();
        auto options = named("clerk");
        options.max_concurrency = 4;
        auto const older = of.make_consumer(options);
        // However they end, nothing of it counts.
        older->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            try {
                co_await doors->pass();
            }
            catch (boost::system::system_error const& thrown) {
                BOOST_TEST((thrown.code() == asio::error::operation_aborted));
                cancelled->add();
                if (what.body() == "0")
                    throw;
                if (what.body() == "1")
                    throw reject("no");
                if (what.body() == "2")
                    throw std::runtime_error("no");
            }
        });
        co_await of.publish_numbers("orders", 7);
        auto first = of.start(older);
        co_await doors->arrived.reach(4);
        co_await of.until_pending("orders", "billing", 7);

        auto const handled = of.make_tally();
        auto const newer = of.make_consumer(named("clerk"));
        newer->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 2);
            handled->add();
            co_return;
        });
        auto second = of.start(newer);
        auto const end = co_await first.get();
        BOOST_TEST(end.why == errc::name_taken);
        BOOST_TEST(says(end.why, "clerk"), end.why);
        auto const& report = end.report;
        BOOST_TEST(cancelled->count() == 4);
        BOOST_TEST(report.lost == 7);
        BOOST_TEST(report.handled + report.retried + report.dead + report.released + report.cancelled == 0);

        co_await handled->reach(7);
        co_await of.until_pending("orders", "billing", 0);
        BOOST_TEST((co_await names_in(of, "orders")) == words{"clerk"}, per_element());
        newer->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 7);
        BOOST_TEST(handled->count() == 7);
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(is_lost_by_a_process_that_holds_nothing_too)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const before = of.make_tally();
        auto const older = of.make_consumer(named("clerk"));
        older->on("orders", counting(before));
        auto first = of.start(older);
        co_await of.publish("orders", "x");
        co_await before->reach(1);
        co_await of.until_pending("orders", "billing", 0);

        auto const handled = of.make_tally();
        auto const newer = of.make_consumer(named("clerk"));
        newer->on("orders", counting(handled));
        auto second = of.start(newer);
        auto const end = co_await first.get();
        BOOST_TEST(end.why == errc::name_taken);
        BOOST_TEST(end.report.handled == 1);
        BOOST_TEST(end.report.lost == 0);
        co_await of.publish_numbers("orders", 10);
        co_await handled->reach(10);
        newer->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 10);
        BOOST_TEST(before->count() == 1);
    });
}

BOOST_AUTO_TEST_CASE(is_lost_as_a_whole_when_it_is_lost_in_one_stream)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const before = of.make_tally();
        auto const older = of.make_consumer(named("clerk"));
        older->on("orders", counting(before));
        older->on("mails", counting(before));
        auto first = of.start(older);
        co_await of.publish("orders", "x");
        co_await of.publish("mails", "x");
        co_await before->reach(2);
        auto const handled = of.make_tally();
        auto const newer = of.make_consumer(named("clerk"));
        newer->on("mails", counting(handled));
        auto second = of.start(newer);
        BOOST_TEST((co_await first.get()).why == errc::name_taken);
        co_await of.publish("mails", "x");
        co_await handled->reach(1);
        newer->stop();
        BOOST_TEST((co_await of.good_end(second)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(of_a_process_that_died_can_be_had_at_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "billing", {})));
        BOOST_TEST(!(co_await of.broker->join({"orders", "billing", "clerk", "dead"}, 200ms, true)));
        co_await of.abandon("orders", "billing", "clerk");
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", counting(handled));
        auto run = of.start(clerk);
        co_await handled->reach(3);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 3);
    });
}

BOOST_AUTO_TEST_CASE(is_each_consumer_s_own_when_none_was_chosen)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const make = [&] {
            auto made = of.make_consumer(named(""));
            made->on("orders", counting(handled));
            return made;
        };
        auto const one = make();
        auto const other = make();
        auto first = of.start(one);
        auto second = of.start(other);
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const infos = co_await of.broker->inspect_consumers("orders", "billing");
            co_return infos && infos->size() == 2;
        });
        auto const names = co_await names_in(of, "orders");
        BOOST_TEST(names[0] != names[1]);
        co_await of.publish_numbers("orders", 20);
        co_await handled->reach(20);
        one->stop();
        other->stop();
        auto const reports = std::pair(co_await of.good_end(first), co_await of.good_end(second));
        BOOST_TEST(reports.first.handled + reports.second.handled == 20);
        BOOST_TEST((co_await names_in(of, "orders")).empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(L7_at_a_clean_stop_a_name)

BOOST_AUTO_TEST_CASE(goes_when_nothing_is_pending)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const clerk = of.make_consumer(named("clerk"));
        clerk->on("orders", counting(handled));
        clerk->on("mails", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await of.publish("mails", "x");
        co_await handled->reach(2);
        for (auto const* const stream : {"orders", "mails"})
            BOOST_TEST((co_await names_in(of, stream)) == words{"clerk"}, per_element());
        clerk->stop();
        co_await of.good_end(run);
        for (auto const* const stream : {"orders", "mails"})
            BOOST_TEST((co_await names_in(of, stream)).empty());
    });
}

BOOST_AUTO_TEST_CASE(stays_when_something_is_pending_and_the_next_run_begins_with_that)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = named("clerk");
        options.retry = {1h, 1, 1h};
        auto const failed = of.make_tally();
        auto const clerk = of.make_consumer(options);
        std::vector<std::uint32_t> attempts;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            attempts.push_back(what.attempt());
            failed->add();
            if (what.attempt() == 1)
                throw std::runtime_error("not today");
            co_return;
        });
        auto const handled = of.make_tally();
        clerk->on("mails", counting(handled));
        auto run = of.start(clerk);
        co_await of.publish("orders", "x");
        co_await failed->reach(1);
        co_await of.publish("mails", "x");
        co_await handled->reach(1);
        co_await of.until_pending("mails", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).released == 1);
        BOOST_TEST((co_await names_in(of, "orders")) == words{"clerk"}, per_element());
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 1);
        BOOST_TEST((co_await names_in(of, "mails")).empty());

        auto again = of.start(clerk);
        co_await failed->reach(2);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(again)).handled == 1);
        BOOST_TEST(attempts == (std::vector<std::uint32_t>{1, 2}), per_element());
        BOOST_TEST((co_await names_in(of, "orders")).empty());
    });
}

BOOST_AUTO_TEST_SUITE_END()
