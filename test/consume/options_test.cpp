// Ranges of a consumer's options, and how a consumer tells that it cannot be.

#include <strandline/consumer.hpp>
#include <strandline/memory.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using namespace strandline;

namespace {

consumer_options good()
{
    return {.group = "billing"};
}

consumer_options with(std::function<void(consumer_options&)> const& change)
{
    auto options = good();
    change(options);
    return options;
}

/// Refused, and the words begin with the member's name.
void check_refused(std::string const& member, failure const& why, std::string_view rule = "must be ")
{
    BOOST_TEST_CONTEXT(member << ": " << why)
    {
        BOOST_TEST((why == errc::invalid_option));
        BOOST_TEST(why.words().starts_with(member + " " + std::string(rule)));
    }
}

void refused(std::string const& member, std::function<void(consumer_options&)> const& change)
{
    check_refused("consumer_options::" + member, validate(with(change)));
}

/// Refused beside another option.
void refused_beside(std::string const& member, std::function<void(consumer_options&)> const& change)
{
    check_refused("consumer_options::" + member, validate(with(change)), "is not possible with ");
}

void accepted(std::function<void(consumer_options&)> const& change)
{
    auto const why = validate(with(change));
    BOOST_TEST(!why, why);
}

} // namespace

BOOST_AUTO_TEST_SUITE(options_of_a_consumer)

BOOST_AUTO_TEST_CASE(a_group_is_all_that_is_needed)
{
    BOOST_TEST(!validate(good()));
    refused("group", [](auto& of) { of.group.clear(); });
}

