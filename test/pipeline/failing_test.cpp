// Deliveries that fail: retries, rejections, what cannot be decoded.

#include "pipeline/stage.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/describe/class.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

/// A consumer of "orders" in the group "billing", named "clerk".
std::shared_ptr<consumer> make_clerk(stage const& of, std::uint32_t max_attempts = 5)
{
    auto options = in_group("billing");
    options.name = "clerk";
    options.max_attempts = max_attempts;
    return of.make_consumer(options);
}

} // namespace

BOOST_AUTO_TEST_SUITE(failing)

BOOST_AUTO_TEST_CASE(a_failed_delivery_is_tried_again_and_acknowledged_in_the_end)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::vector<std::uint32_t> attempts;
        auto const handled = of.make_tally();
        auto const clerk = make_clerk(of);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            attempts.push_back(what.attempt());
            BOOST_TEST((what.body() == "x"));
            BOOST_TEST((what.key() == "k"));
            if (what.attempt() < 4)
                throw std::runtime_error("not yet");
            handled->add();
            co_return;
        });
        co_await of.publish("orders", "x", {{"key", "k"}});
        auto run = of.start(clerk);
        co_await handled->reach(1);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 1);
        BOOST_TEST(report.retried == 3);
        BOOST_TEST(report.dead == 0);
        BOOST_TEST(attempts == (std::vector<std::uint32_t>{1, 2, 3, 4}), boost::test_tools::per_element());
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
        BOOST_TEST((co_await of.dead_letters("orders")).empty());
    });
}

BOOST_AUTO_TEST_CASE(after_all_attempts_there_is_one_dead_letter_and_nothing_pending)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const runs = of.make_tally();
        auto const clerk = make_clerk(of, 3);
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw std::runtime_error("no such customer");
            co_return;
        });
        auto const id = co_await of.publish("orders", "x", {{"key", "k"}, {"note", ""}});
        auto run = of.start(clerk);
        co_await runs->reach(3);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 0);
        BOOST_TEST(report.retried == 2);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST(runs->count() == 3);

        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        auto const& letter = letters[0];
        BOOST_TEST((letter.body == "x"));
        BOOST_TEST(letter.header_of("key") == "k");
        BOOST_TEST(letter.header_of("dead-reason") == "exhausted");
        BOOST_TEST(letter.header_of("dead-error") == "no such customer");
        BOOST_TEST(letter.header_of("dead-attempts") == "3");
        BOOST_TEST(letter.header_of("dead-stream") == "orders");
        BOOST_TEST(letter.header_of("dead-id") == id.to_string());
        BOOST_TEST(letter.header_of("dead-group") == "billing");
        BOOST_TEST(letter.header_of("dead-consumer") == "clerk");
        BOOST_TEST(!letter.header_of("dead-at").empty());
    });
}

BOOST_AUTO_TEST_CASE(a_single_attempt_is_never_repeated)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const runs = of.make_tally();
        auto const clerk = make_clerk(of, 1);
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw std::runtime_error("no");
            co_return;
        });
        co_await of.publish_numbers("orders", 10);
        auto run = of.start(clerk);
        co_await runs->reach(10);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dead == 10);
        BOOST_TEST(report.retried == 0);
        BOOST_TEST(runs->count() == 10);
        BOOST_TEST((co_await of.dead_letters("orders")).size() == 10);
    });
}

BOOST_AUTO_TEST_CASE(a_rejected_delivery_is_dead_at_once)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const runs = of.make_tally();
        auto const clerk = make_clerk(of);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            co_await asio::post(co_await asio::this_coro::executor);
            runs->add();
            if (what.body() == "1")
                throw reject("unknown article");
        });
        co_await of.publish_numbers("orders", 3);
        auto run = of.start(clerk);
        co_await runs->reach(3);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.dead == 1);
        BOOST_TEST(report.retried == 0);
        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST((letters[0].body == "1"));
        BOOST_TEST(letters[0].header_of("dead-reason") == "rejected");
        BOOST_TEST(letters[0].header_of("dead-error") == "unknown article");
        BOOST_TEST(letters[0].header_of("dead-attempts") == "1");
    });
}

