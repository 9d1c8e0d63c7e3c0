// Handlers that are given many deliveries at a time.

#include "pipeline/stage.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

using namespace strandline;
using namespace strandline::testing;

namespace {

using items = std::span<batch_item<int>>;

consumer_options of_clerk()
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.max_attempts = 2;
    return options;
}

std::vector<int> values_of(items of)
{
    std::vector<int> values;
    for (auto const& one : of)
        values.push_back(one.value());
    return values;
}

std::vector<int> numbers(int from, int to)
{
    std::vector<int> all;
    for (; from != to; ++from)
        all.push_back(from);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(hold_what_is_there_up_to_the_most)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.max_concurrency = 1;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        std::vector<std::vector<int>> batches;
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            batches.push_back(values_of(all));
            co_await doors->pass();
            for (auto const& one : all) {
                BOOST_TEST((one.delivery().body() == std::to_string(one.value())));
                BOOST_TEST(one.delivery().attempt() == 1);
                handled->add();
            }
        });
        co_await of.publish("orders", "0");
        auto run = of.start(clerk);
        // What comes while a batch is handled makes the next ones.
        co_await doors->arrived.reach(1);
        for (int i = 1; i != 25; ++i)
            co_await of.publish("orders", std::to_string(i));
        co_await of.until_pending("orders", "billing", 25);
        doors->open();
        co_await handled->reach(25);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 25);
        BOOST_REQUIRE(batches.size() == 4);
        BOOST_TEST(batches[0] == numbers(0, 1), boost::test_tools::per_element());
        BOOST_TEST(batches[1] == numbers(1, 11), boost::test_tools::per_element());
        BOOST_TEST(batches[2] == numbers(11, 21), boost::test_tools::per_element());
        BOOST_TEST(batches[3] == numbers(21, 25), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(are_of_one_stream)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.max_concurrency = 1;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        auto const take = [&](std::string stream) {
            return [&, stream](items all) -> asio::awaitable<void> {
                co_await doors->pass();
                for (auto const& one : all) {
                    BOOST_TEST(one.delivery().stream() == stream);
                    BOOST_TEST((one.value() < 100) == (stream == "orders"));
                    handled->add();
                }
            };
        };
        clerk->on_batch<int>("orders", 100, take("orders"));
        clerk->on_batch<int>("mails", 100, take("mails"));
        co_await of.publish("orders", "0");
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        // Both wait for the lane.
        for (auto i = 1; i != 10; ++i) {
            co_await of.publish("orders", std::to_string(i));
            co_await of.publish("mails", std::to_string(100 + i));
        }
        co_await of.until_pending("orders", "billing", 10);
        co_await of.until_pending("mails", "billing", 9);
        doors->open();
        co_await handled->reach(19);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 19);
    });
}

BOOST_AUTO_TEST_CASE(count_as_one_handler_each)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.max_concurrency = 2;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const handled = of.make_tally();
        std::size_t running = 0;
        std::size_t most = 0;
        clerk->on_batch<int>("orders", 5, [&](items all) -> asio::awaitable<void> {
            most = std::max(most, ++running);
            co_await doors->pass();
            --running;
            for (std::size_t i = 0; i != all.size(); ++i)
                handled->add();
        });
        co_await of.publish_numbers("orders", 30);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(2);
        co_await of.until_pending("orders", "billing", 30);
        BOOST_TEST(doors->arrived.count() == 2);
        doors->open();
        co_await handled->reach(30);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 30);
        BOOST_TEST(most == 2);
    });
}

BOOST_AUTO_TEST_CASE(have_an_outcome_for_each_delivery)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        auto const seen = of.make_tally();
        std::map<int, std::uint32_t> attempts;
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            for (auto& one : all) {
                attempts[one.value()] = one.delivery().attempt();
                switch (one.value()) {
                case 1:
                    one.fail("not today");
                    break;
                case 2:
                    one.retry_after(0ms, "at once");
                    break;
                case 3:
                    one.reject("never");
                    break;
                default:
                    break;
                }
                seen->add();
            }
            co_return;
        });
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(clerk);
        co_await seen->reach(6);
        co_await of.until_pending("orders", "billing", 1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.retried == 2);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(report.released == 1);
        BOOST_TEST(attempts[1] == 1);
        BOOST_TEST(attempts[2] == 2);
        auto letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 2);
        std::ranges::sort(letters, {}, &stored_letter::body);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
        BOOST_TEST(letters[0].header_of("dead-error") == "at once");
        BOOST_TEST(letters[0].header_of("dead-attempts") == "2");
        BOOST_TEST(letters[1].header_of("dead-reason") == "rejected");
        BOOST_TEST(letters[1].header_of("dead-error") == "never");
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].attempts == 1);
    });
}