BOOST_AUTO_TEST_CASE(max_concurrency_has_bounds)
{
    refused("max_concurrency", [](auto& of) { of.max_concurrency = 0; });
    refused("max_concurrency", [](auto& of) { of.max_concurrency = 100'001; });
    refused("max_concurrency", [](auto& of) {
        of.max_concurrency = std::numeric_limits<std::size_t>::max();
        of.max_in_flight = std::numeric_limits<std::size_t>::max();
    });
    accepted([](auto& of) { of.max_concurrency = 1; });
    accepted([](auto& of) { of.max_concurrency = of.max_in_flight = 100'000; });
}

BOOST_AUTO_TEST_CASE(max_in_flight_has_bounds)
{
    refused("max_in_flight", [](auto& of) { of.max_in_flight = of.max_concurrency - 1; });
    refused("max_in_flight", [](auto& of) { of.max_in_flight = 100'001; });
    accepted([](auto& of) { of.max_in_flight = of.max_concurrency; });
    accepted([](auto& of) { of.max_in_flight = of.max_concurrency = 1; });
    accepted([](auto& of) { of.max_in_flight = 100'000; });
}

BOOST_AUTO_TEST_CASE(read_count_has_bounds)
{
    refused("read_count", [](auto& of) { of.read_count = 0; });
    refused("read_count", [](auto& of) { of.read_count = 100'001; });
    accepted([](auto& of) { of.read_count = 1; });
    accepted([](auto& of) { of.read_count = 100'000; });
}

BOOST_AUTO_TEST_CASE(max_attempts_has_a_bound)
{
    refused("max_attempts", [](auto& of) { of.max_attempts = 0; });
    accepted([](auto& of) { of.max_attempts = 1; });
    accepted([](auto& of) { of.max_attempts = std::numeric_limits<std::uint32_t>::max(); });
}

BOOST_AUTO_TEST_CASE(retries_have_bounds)
{
    refused("retry.first", [](auto& of) { of.retry.first = 0ms; });
    refused("retry.first", [](auto& of) { of.retry.first = -1ms; });
    accepted([](auto& of) { of.retry.first = 1ms; });

    for (auto const factor :
         {0.0, 0.999, -2.0, 100.001, std::numeric_limits<double>::infinity(), std::nan("")})
        refused("retry.factor", [=](auto& of) { of.retry.factor = factor; });
    accepted([](auto& of) { of.retry.factor = 1; });
    accepted([](auto& of) { of.retry.factor = 100; });

    refused("retry.longest", [](auto& of) { of.retry.longest = of.retry.first - 1ms; });
    refused("retry.longest", [](auto& of) { of.retry.longest = 24h + 1ms; });
    refused("retry.longest", [](auto& of) {
        of.retry.first = of.retry.longest = std::chrono::milliseconds::max();
    });
    accepted([](auto& of) { of.retry.longest = of.retry.first; });
    accepted([](auto& of) { of.retry.longest = 24h; });
}

BOOST_AUTO_TEST_CASE(max_waiting_has_bounds)
{
    refused("max_waiting", [](auto& of) { of.max_waiting = 0; });
    refused("max_waiting", [](auto& of) { of.max_waiting = 10'000'001; });
    accepted([](auto& of) { of.max_waiting = 1; });
    accepted([](auto& of) { of.max_waiting = 10'000'000; });
}

BOOST_AUTO_TEST_CASE(the_handler_timeout_has_bounds)
{
    refused("handler_timeout", [](auto& of) { of.handler_timeout = -1ms; });
    refused("handler_timeout", [](auto& of) { of.handler_timeout = 24h + 1ms; });
    accepted([](auto& of) { of.handler_timeout = 0ms; });
    accepted([](auto& of) { of.handler_timeout = 1ms; });
    accepted([](auto& of) { of.handler_timeout = 24h; });
}

BOOST_AUTO_TEST_CASE(the_claim_interval_has_bounds)
{
    refused("claim_interval", [](auto& of) { of.claim_interval = 9ms; });
    refused("claim_interval", [](auto& of) { of.claim_interval = 24h + 1ms; });
    accepted([](auto& of) { of.claim_interval = 10ms; });
    accepted([](auto& of) { of.claim_interval = 24h; });
}

BOOST_AUTO_TEST_CASE(the_age_of_dead_letters_has_a_bound)
{
    refused("dead_letters.age", [](auto& of) { of.dead_letters.age = -1ms; });
    accepted([](auto& of) { of.dead_letters.age = 0ms; });
    accepted([](auto& of) { of.dead_letters.age = 24h * 365; });
    accepted([](auto& of) { of.dead_letters.count = std::numeric_limits<std::uint64_t>::max(); });
}

BOOST_AUTO_TEST_CASE(at_most_once_has_no_dead_letters_and_deletes_nothing)
{
    auto const bury = [](auto const&...) { return dead_action::bury; };
    refused_beside("delete_handled", [](auto& of) { of.at_most_once = of.delete_handled = true; });
    refused_beside("on_dead", [&](auto& of) {
        of.at_most_once = true;
        of.on_dead = bury;
    });
    refused_beside("on_undecodable", [&](auto& of) {
        of.at_most_once = true;
        of.on_undecodable = bury;
    });
    accepted([](auto& of) { of.at_most_once = of.exclusive = true; });
    accepted([&](auto& of) {
        of.exclusive = of.delete_handled = true;
        of.on_dead = bury;
        of.on_undecodable = bury;
    });
}

BOOST_AUTO_TEST_CASE(the_lease_has_bounds)
{
    refused("lease", [](auto& of) { of.lease = 99ms; });
    refused("lease", [](auto& of) { of.lease = -1h; });
    refused("lease", [](auto& of) { of.lease = 24h + 1ms; });
    refused("lease", [](auto& of) { of.lease = std::chrono::milliseconds::max(); });
    accepted([](auto& of) { of.lease = 100ms; });
    accepted([](auto& of) { of.lease = 24h; });
}

BOOST_AUTO_TEST_CASE(limits_have_the_same_bounds_while_it_runs)
{
    BOOST_TEST(!validate_limits(1, 1));
    BOOST_TEST(!validate_limits(100'000, 100'000));
    check_refused("consumer_options::max_concurrency", validate_limits(0, 1));
    check_refused("consumer_options::max_concurrency", validate_limits(100'001, 100'001));
    check_refused("consumer_options::max_in_flight", validate_limits(2, 1));
    check_refused("consumer_options::max_in_flight", validate_limits(1, 100'001));

    asio::io_context context;
    consumer of(make_memory_broker(context.get_executor()), good());
    BOOST_CHECK_EXCEPTION(of.set_limits(2, 1), error, [](error const& thrown) {
        return thrown.cause() == errc::invalid_option;
    });
    of.set_limits(1, 1);
}

BOOST_AUTO_TEST_CASE(a_stream_s_own_have_bounds)
{
    BOOST_TEST(!validate(stream_options()));
    BOOST_TEST(!validate(stream_options{.retry = retry_options{1ms, 1, 1ms}, .max_attempts = 1}));
    check_refused("stream_options::max_attempts", validate(stream_options{.max_attempts = 0}));
    check_refused(
        "stream_options::retry.first", validate(stream_options{.retry = retry_options{0ms, 1, 1ms}})
    );
    check_refused(
        "stream_options::retry.factor", validate(stream_options{.retry = retry_options{1ms, 0.5, 1ms}})
    );
    check_refused(
        "stream_options::retry.longest", validate(stream_options{.retry = retry_options{2ms, 1, 1ms}})
    );
}

BOOST_AUTO_TEST_CASE(every_kind_of_handler_throws_what_is_wrong_with_its_stream_s_options)
{
    asio::io_context context;
    consumer of(make_memory_broker(context.get_executor()), good());
    auto const raw = [](delivery const&) -> asio::awaitable<void> { co_return; };
    auto const typed = [](int const&) -> asio::awaitable<void> { co_return; };
    auto const batch = [](std::span<batch_item<int>>) -> asio::awaitable<void> { co_return; };
    stream_options const wrong{.max_attempts = 0};
    auto const names_the_member = [](error const& thrown) {
        return thrown.cause() == errc::invalid_option &&
               thrown.cause().words().starts_with("stream_options::max_attempts ");
    };
    BOOST_CHECK_EXCEPTION(of.on("orders", raw, wrong), error, names_the_member);
    BOOST_CHECK_EXCEPTION(of.on<int>("orders", typed, wrong), error, names_the_member);
    BOOST_CHECK_EXCEPTION(of.on_batch<int>("orders", 2, batch, wrong), error, names_the_member);
    BOOST_CHECK_EXCEPTION(of.pull("orders", wrong), error, names_the_member);
    for (auto const most : {std::size_t(0), std::size_t(10'001)})
        BOOST_CHECK_EXCEPTION(of.on_batch<int>("orders", most, batch), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_option &&
                   thrown.cause().words().find("batch") != std::string_view::npos;
        });
    // None of them has taken the name.
    of.on_batch<int>("orders", 10'000, batch);
    of.on_batch<int>("mails", 1, batch);
}

BOOST_AUTO_TEST_CASE(a_consumer_throws_what_is_wrong_with_its_options)
{
    asio::io_context context;
    auto const broker = make_memory_broker(context.get_executor());
    BOOST_CHECK_EXCEPTION(consumer(broker, {}), error, [](error const& thrown) {
        return thrown.cause() == errc::invalid_option &&
               std::string_view(thrown.what()).find("consumer_options::group") != std::string_view::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_handler_needs_the_name_of_a_stream_that_has_none_yet)
{
    asio::io_context context;
    consumer of(make_memory_broker(context.get_executor()), good());
    auto const handler = [](delivery const&) -> asio::awaitable<void> { co_return; };
    auto const is_invalid_name = [](error const& thrown) { return thrown.cause() == errc::invalid_name; };
    BOOST_CHECK_EXCEPTION(of.on("", handler), error, is_invalid_name);
    BOOST_CHECK_EXCEPTION(of.on("a}b", handler), error, is_invalid_name);
    of.on("orders", handler);
    BOOST_CHECK_EXCEPTION(of.on("orders", handler), error, is_invalid_name);
    BOOST_CHECK_EXCEPTION(
        of.on<std::string>("orders", [](std::string const&) -> asio::awaitable<void> { co_return; }), error,
        is_invalid_name
    );
    of.on("users", handler);
}

BOOST_AUTO_TEST_SUITE_END()
