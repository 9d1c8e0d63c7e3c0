// R1: entries that are meant for one group alone.

#include "pipeline/stage.hpp"

#include <strandline/names.hpp>

#include <array>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

using words = std::vector<std::string>;

consumer_options named(std::string group)
{
    auto options = in_group(std::move(group));
    options.name = "clerk";
    return options;
}

/// An entry as replaying makes it.
asio::awaitable<entry_id> append_for(stage& of, std::string group, std::string body)
{
    std::array<header_view, 2> const headers{{{"key", "1"}, {"for-group", group}}};
    appending item;
    item.stream = "orders";
    item.entry = {body, headers};
    co_await of.broker->append({&item, 1});
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    co_return *item.outcome;
}

/// One of another group's before, between and behind two for everybody.
asio::awaitable<void> append_mixed(stage& of)
{
    for (auto const* const body : {"first", "second"}) {
        co_await append_for(of, "shipping", "not ours");
        co_await of.publish("orders", body, {{"key", "1"}});
    }
    co_await append_for(of, "shipping", "not ours");
    co_await append_for(of, "billing", "ours");
}

asio::awaitable<consume_report> drain(stage& of, std::shared_ptr<consumer> what)
{
    started<ending> run{of.strand(), [](auto drained) -> asio::awaitable<ending> {
                            auto const end = co_await drained->async_drain(asio::as_tuple);
                            co_return ending{std::get<0>(end), std::get<1>(end)};
                        }(std::move(what))};
    return of.good_end(std::move(run));
}

/// Nothing in the report but what was handled.
void check_counts(consume_report const& report, std::uint64_t handled)
{
    BOOST_TEST(report.handled == handled);
    for (auto const other :
         {report.retried, report.dead, report.dropped, report.released, report.cancelled, report.stuck,
          report.gone, report.lost, report.unsettled})
        BOOST_TEST(other == 0U);
}

asio::awaitable<void> check_done_with(stage& of, std::string group)
{
    auto const groups = co_await of.broker->inspect_groups("orders");
    BOOST_REQUIRE_MESSAGE(groups.has_value(), groups.error());
    auto const found = std::ranges::find(*groups, group, &group_info::name);
    BOOST_REQUIRE(found != groups->end());
    BOOST_TEST(found->pending == 0U);
    BOOST_TEST(found->lag.value_or(1) == 0U);
}

/// What a consumer with these options handles of the mixture, in order.
void check_run(consumer_options options)
{
    check([&](stage& of) -> asio::awaitable<void> {
        co_await append_mixed(of);
        auto const clerk = of.make_consumer(options);
        words handled;
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST(what.attempt() == 1U);
            handled.emplace_back(*what.body());
            co_return;
        });
        check_counts(co_await drain(of, clerk), 3);
        BOOST_TEST(handled == (words{"first", "second", "ours"}), per_element());
        co_await check_done_with(of, "billing");
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(R1_an_entry_for_another_group)

BOOST_AUTO_TEST_CASE(is_handled_by_its_group_alone_and_dies_again_with_its_first_origin)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const origin = co_await of.publish("orders", "x");
        words log;
        auto const add = [&](std::string group, bool fails) {
            auto options = named(group);
            options.max_attempts = 1;
            auto made = of.make_consumer(options);
            made->on("orders", [&log, group, fails](delivery const& what) -> asio::awaitable<void> {
                log.push_back(group + " " + std::string(what.header("for-group").value_or("all")));
                if (fails)
                    throw std::runtime_error("not yet");
                co_return;
            });
            return made;
        };
        auto const billing = add("billing", true);
        auto const shipping = add("shipping", false);
        for (int round = 0; round != 3; ++round) {
            auto const expects = round == 0 ? 1U : 0U;
            auto report = co_await drain(of, billing);
            BOOST_TEST(report.dead == 1U);
            report = co_await drain(of, shipping);
            check_counts(report, expects);
            co_await check_done_with(of, "billing");
            co_await check_done_with(of, "shipping");

            auto const letters = co_await of.dead_letters("orders");
            auto const stored =
                (co_await of.broker->inspect_entries(dead_letter_stream("orders"), {}, 10)).value();
            BOOST_REQUIRE(stored.size() == 1U);
            BOOST_TEST(stored[0].entry.header("dead-id").value_or("none") == origin.to_string());
            BOOST_TEST(stored[0].entry.header("dead-group").value_or("none") == "billing");
            replaying again;
            again.id = stored[0].id;
            BOOST_TEST(!(co_await of.broker->replay("orders", {&again, 1})));
            BOOST_TEST(again.outcome.has_value());
        }
        BOOST_TEST(
            log == (words{"billing all", "shipping all", "billing billing", "billing billing"}), per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(is_passed_over_in_every_mode)
{
    auto options = named("billing");
    options.max_concurrency = 1;
    check_run(options);
    options.max_in_flight = 1;
    check_run(options);
    options = named("billing");
    for (auto const order : {ordering::by_key, ordering::strict}) {
        options.order = order;
        check_run(options);
    }
    options = named("billing");
    options.max_concurrency = 1;
    options.at_most_once = true;
    check_run(options);
}

BOOST_AUTO_TEST_CASE(is_in_no_batch)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append_mixed(of);
        auto const clerk = of.make_consumer(named("billing"));
        words handled;
        clerk->on_batch<std::string>(
            "orders", 10,
            [&](std::span<batch_item<std::string>> all) -> asio::awaitable<void> {
                for (auto const& one : all)
                    handled.push_back(one.value());
                co_return;
            }
        );
        check_counts(co_await drain(of, clerk), 3);
        BOOST_TEST(handled == (words{"first", "second", "ours"}), per_element());
        co_await check_done_with(of, "billing");
    });
}

