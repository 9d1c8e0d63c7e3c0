// G1, D1, L7: what a janitor takes away, and what it must leave.

#include "pipeline/stage.hpp"

#include <strandline/janitor.hpp>
#include <strandline/names.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

using janitor_end = std::tuple<failure, janitor_report>;

asio::awaitable<janitor_report>
sweep(stage& of, std::vector<stream_declaration> streams, janitor_options how = {})
{
    auto const [why, report] =
        co_await janitor(of.broker, std::move(streams), std::move(how)).async_sweep(asio::as_tuple);
    BOOST_TEST(!why, why);
    co_return report;
}

asio::awaitable<failure> failing_sweep(stage& of, std::vector<stream_declaration> streams)
{
    auto const [why, report] = co_await janitor(of.broker, std::move(streams)).async_sweep(asio::as_tuple);
    co_return why;
}

asio::awaitable<janitor_end> run(std::shared_ptr<janitor> of)
{
    auto [why, report] = co_await of->async_run(asio::as_tuple);
    co_return janitor_end{why, report};
}

asio::awaitable<void> make_group(stage& of, std::string stream, std::string group)
{
    auto const why = co_await of.broker->ensure_group(stream, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
}

/// The group reads so many entries, and handles them when asked to.
asio::awaitable<void>
read(stage& of, std::string stream, std::string group, std::size_t count, bool and_acknowledge = true)
{
    std::vector<received> entries;
    std::string_view const name = stream;
    auto why = co_await of.broker->make_reader(group, "clerk")->read({&name, 1}, count, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_REQUIRE(entries.size() == count);
    std::vector<settlement> items;
    for (auto const& one : entries)
        items.push_back({.id = one.id});
    if (and_acknowledge)
        why = co_await of.broker->settle({stream, group, "clerk"}, items);
    BOOST_REQUIRE_MESSAGE(!why, why);
}

asio::awaitable<std::vector<std::string>> bodies_in(stage& of, std::string stream)
{
    std::vector<std::string> bodies;
    auto const entries = co_await of.broker->inspect_entries(stream, entry_id::min(), 1000);
    BOOST_REQUIRE_MESSAGE(entries.has_value(), entries.error());
    for (auto const& one : *entries)
        bodies.emplace_back(one.entry.body.value_or(""));
    co_return bodies;
}

asio::awaitable<std::uint64_t> length_of(stage& of, std::string stream)
{
    co_return (co_await of.broker->inspect_stream(stream))->length;
}

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(janitor_)

BOOST_AUTO_TEST_CASE(takes_what_the_slowest_group_has_acknowledged)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 6);
        co_await make_group(of, "orders", "billing");
        co_await make_group(of, "orders", "shipping");
        co_await read(of, "orders", "billing", 6);
        co_await read(of, "orders", "shipping", 2);
        auto const report = co_await sweep(of, {{"orders", {"billing", "shipping"}}});
        BOOST_TEST(report.collected == 2U);
        BOOST_TEST(
            (co_await bodies_in(of, "orders")) == (texts{"2", "3", "4", "5"}),
            boost::test_tools::per_element()
        );
        co_await read(of, "orders", "shipping", 4);
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing", "shipping"}}})).collected == 4U);
    });
}

BOOST_AUTO_TEST_CASE(leaves_what_is_pending_and_everything_behind_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 5);
        co_await make_group(of, "orders", "billing");
        co_await read(of, "orders", "billing", 2);
        co_await read(of, "orders", "billing", 1, false);
        co_await read(of, "orders", "billing", 2);
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing"}}})).collected == 2U);
        BOOST_TEST(
            (co_await bodies_in(of, "orders")) == (texts{"2", "3", "4"}), boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(is_not_held_up_by_the_mark_of_an_entry_that_was_deleted)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 4);
        co_await make_group(of, "orders", "billing");
        co_await read(of, "orders", "billing", 1, false);
        co_await read(of, "orders", "billing", 2);
        auto const first = (co_await of.broker->inspect_stream("orders"))->first.value();
        BOOST_TEST((co_await of.broker->remove("orders", {&first, 1})).value() == 1U);
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing"}}})).collected == 2U);
        BOOST_TEST((co_await bodies_in(of, "orders")) == (texts{"3"}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(takes_nothing_before_every_declared_group_exists)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await make_group(of, "orders", "billing");
        co_await read(of, "orders", "billing", 3);
        auto const why = co_await failing_sweep(of, {{"orders", {"billing", "shipping"}}});
        BOOST_TEST((why == errc::no_group));
        BOOST_TEST(why.words().find("shipping") != std::string_view::npos);
        BOOST_TEST((co_await length_of(of, "orders")) == 3U);
        co_await make_group(of, "orders", "shipping");
        // It exists and has read nothing.
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing", "shipping"}}})).collected == 0U);
        BOOST_TEST((co_await length_of(of, "orders")) == 3U);
    });
}