BOOST_AUTO_TEST_CASE(what_cannot_be_decoded_is_dead_at_once_and_the_stream_goes_on)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const clerk = make_clerk(of);
        clerk->on<order>("orders", [&](order const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        producer to(of.broker);
        co_await of.publish("orders", "not JSON");
        co_await to.async_publish("orders", order{"1", 2});
        co_await of.publish("orders", R"({"id":"2"})");
        co_await of.publish("orders", "");
        co_await of.publish("orders", std::string("\0\xff", 2));
        co_await to.async_publish("orders", event{std::nullopt, {{"type", "note"}}});
        co_await to.async_publish("orders", order{"3", 4});
        auto run = of.start(clerk);
        co_await handled->reach(2);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.handled == 2);
        BOOST_TEST(report.dead == 5);
        BOOST_TEST(report.retried == 0);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());

        auto const letters = co_await of.dead_letters("orders");
        BOOST_REQUIRE(letters.size() == 5);
        for (auto const& letter : letters) {
            BOOST_TEST(letter.header_of("dead-reason") == "undecodable");
            BOOST_TEST(!letter.header_of("dead-error").empty());
        }
        BOOST_TEST((letters[0].body == "not JSON"));
        BOOST_TEST((letters[1].header_of("dead-error").find("total") != std::string::npos));
        BOOST_TEST((letters[2].body == ""));
        BOOST_TEST((letters[3].body == std::string("\0\xff", 2)));
        BOOST_TEST(!letters[4].body.has_value());
        BOOST_TEST(letters[4].header_of("type") == "note");
        BOOST_TEST((letters[4].header_of("dead-error").find("no body") != std::string::npos));
    });
}

BOOST_AUTO_TEST_CASE(an_exception_of_any_kind_is_a_failed_attempt)
{
    check([](stage& of) -> asio::awaitable<void> {
        std::map<std::string, int> runs;
        auto const failed = of.make_tally();
        auto const clerk = make_clerk(of, 2);
        clerk->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            failed->add();
            ++runs[std::string(*what.body())];
            switch ((*what.body())[0]) {
            case '0':
                throw 5;
            case '1':
                throw "text";
            case '2':
                throw std::logic_error("logic");
            case '3':
                throw error({errc::out_of_memory, "somewhere else"});
            case '4':
                throw boost::system::system_error(asio::error::operation_aborted, "of my own");
            case '5':
                throw std::exception();
            case '6':
                throw std::bad_alloc();
            case '7':
                throw asio::multiple_exceptions(std::make_exception_ptr(std::runtime_error("one of two")));
            default:
                throw std::runtime_error(std::string(100'000, 'x'));
            }
            co_return;
        });
        co_await of.publish_numbers("orders", 9);
        auto run = of.start(clerk);
        co_await failed->reach(18);
        co_await of.until_pending("orders", "billing", 0);
        clerk->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.dead == 9);
        BOOST_TEST(report.retried == 9);
        BOOST_TEST(report.cancelled == 0);
        BOOST_TEST(report.handled == 0);
        for (auto const& [body, count] : runs)
            BOOST_TEST(count == 2, body);

        std::map<std::string, std::string> errors;
        for (auto const& letter : co_await of.dead_letters("orders")) {
            BOOST_TEST(letter.header_of("dead-reason") == "exhausted");
            errors[*letter.body] = letter.header_of("dead-error");
        }
        BOOST_TEST(errors.size() == 9);
        BOOST_TEST(!errors["0"].empty());
        BOOST_TEST(!errors["1"].empty());
        BOOST_TEST(errors["2"] == "logic");
        BOOST_TEST((errors["3"].find("somewhere else") != std::string::npos));
        BOOST_TEST((errors["4"].find("of my own") != std::string::npos));
        BOOST_TEST(errors["8"].starts_with("xxx"));
        BOOST_TEST(errors["8"].size() < 10'000);
    });
}

