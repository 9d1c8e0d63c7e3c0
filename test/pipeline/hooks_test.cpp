// What a program decides about deliveries that fail: hooks, delays, options of a stream, limits.

#include "pipeline/stage.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// What a hook was asked.
struct question
{
    std::string stream;
    std::string body;
    std::string key;
    std::uint32_t attempt = 0;
    std::string reason;
    std::string error;
};

question asked_about(delivery const& what, std::string_view reason, std::string_view error)
{
    return {
        std::string(what.stream()),
        std::string(what.body().value_or("none")),
        std::string(what.key().value_or("none")),
        what.attempt(),
        std::string(reason),
        std::string(error)
    };
}

consumer_options of_clerk(std::uint32_t max_attempts = 2)
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.max_attempts = max_attempts;
    return options;
}

/// A handler that fails with each attempt, in these words.
auto failing(std::shared_ptr<tally> runs)
{
    return [runs](delivery const&) -> asio::awaitable<void> {
        runs->add();
        throw std::runtime_error("no such customer");
        co_return;
    };
}

/// What is pending was handed back with this count, to be claimed an hour from now and not at once (A5).
asio::awaitable<void> check_waits(stage& of, std::uint32_t attempts)
{
    auto const left = co_await of.pending("orders", "billing");
    BOOST_REQUIRE(left.size() == 1);
    BOOST_TEST(left[0].attempts == attempts);
    BOOST_TEST((left[0].idle < consumer_options().lease / 2));
}

} // namespace

BOOST_AUTO_TEST_SUITE(hooks)

BOOST_AUTO_TEST_CASE(on_dead_is_asked_about_what_is_exhausted_or_rejected)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::vector<question> questions;
        auto const asked = of.make_tally();
        auto options = of_clerk();
        options.on_dead = [&](delivery const& what, std::string_view reason, std::string_view error) {
            questions.push_back(asked_about(what, reason, error));
            asked->add();
            return dead_action::bury;
        };
        auto const clerk = of.make_consumer(options);
        clerk->on("orders", [](delivery const& what) -> asio::awaitable<void> {
            if (what.body() == "rejected")
                throw reject("unknown article");
            throw std::runtime_error("no such customer");
            co_return;
        });
        co_await of.publish("orders", "rejected", {{"key", "a"}});
        co_await of.publish("orders", "exhausted", {{"key", "b"}});
        auto run = of.start(clerk);
        co_await asked->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dropped == 0);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 2);

        BOOST_REQUIRE(questions.size() == 2);
        std::ranges::sort(questions, {}, &question::body);
        auto const& exhausted = questions[0];
        auto const& rejected = questions[1];
        BOOST_TEST(exhausted.body == "exhausted");
        BOOST_TEST(exhausted.stream == "orders");
        BOOST_TEST(exhausted.key == "b");
        BOOST_TEST(exhausted.attempt == 2);
        BOOST_TEST(exhausted.reason == "exhausted");
        BOOST_TEST(exhausted.error == "no such customer");
        BOOST_TEST(rejected.body == "rejected");
        BOOST_TEST(rejected.key == "a");
        BOOST_TEST(rejected.attempt == 1);
        BOOST_TEST(rejected.reason == "rejected");
        BOOST_TEST(rejected.error == "unknown article");
    });
}

BOOST_AUTO_TEST_CASE(R2_on_dead_that_vetoes_gives_one_more_attempt_each_time)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::vector<std::uint32_t> asked_at;
        auto options = of_clerk();
        options.retry = {1ms, 1, 5ms};
        options.on_dead = [&](delivery const& what, std::string_view, std::string_view) {
            asked_at.push_back(what.attempt());
            return asked_at.size() == 3 ? dead_action::bury : dead_action::retry;
        };
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", failing(runs));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await runs->reach(4);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(asked_at == (std::vector<std::uint32_t>{2, 3, 4}), boost::test_tools::per_element());
        BOOST_TEST(runs->count() == 4);
        BOOST_TEST(report.retried == 3);
        BOOST_TEST(report.dead == 1);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-attempts") == "4");
    });
}

BOOST_AUTO_TEST_CASE(R2_a_veto_against_a_rejection_lets_it_succeed)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk(1);
        options.on_dead = [&](delivery const&, std::string_view, std::string_view) {
            return dead_action::retry;
        };
        auto const clerk = of.make_consumer(options);
        auto const handled = of.make_tally();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1)
                throw reject("not before the second time");
            handled->add();
            co_return;
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(R2_what_was_vetoed_waits_for_the_longest_backoff)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const asked = of.make_tally();
        auto options = of_clerk();
        options.retry = {1ms, 1, 1h};
        options.on_dead = [&](delivery const&, std::string_view, std::string_view) {
            asked->add();
            return dead_action::retry;
        };
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", failing(runs));
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await asked->reach(1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).released == 1);
        BOOST_TEST(runs->count() == 2);
        co_await check_waits(of, 2);
    });
}