BOOST_AUTO_TEST_CASE(that_throw_have_failed_but_for_what_was_said_of_each_before)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(of_clerk());
        auto const seen = of.make_tally();
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            for (auto& one : all) {
                seen->add();
                if (one.value() == 0)
                    one.reject("never");
            }
            co_await asio::post(of.strand());
            if (all[0].delivery().attempt() == 1)
                throw std::runtime_error("all of them");
        });
        co_await of.publish_numbers("orders", 4);
        auto run = of.start(clerk);
        co_await seen->reach(7);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 3);
        BOOST_TEST(report.retried == 3);
        BOOST_TEST(report.dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST((letters[0].body == "0"));
        BOOST_TEST(letters[0].header_of("dead-error") == "never");
    });
}

BOOST_AUTO_TEST_CASE(go_on_without_what_cannot_be_decoded)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(of_clerk());
        auto const handled = of.make_tally();
        std::vector<int> values;
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            BOOST_TEST(!all.empty());
            for (auto const& one : all) {
                BOOST_TEST((one.delivery().body() == std::to_string(one.value())));
                values.push_back(one.value());
                handled->add();
            }
            co_return;
        });
        for (auto const* const body : {"zero", "1", "two", "3", ""})
            co_await of.publish("orders", body);
        co_await of.publish("mails", "four");
        clerk->on_batch<int>("mails", 10, [&](items) -> asio::awaitable<void> {
            BOOST_ERROR("it was called for nothing");
            co_return;
        });
        auto run = of.start(clerk);
        co_await handled->reach(2);
        co_await of.until([&]() -> asio::awaitable<bool> {
            co_return (co_await of.dead_letters("orders")).size() == 3 &&
                (co_await of.dead_letters("mails")).size() == 1;
        });
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.dead == 4);
        BOOST_TEST(report.retried == 0);
        BOOST_TEST(values == (std::vector{1, 3}), boost::test_tools::per_element());
        for (auto const& letter : co_await of.dead_letters("orders")) {
            BOOST_TEST(letter.header_of("dead-reason") == "undecodable");
            BOOST_TEST(!letter.header_of("dead-error").empty());
        }
    });
}

BOOST_AUTO_TEST_CASE(O2_hold_one_delivery_of_a_key_and_keep_its_order)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.order = ordering::by_key;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        std::map<std::string, std::vector<int>> order;
        std::set<std::string> running;
        std::size_t largest = 0;
        clerk->on_batch<int>("orders", 100, [&](items all) -> asio::awaitable<void> {
            largest = std::max(largest, all.size());
            for (auto const& one : all)
                BOOST_TEST(running.insert(std::string(*one.delivery().key())).second);
            co_await asio::post(of.strand());
            for (auto& one : all) {
                std::string const key(*one.delivery().key());
                running.erase(key);
                // One that fails comes again before the next of its key.
                if (one.value() % 7 == 3 && one.delivery().attempt() == 1) {
                    one.fail("once more");
                    continue;
                }
                order[key].push_back(one.value());
                handled->add();
            }
        });
        for (int i = 0; i != 60; ++i)
            co_await of.publish("orders", std::to_string(i), {{"key", std::string(1, "abcd"[i % 4])}});
        auto run = of.start(clerk);
        co_await handled->reach(60);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 60);
        BOOST_TEST(order.size() == 4);
        for (auto const& [key, values] : order) {
            BOOST_TEST(values.size() == 15);
            BOOST_TEST(std::ranges::is_sorted(values), key);
        }
        BOOST_TEST(largest == 4);
    });
}

BOOST_AUTO_TEST_CASE(T1_have_failed_as_a_whole_when_their_time_is_over)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.handler_timeout = 20ms;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const cancelled = of.make_tally();
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            // What was said of it is of the attempt that has failed.
            all[0].reject("never");
            try {
                co_await doors->pass();
            }
            catch (boost::system::system_error const& thrown) {
                BOOST_TEST((thrown.code() == asio::error::operation_aborted));
                for (std::size_t i = 0; i != all.size(); ++i)
                    cancelled->add();
            }
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await cancelled->reach(6);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.retried == 3);
        BOOST_TEST(report.dead == 3);
        for (auto const& letter : co_await of.dead_letters("orders")) {
            BOOST_TEST(letter.header_of("dead-reason") == "exhausted");
            BOOST_TEST(letter.header_of("dead-attempts") == "2");
        }
    });
}

