// Ranges of a consumer's options, and how a consumer tells that it cannot be.

#include <strandline/consumer.hpp>
#include <strandline/memory.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

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

/// The options are refused, and the words begin with the member's name.
void refused(std::string const& member, std::function<void(consumer_options&)> const& change)
{
    auto const why = validate(with(change));
    BOOST_TEST_CONTEXT(member << ": " << why)
    {
        BOOST_TEST((why == errc::invalid_option));
        BOOST_TEST(why.words().starts_with("consumer_options::" + member + " must be "));
    }
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

BOOST_AUTO_TEST_CASE(the_lease_has_bounds)
{
    refused("lease", [](auto& of) { of.lease = 99ms; });
    refused("lease", [](auto& of) { of.lease = -1h; });
    refused("lease", [](auto& of) { of.lease = 24h + 1ms; });
    refused("lease", [](auto& of) { of.lease = std::chrono::milliseconds::max(); });
    accepted([](auto& of) { of.lease = 100ms; });
    accepted([](auto& of) { of.lease = 24h; });
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