BOOST_AUTO_TEST_CASE(what_is_dropped_is_acknowledged_and_nothing_is_kept_of_it)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const asked = of.make_tally();
        auto options = of_clerk();
        options.on_dead = [&](delivery const&, std::string_view, std::string_view) {
            asked->add();
            return dead_action::drop;
        };
        options.on_undecodable = [&](delivery const&, std::string_view) {
            asked->add();
            return dead_action::drop;
        };
        auto const clerk = of.make_consumer(options);
        clerk->on<int>("orders", [](int const& value) -> asio::awaitable<void> {
            if (value == 1)
                throw reject("no");
            throw std::runtime_error("no");
            co_return;
        });
        co_await of.publish_numbers("orders", 3);
        co_await of.publish("orders", "no number");
        auto run = of.start(clerk);
        co_await asked->reach(4);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dropped == 4);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(on_undecodable_alone_is_asked_about_what_cannot_be_decoded)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::vector<question> questions;
        auto const asked = of.make_tally();
        auto options = of_clerk();
        options.on_dead = [](delivery const&, std::string_view, std::string_view) {
            BOOST_ERROR("on_dead was asked");
            return dead_action::drop;
        };
        options.on_undecodable = [&](delivery const& what, std::string_view error) {
            questions.push_back(asked_about(what, "", error));
            asked->add();
            return questions.size() == 1 ? dead_action::retry : dead_action::bury;
        };
        auto const clerk = of.make_consumer(options);
        clerk->on<int>("orders", [](int const&) -> asio::awaitable<void> {
            BOOST_ERROR("it was decoded");
            co_return;
        });
        co_await of.publish("orders", "no number", {{"key", "k"}});
        auto run = of.start(clerk);
        co_await asked->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 1);
        BOOST_TEST(report.dead == 1);
        BOOST_REQUIRE(questions.size() == 2);
        BOOST_TEST(questions[0].body == "no number");
        BOOST_TEST(questions[0].key == "k");
        BOOST_TEST(questions[0].attempt == 1);
        BOOST_TEST(!questions[0].error.empty());
        BOOST_TEST(questions[1].attempt == 2);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-reason") == "undecodable");
        BOOST_TEST(letters[0].header_of("dead-error") == questions[1].error);
    });
}

BOOST_AUTO_TEST_CASE(A3_on_dead_sees_what_has_used_up_its_attempts_in_a_process_that_died)
{
    for (auto const answer : {dead_action::bury, dead_action::drop, dead_action::retry})
        check([=](stage& of) -> asio::awaitable<void> {
            co_await of.publish("orders", "poison", {{"key", "k"}});
            co_await of.abandon("orders", "billing", "clerk", 5);

            std::vector<question> questions;
            auto const asked = of.make_tally();
            auto options = of_clerk(5);
            options.on_dead = [&](delivery const& what, std::string_view reason, std::string_view error) {
                questions.push_back(asked_about(what, reason, error));
                asked->add();
                return answer;
            };
            auto const clerk = of.make_consumer(options);
            std::vector<std::uint32_t> attempts;
            clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
                attempts.push_back(what.attempt());
                BOOST_TEST((what.body() == "poison"));
                co_return;
            });
            auto run = of.start(clerk);
            co_await asked->reach(1);
            co_await of.until_pending("orders", "billing", 0);
            clerk->stop();
            auto const report = co_await of.good_end(run);
            BOOST_TEST(report.dead == (answer == dead_action::bury));
            BOOST_TEST(report.dropped == (answer == dead_action::drop));
            BOOST_TEST(report.handled == (answer == dead_action::retry));
            BOOST_TEST((co_await of.dead_letters("orders")).size() == (answer == dead_action::bury));
            BOOST_REQUIRE(questions.size() == 1);
            BOOST_TEST(questions[0].body == "poison");
            BOOST_TEST(questions[0].key == "k");
            BOOST_TEST(questions[0].attempt == 5);
            BOOST_TEST(questions[0].reason == "exhausted");
            BOOST_TEST(!questions[0].error.empty());
            // To look at it was no attempt; the run after the veto is one.
            if (answer == dead_action::retry)
                BOOST_TEST(attempts == std::vector<std::uint32_t>{6}, boost::test_tools::per_element());
            else
                BOOST_TEST(attempts.empty());
        });
}

BOOST_AUTO_TEST_CASE(a_handler_that_says_when_need_not_wait_as_long_as_the_policy_says)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk(3);
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        std::vector<std::uint32_t> attempts;
        auto const runs = of.make_tally();
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            attempts.push_back(what.attempt());
            runs->add();
            throw retry_after(what.attempt() == 1 ? 0ms : 1ms, "the shop is closed");
            co_return;
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await runs->reach(3);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 2);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST(attempts == (std::vector<std::uint32_t>{1, 2, 3}), boost::test_tools::per_element());
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST(letters[0].header_of("dead-reason") == "exhausted");
        BOOST_TEST(letters[0].header_of("dead-error") == "the shop is closed");
    });
}