BOOST_AUTO_TEST_CASE(respects_a_group_that_is_not_declared)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await make_group(of, "orders", "billing");
        co_await make_group(of, "orders", "somebody");
        co_await read(of, "orders", "billing", 3);
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing"}}})).collected == 0U);
    });
}

BOOST_AUTO_TEST_CASE(leaves_a_stream_alone_for_which_no_group_is_declared)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await make_group(of, "orders", "billing");
        co_await read(of, "orders", "billing", 3);
        BOOST_TEST((co_await sweep(of, {{"orders", {}}})).collected == 0U);
        BOOST_TEST((co_await length_of(of, "orders")) == 3U);
    });
}

BOOST_AUTO_TEST_CASE(collects_more_than_one_step_takes)
{
    check([](stage& of) -> asio::awaitable<void> {
        constexpr std::size_t many = 25'000;
        std::vector<appending> items(5000);
        for (auto& one : items) {
            one.stream = "orders";
            one.entry.body = "x";
        }
        for (std::size_t i = 0; i != many / items.size(); ++i)
            co_await of.broker->append(items);
        co_await make_group(of, "orders", "billing");
        std::vector<received> entries;
        std::string_view const name = "orders";
        auto const reader = of.broker->make_reader("billing", "clerk", read_as::acknowledged);
        BOOST_TEST(!(co_await reader->read({&name, 1}, many, 0ms, entries)));
        co_await of.publish_numbers("orders", 2);
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing"}}})).collected == many);
        BOOST_TEST((co_await bodies_in(of, "orders")) == (texts{"0", "1"}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(goes_on_with_other_streams_when_one_cannot_be_cleaned)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("mails", 2);
        co_await make_group(of, "mails", "billing");
        co_await read(of, "mails", "billing", 2);
        auto const why = co_await failing_sweep(of, {{"orders", {"billing"}}, {"mails", {"billing"}}});
        BOOST_TEST((why == errc::no_group));
        BOOST_TEST(why.words().find("orders") != std::string_view::npos);
        BOOST_TEST((co_await length_of(of, "mails")) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(keeps_dead_letters_for_their_time)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 1);
        co_await make_group(of, "orders", "billing");
        co_await of.abandon("orders", "billing", "clerk");
        auto const id = (co_await of.broker->inspect_stream("orders"))->first.value();
        settlement dead{.id = id, .as = settle_as::dead, .reason = "rejected"};
        BOOST_TEST(!(co_await of.broker->settle({"orders", "billing", "clerk"}, {&dead, 1})));
        BOOST_TEST((co_await sweep(of, {{"orders", {"billing"}}}, {.keep_dead_letters = 1h})).expired == 0U);
        // The clock must have gone on.
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await sweep(of, {{"orders", {"billing"}}}, {.keep_dead_letters = 1ms})).expired ==
                1;
        });
        BOOST_TEST((co_await length_of(of, dead_letter_stream("orders"))) == 0U);
    });
}

BOOST_AUTO_TEST_CASE(moves_due_events_of_streams_that_nobody_reads)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const cleaning =
            std::make_shared<janitor>(of.broker, std::vector<stream_declaration>{{"orders", {}}});
        started<janitor_end> running(of.strand(), run(cleaning));
        producer to(of.broker);
        co_await to.async_publish_after("orders", 1ms, "later");
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const info = co_await of.broker->inspect_stream("orders");
            co_return info && info->length == 1;
        });
        cleaning->stop();
        auto const [why, report] = co_await running.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(report.promoted == 1U);
    });
}

BOOST_AUTO_TEST_CASE(collects_an_idle_stream_in_its_next_turn)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await make_group(of, "orders", "billing");
        auto const cleaning = std::make_shared<janitor>(
            of.broker, std::vector<stream_declaration>{{"orders", {"billing"}}},
            janitor_options{.interval = 100ms}
        );
        started<janitor_end> running(of.strand(), run(cleaning));
        // A turn goes by in which nothing can be taken.
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await of.broker->inspect_lock("{orders}:janitor"))->free_in.has_value();
        });
        co_await read(of, "orders", "billing", 3);
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await length_of(of, "orders")) == 0;
        });
        cleaning->stop();
        auto const [why, report] = co_await running.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(report.collected == 3U);
    });
}