BOOST_AUTO_TEST_CASE(a_handler_that_is_no_coroutine_may_throw_too)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const runs = of.make_tally();
        auto const clerk = make_clerk(of, 2);
        clerk->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            runs->add();
            throw std::runtime_error("before there was a coroutine");
        });
        co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await runs->reach(2);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 1);
    });
}

BOOST_AUTO_TEST_CASE(retries_that_wait_take_no_place)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_concurrency = options.max_in_flight = 1;
        options.retry = {1h, 1, 1h};
        auto const failed = of.make_tally();
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            failed->add();
            throw std::runtime_error("later");
            co_return;
        });
        co_await of.publish_numbers("orders", 50);
        auto run = of.start(billing);
        co_await failed->reach(50);
        BOOST_TEST((co_await of.pending("orders", "billing")).size() == 50);
        billing->stop();
        auto const report = co_await of.good_end(run);
        BOOST_TEST(report.retried == 50);
        BOOST_TEST(report.released == 50);
        for (auto const& one : co_await of.pending("orders", "billing"))
            BOOST_TEST(one.attempts == 1);
    });
}

BOOST_AUTO_TEST_CASE(a_retry_gets_its_place_though_a_read_waits_with_all_of_them)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_concurrency = options.max_in_flight = 2;
        options.retry = {20ms, 1, 20ms};
        auto const runs = of.make_tally();
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const& what) -> asio::awaitable<void> {
            runs->add();
            if (what.attempt() < 3)
                throw std::runtime_error("later");
            co_return;
        });
        co_await of.publish_numbers("orders", 5);
        auto run = of.start(billing);
        co_await runs->reach(15);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 5);
    });
}

BOOST_AUTO_TEST_CASE(dead_letters_are_a_stream_whose_failures_keep_their_first_origin)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto const seen = of.make_tally();
        auto const clerk = make_clerk(of);
        clerk->on("orders", [](delivery const&) -> asio::awaitable<void> {
            throw reject("no customer");
            co_return;
        });
        clerk->on("{orders}:dead", [&](delivery const& what) -> asio::awaitable<void> {
            BOOST_TEST((what.header("dead-error") == "no customer"));
            seen->add();
            throw reject("no undertaker");
            co_return;
        });
        auto const id = co_await of.publish("orders", "x");
        auto run = of.start(clerk);
        co_await seen->reach(1);
        clerk->stop();
        BOOST_TEST((co_await of.good_end(run)).dead == 2);
        auto const letters = co_await of.dead_letters("{orders}:dead");
        BOOST_REQUIRE(letters.size() == 1);
        BOOST_TEST((letters[0].body == "x"));
        BOOST_TEST(letters[0].header_of("dead-stream") == "orders");
        BOOST_TEST(letters[0].header_of("dead-id") == id.to_string());
        BOOST_TEST(letters[0].header_of("dead-error") == "no undertaker");
    });
}

BOOST_AUTO_TEST_CASE(an_entry_that_was_removed_is_neither_retried_nor_buried)
{
    check([](stage& of) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.name = "clerk";
        auto const doors = of.make_gate();
        auto const billing = of.make_consumer(options);
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            co_await doors->pass();
            throw std::runtime_error("again");
        });
        auto const id = co_await of.publish("orders", "x");
        auto run = of.start(billing);
        co_await doors->arrived.reach(1);
        // Someone else settles it meanwhile.
        settlement done;
        done.id = id;
        BOOST_TEST(!(co_await of.broker->settle({"orders", "billing", "clerk"}, {&done, 1})));
        doors->open();
        // The next one shows that the consumer is done with the first.
        co_await of.publish("orders", "y");
        co_await of.until([&]() -> asio::awaitable<bool> { co_return doors->arrived.count() >= 3; });
        billing->stop();
        auto const end = co_await run.get();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.lost == 1);
        BOOST_TEST(end.report.dead <= 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()