BOOST_AUTO_TEST_CASE(is_not_received)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append_mixed(of);
        auto const clerk = of.make_consumer(named("billing"));
        clerk->pull("orders");
        auto run = of.start(clerk);
        for (auto const* const body : {"first", "second", "ours"}) {
            auto [why, one] = co_await clerk->async_receive(asio::as_tuple);
            BOOST_REQUIRE_MESSAGE(!why, why);
            BOOST_TEST(one.delivery().body().value_or("none") == body);
            one.ack();
        }
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        check_counts(co_await of.good_end(run), 3);
    });
}

BOOST_AUTO_TEST_CASE(is_passed_over_when_it_was_left_behind)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        for (auto const attempts : {1U, 2U, 10U})
            for (auto const* const left_by : {"clerk", "dead"})
                check([=](stage& of) -> asio::awaitable<void> {
                    for (int i = 0; i != 3; ++i)
                        co_await append_for(of, "shipping", "not ours");
                    co_await of.abandon("orders", "billing", left_by, attempts, 24h);
                    auto options = named("billing");
                    options.max_attempts = 3;
                    options.order = order;
                    auto const clerk = of.make_consumer(options);
                    auto const handled = of.make_tally();
                    clerk->on("orders", [handled](delivery const&) -> asio::awaitable<void> {
                        handled->add();
                        co_return;
                    });
                    check_counts(co_await drain(of, clerk), 0);
                    BOOST_TEST(handled->count() == 0U);
                    co_await check_done_with(of, "billing");
                    BOOST_TEST((co_await of.stored_in("{orders}:dead")).empty());
                });
}

BOOST_AUTO_TEST_CASE(is_shown_to_no_hook_and_no_format)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await append_for(of, "shipping", "not ours");
        co_await of.abandon("orders", "billing", "clerk", 10);
        co_await append_for(of, "shipping", "not ours");
        auto const shown = of.make_tally();
        auto options = named("billing");
        options.on_dead = [shown](auto const&...) {
            shown->add();
            return dead_action::bury;
        };
        options.on_undecodable = [shown](auto const&...) {
            shown->add();
            return dead_action::bury;
        };
        auto const clerk = of.make_consumer(options);
        // Its body is none of these.
        clerk->on<int>("orders", [shown](int) -> asio::awaitable<void> {
            shown->add();
            co_return;
        });
        check_counts(co_await drain(of, clerk), 0);
        BOOST_TEST(shown->count() == 0U);
        co_await check_done_with(of, "billing");
    });
}

BOOST_AUTO_TEST_CASE(is_removed_when_it_is_the_last_that_holds_it_back)
{
    check([](stage& of) -> asio::awaitable<void> {
        BOOST_REQUIRE(!(co_await of.broker->ensure_group("orders", "billing", start_position::beginning())));
        co_await append_for(of, "shipping", "x");
        for (auto const* const group : {"shipping", "billing"}) {
            auto options = named(group);
            options.delete_handled = true;
            auto const clerk = of.make_consumer(options);
            clerk->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
            (void)co_await drain(of, clerk);
        }
        BOOST_TEST((co_await of.broker->inspect_stream("orders"))->length == 0U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