BOOST_AUTO_TEST_CASE(leaves_a_stream_to_the_one_whose_turn_it_is)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 3);
        co_await make_group(of, "orders", "billing");
        co_await read(of, "orders", "billing", 3);
        co_await of.publish_numbers("mails", 1);
        co_await make_group(of, "mails", "billing");
        co_await read(of, "mails", "billing", 1);
        BOOST_TEST((co_await of.broker->lock("{orders}:janitor", "another", 1h)).has_value());
        auto const cleaning = std::make_shared<janitor>(
            of.broker, std::vector<stream_declaration>{{"orders", {"billing"}}, {"mails", {"billing"}}},
            janitor_options{.interval = 1h}
        );
        started<janitor_end> running(of.strand(), run(cleaning));
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await length_of(of, "mails")) == 0;
        });
        cleaning->stop();
        auto const [why, report] = co_await running.get();
        BOOST_TEST(!why, why);
        BOOST_TEST(report.collected == 1U);
        BOOST_TEST((co_await length_of(of, "orders")) == 3U);
    });
}

BOOST_AUTO_TEST_CASE(tells_once_of_a_stream_that_stays_as_it_is)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const told = of.make_tally();
        auto const cleaning = std::make_shared<janitor>(
            of.broker, std::vector<stream_declaration>{{"orders", {"billing"}}, {"mails", {"billing"}}},
            janitor_options{
                .interval = 100ms,
                .on_error =
                    [told](std::string const& stream, failure const& why) {
                        BOOST_TEST((why == errc::no_group));
                        BOOST_TEST((stream == "orders" || stream == "mails"));
                        told->add();
                    }
            }
        );
        started<janitor_end> running(of.strand(), run(cleaning));
        co_await told->reach(2);
        // It is tried again: what has come to be is taken.
        co_await of.publish_numbers("mails", 1);
        co_await make_group(of, "mails", "billing");
        co_await read(of, "mails", "billing", 1);
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await length_of(of, "mails")) == 0;
        });
        cleaning->stop();
        co_await running.get();
        BOOST_TEST(told->count() == 2U);
    });
}

BOOST_AUTO_TEST_CASE(runs_once_at_a_time_and_ends_with_a_cancellation_or_its_broker)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const make = [&] {
            return std::make_shared<janitor>(of.broker, std::vector<stream_declaration>{{"orders", {}}});
        };
        auto const cleaning = make();
        auto const signal = std::make_shared<asio::cancellation_signal>();
        started<janitor_end> running(of.strand(), [](auto one, auto by) -> asio::awaitable<janitor_end> {
            auto [why, report] = co_await one->async_run(
                asio::bind_cancellation_slot(by->slot(), asio::as_tuple(asio::use_awaitable))
            );
            co_return janitor_end{why, report};
        }(cleaning, signal));
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await of.broker->inspect_lock("{orders}:janitor"))->free_in.has_value();
        });
        BOOST_TEST((std::get<0>(co_await run(cleaning)) == errc::already_running));
        signal->emit(asio::cancellation_type::terminal);
        BOOST_TEST((std::get<0>(co_await running.get()).code() == error_code(asio::error::operation_aborted))
        );
        started<janitor_end> dropped(of.strand(), [](auto one) -> asio::awaitable<janitor_end> {
            auto operation = one->async_run(asio::as_tuple);
            one.reset();
            auto [why, report] = co_await std::move(operation);
            co_return janitor_end{why, report};
        }(make()));
        BOOST_TEST(!std::get<0>(co_await dropped.get()));
        started<janitor_end> closed(of.strand(), run(make()));
        of.broker->close();
        BOOST_TEST((std::get<0>(co_await closed.get()) == errc::closed));
    });
}

BOOST_AUTO_TEST_CASE(ends_with_its_broker_also_when_its_next_turn_is_far_away)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<std::vector<failure>>();
        auto const cleaning = std::make_shared<janitor>(
            of.broker, std::vector<stream_declaration>{{"orders", {}}},
            janitor_options{
                .interval = 24h,
                .on_error = [told](std::string const&, failure const& why) { told->push_back(why); }
            }
        );
        started<janitor_end> running(of.strand(), run(cleaning));
        // It has cleaned, and waits.
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await of.broker->inspect_lock("{orders}:janitor")).value().free_in.has_value();
        });
        of.broker->close();
        BOOST_TEST((std::get<0>(co_await running.get()) == errc::closed));
        BOOST_TEST(told->empty());
    });
}

BOOST_AUTO_TEST_CASE(refuses_options_that_cannot_be)
{
    check([](stage& of) -> asio::awaitable<void> {
        for (auto const& [wrong, member] :
             {std::pair(janitor_options{.interval = 1ms}, "interval"),
              {janitor_options{.keep_dead_letters = -1ms}, "keep_dead_letters"},
              {janitor_options{.remove_consumers_after = 1s}, "remove_consumers_after"}})
            BOOST_CHECK_EXCEPTION(
                janitor(of.broker, {{"orders", {}}}, wrong), error,
                [&](error const& thrown) {
                    return thrown.cause() == errc::invalid_option &&
                           thrown.cause().words().find(member) != std::string_view::npos;
                }
            );
        BOOST_CHECK_EXCEPTION(janitor(of.broker, {{"", {}}}), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
        co_return;
    });
}

BOOST_AUTO_TEST_SUITE_END()