BOOST_AUTO_TEST_CASE(L4_lose_one_delivery_and_keep_the_others)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.lease = 400ms;
        options.claim_interval = 24h;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            BOOST_TEST(all.size() == 3);
            co_await doors->pass();
            all[2].reject("never");
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        auto const before = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(before.size() == 3);
        // Another one takes over the second alone.
        membership const thief{"orders", "billing", "thief"};
        auto const stolen = co_await of.broker->claim(thief, 0ms, before[1].id, 1);
        BOOST_REQUIRE(stolen.has_value());
        BOOST_REQUIRE(stolen->entries.size() == 1);
        // When the others have been renewed the consumer knows. Meanwhile the thief keeps it.
        auto idle = 0ms;
        co_await of.until([&]() -> asio::awaitable<bool> {
            holding state{};
            BOOST_TEST(!(co_await of.broker->renew(thief, {&before[1].id, 1}, {&state, 1})));
            auto const now = (co_await of.pending("orders", "billing"))[0].idle;
            co_return std::exchange(idle, now) > now;
        });
        doors->open();
        co_await of.until_pending("orders", "billing", 1);
        clerk->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 1);
        BOOST_TEST(end.report.handled == 1);
        BOOST_TEST(end.report.dead == 1);
        auto const left = co_await of.pending("orders", "billing");
        BOOST_REQUIRE(left.size() == 1);
        BOOST_TEST(left[0].consumer == "thief");
        BOOST_TEST((left[0].id == before[1].id));
    });
}

BOOST_AUTO_TEST_CASE(that_have_lost_all_are_cancelled)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.lease = 400ms;
        options.claim_interval = 24h;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        auto const cancelled = of.make_tally();
        clerk->on_batch<int>("orders", 10, [&](items) -> asio::awaitable<void> {
            try {
                co_await doors->pass();
            }
            catch (boost::system::system_error const&) {
                cancelled->add();
                throw;
            }
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        auto const stolen =
            co_await of.broker->claim({"orders", "billing", "thief"}, 0ms, entry_id::min(), 10);
        BOOST_REQUIRE(stolen.has_value());
        BOOST_TEST(stolen->entries.size() == 3);
        co_await cancelled->reach(1);
        clerk->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 3);
        BOOST_TEST(end.report.handled + end.report.retried + end.report.cancelled == 0);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 3);
    });
}

BOOST_AUTO_TEST_CASE(return_within_the_grace_of_a_stop)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.max_concurrency = 1;
        auto const clerk = of.make_consumer(options);
        auto const doors = of.make_gate();
        clerk->on_batch<int>("orders", 3, [&](items all) -> asio::awaitable<void> {
            co_await doors->pass();
            all[0].fail("later");
            all[1].reject("never");
        });
        co_await of.publish_numbers("orders", 8);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        co_await of.until_pending("orders", "billing", 8);
        clerk->stop();
        co_await of.until([&]() -> asio::awaitable<bool> {
            auto const left = co_await of.pending("orders", "billing");
            co_return std::ranges::count(left, 0U, &pending_info::attempts) == 5;
        });
        doors->open();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(doors->arrived.count() == 1);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST(report.retried == 1);
        // What failed, and what had not begun.
        BOOST_TEST(report.released == 6);
        auto const left = co_await of.pending("orders", "billing");
        BOOST_TEST(left.size() == 6);
        BOOST_TEST(std::ranges::count(left, 0U, &pending_info::attempts) == 5);
    });
}

BOOST_AUTO_TEST_CASE(are_cancelled_at_the_deadline_of_a_stop_and_handed_back_uncounted)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(of_clerk());
        auto const doors = of.make_gate();
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            all[0].reject("never");
            co_await doors->pass();
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await doors->arrived.reach(1);
        clerk->stop(0ms);
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.cancelled == 3);
        BOOST_TEST(report.stuck == 0);
        BOOST_TEST(report.dead == 0);
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST(one.attempts == 0);
    });
}

BOOST_AUTO_TEST_CASE(A4_of_a_suspect_hold_nothing_else)
{
    check([](stage& of) -> asio::awaitable<void> {
        co_await of.publish_numbers("orders", 2);
        co_await of.abandon("orders", "billing", "clerk", 2);
        auto options = of_clerk();
        options.max_attempts = 5;
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        std::size_t running = 0;
        clerk->on_batch<int>("orders", 10, [&](items all) -> asio::awaitable<void> {
            BOOST_TEST(++running == 1);
            if (all[0].delivery().attempt() > 1)
                BOOST_TEST(all.size() == 1);
            for (std::size_t i = 0; i != all.size(); ++i)
                handled->add();
            co_await asio::post(of.strand());
            --running;
        });
        for (int i = 2; i != 5; ++i)
            co_await of.publish("orders", std::to_string(i));
        auto run = of.start(clerk);
        co_await handled->reach(5);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 5);
    });
}

BOOST_AUTO_TEST_SUITE_END()