BOOST_AUTO_TEST_CASE(a_handler_that_says_when_may_wait_longer_than_the_policy_says)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const clerk = of.make_consumer(of_clerk());
        auto const runs = of.make_tally();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw retry_after(1h);
            co_return;
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await runs->reach(1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).released == 1);
        BOOST_TEST(runs->count() == 1);
        co_await check_waits(of, 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(options_of_a_stream)

BOOST_AUTO_TEST_CASE(are_its_own_retries_and_number_of_attempts)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk(4);
        options.retry = {1h, 1, 1h};
        auto const clerk = of.make_consumer(options);
        auto const soon = retry_options{1ms, 1, 1ms};
        auto const orders = of.make_tally();
        auto const mails = of.make_tally();
        auto const bills = of.make_tally();
        clerk->on("orders", failing(orders), {.retry = soon});
        clerk->on("mails", failing(mails), {.retry = soon, .max_attempts = 2});
        clerk->on("bills", failing(bills));
        for (auto const* const stream : {"orders", "mails", "bills"})
            co_await of.publish(stream, "x");
        auto run = of.start(clerk);
        co_await orders->reach(4);
        co_await mails->reach(2);
        co_await bills->reach(1);
        co_await of.until_pending("orders", "billing", 0);
        co_await of.until_pending("mails", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dead == 2);
        BOOST_TEST(report.released == 1);
        BOOST_TEST(orders->count() == 4);
        BOOST_TEST(mails->count() == 2);
        BOOST_TEST(bills->count() == 1);
        BOOST_TEST((co_await of.dead_letters("orders"))[0].header_of("dead-attempts") == "4");
        BOOST_TEST((co_await of.dead_letters("mails"))[0].header_of("dead-attempts") == "2");
    });
}

BOOST_AUTO_TEST_CASE(are_the_exceptions_that_end_its_attempts)
{
    check([](stage& of) -> asio::awaitable<void> {
        stream_options own;
        own.give_up_if = [](std::exception_ptr thrown) {
            try {
                std::rethrow_exception(thrown);
            }
            catch (std::logic_error const&) {
                return true;
            }
            catch (int value) {
                return value == 5;
            }
            catch (...) {
                return false;
            }
        };
        auto const clerk = of.make_consumer(of_clerk(3));
        auto const runs = of.make_tally();
        clerk->on(
            "orders",
            [&](delivery const& what) -> asio::awaitable<void> {
                runs->add();
                switch ((*what.body())[0]) {
                case '0':
                    throw std::logic_error("impossible");
                case '1':
                    throw 5;
                case '2':
                    throw 6;
                default:
                    throw std::runtime_error("not now");
                }
                co_return;
            },
            own
        );
        co_await of.publish_numbers("orders", 4);
        auto run = of.start(clerk);
        co_await runs->reach(8);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dead == 4);
        BOOST_TEST(report.retried == 4);
        auto letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 4);
        std::ranges::sort(letters, {}, &stored_letter::body);
        for (std::size_t i = 0; i != 4; ++i) {
            BOOST_TEST(letters[i].header_of("dead-attempts") == (i < 2 ? "1" : "3"));
            BOOST_TEST(letters[i].header_of("dead-reason") == "exhausted");
        }
        BOOST_TEST(letters[0].header_of("dead-error") == "impossible");
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(limits_of_dead_letters)

BOOST_AUTO_TEST_CASE(keep_the_newest_so_many)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.max_concurrency = 1;
        options.dead_letters.count = 3;
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw reject("no");
            co_return;
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        co_await runs->reach(10);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 10);
        std::vector<std::string> bodies;
        for (auto const& letter : co_await of.dead_letters("orders"))
            bodies.push_back(*letter.body);
        BOOST_TEST(bodies == (std::vector<std::string>{"7", "8", "9"}), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(remove_the_old_ones_when_another_comes)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = of_clerk();
        options.dead_letters.age = 20ms;
        auto const clerk = of.make_consumer(options);
        auto const runs = of.make_tally();
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw reject("no");
            co_return;
        });
        co_await of.publish("orders", "old");
        auto run = of.start(clerk);
        co_await runs->reach(1);
        co_await of.until_pending("orders", "billing", 0);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 1);
        // Time is what this is about.
        co_await asio::steady_timer(of.strand(), 30ms).async_wait();
        co_await of.publish("orders", "new");
        co_await runs->reach(2);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 2);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST((letters[0].body == "new"));
    });
}

BOOST_AUTO_TEST_SUITE_END()
