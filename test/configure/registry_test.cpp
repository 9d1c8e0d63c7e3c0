#include "support/run.hpp"

#include <strandline/registry.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
using namespace strandline;

namespace {

registry_options good()
{
    return {
        {{.name = "main", .url = "memory:", .streams = {{"orders", {"billing", "shipping"}}, {"visits"}}},
         {.name = "other",
          .url = "redis://app:s3cret@localhost/1",
          .times = {.connect_timeout = 2s, .health_check_interval = 100ms},
          .streams = {{"mails", {"billing"}}}}}
    };
}

/// Refused, and nothing of a password is said.
void refused(std::function<void(registry_options&)> const& change, errc code, std::string_view words)
{
    auto options = good();
    change(options);
    auto const why = validate(options);
    BOOST_TEST_CONTEXT(why)
    {
        BOOST_TEST((why == code));
        BOOST_TEST(why.words() == words);
        BOOST_TEST(why.words().find("s3cret") == std::string_view::npos);
    }
}

struct opened
{
    asio::io_context context;
    registry known{context.get_executor(), good()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(of_servers)

BOOST_AUTO_TEST_CASE(is_made_of_good_options)
{
    auto const why = validate(good());
    BOOST_TEST(!why, why);
}

BOOST_AUTO_TEST_CASE(needs_a_server)
{
    refused(
        [](auto& options) { options.servers.clear(); }, errc::invalid_option,
        "registry_options::servers: there must be a server"
    );
}

BOOST_AUTO_TEST_CASE(refuses_an_empty_name_and_says_whose)
{
    refused(
        [](auto& options) { options.servers[1].name = ""; }, errc::invalid_name,
        "registry_options::servers[1].name: must not be empty"
    );
    refused(
        [](auto& options) { options.servers[0].streams[1].name = ""; }, errc::invalid_name,
        "registry_options::servers[0].streams[1].name: a stream's name must not be empty"
    );
    refused(
        [](auto& options) { options.servers[0].streams[0].groups[1] = ""; }, errc::invalid_name,
        "registry_options::servers[0].streams[0].groups[1]: must not be empty"
    );
}

BOOST_AUTO_TEST_CASE(refuses_a_name_that_no_stream_can_have)
{
    refused(
        [](auto& options) { options.servers[1].streams[0].name = "a}b"; }, errc::invalid_name,
        "registry_options::servers[1].streams[0].name: \"a}b\" has a } but no {tag}"
    );
}

BOOST_AUTO_TEST_CASE(refuses_what_is_declared_twice)
{
    refused(
        [](auto& options) { options.servers[1].name = "main"; }, errc::invalid_name,
        "registry_options::servers[1].name: the server \"main\" is declared already"
    );
    refused(
        [](auto& options) { options.servers[0].streams[0].groups[1] = "billing"; }, errc::invalid_name,
        "registry_options::servers[0].streams[0].groups[1]: the group \"billing\" is declared already"
    );
}

BOOST_AUTO_TEST_CASE(refuses_a_stream_on_two_servers_as_well_as_twice_on_one)
{
    refused(
        [](auto& options) { options.servers[1].streams.push_back({"orders"}); }, errc::invalid_name,
        "registry_options::servers[1].streams[1].name: the stream \"orders\" is declared already, "
        "on the server \"main\""
    );
    refused(
        [](auto& options) { options.servers[1].streams.push_back({"mails"}); }, errc::invalid_name,
        "registry_options::servers[1].streams[1].name: the stream \"mails\" is declared already, "
        "on the server \"other\""
    );
}

BOOST_AUTO_TEST_CASE(refuses_a_missing_and_a_bad_url_without_the_password)
{
    refused(
        [](auto& options) { options.servers[0].url = ""; }, errc::invalid_option,
        "registry_options::servers[0].url: must be set"
    );
    refused(
        [](auto& options) { options.servers[1].url = "redis://app:s3cret@/1"; }, errc::invalid_url,
        "registry_options::servers[1].url: the host is missing, at character 20"
    );
}

BOOST_AUTO_TEST_CASE(refuses_times_out_of_range)
{
    refused(
        [](auto& options) { options.servers[1].times.connect_timeout = 0ms; }, errc::invalid_option,
        "registry_options::servers[1].times.connect_timeout: must be from 1 ms to 24 hours, and is 0 ms"
    );
    refused(
        [](auto& options) { options.servers[1].times.health_check_interval = 24h + 1ms; },
        errc::invalid_option,
        "registry_options::servers[1].times.health_check_interval: must be from 100 ms to 24 hours, "
        "and is 86400001 ms"
    );
}

BOOST_AUTO_TEST_CASE(throws_what_is_wrong)
{
    asio::io_context context;
    auto options = good();
    options.servers[1].name = "main";
    BOOST_CHECK_EXCEPTION(registry(context.get_executor(), options), error, [&](error const& thrown) {
        return thrown.cause().message() == validate(options).message();
    });
}

BOOST_FIXTURE_TEST_CASE(tells_the_broker_of_a_stream, opened)
{
    auto const main = known.broker_of("orders").value();
    BOOST_TEST((main == known.broker_of("visits").value()));
    BOOST_TEST((main != known.broker_of("mails").value()));
    BOOST_TEST((registry(known).broker_of("orders").value() == main));
}

BOOST_FIXTURE_TEST_CASE(names_a_stream_that_it_does_not_know_and_those_that_it_does, opened)
{
    auto const found = known.broker_of("ordres");
    BOOST_TEST_REQUIRE(!found);
    BOOST_TEST((found.error() == errc::invalid_name));
    BOOST_TEST(
        found.error().words() ==
        "the stream \"ordres\" is not in the registry; declared are \"orders\", \"visits\", \"mails\""
    );
    BOOST_TEST(known.check_group("ordres", "billing").message() == found.error().message());
}

BOOST_FIXTURE_TEST_CASE(names_a_group_that_it_does_not_know_and_those_that_it_does, opened)
{
    BOOST_TEST(!known.check_group("orders", "shipping"));
    auto const why = known.check_group("orders", "biling");
    BOOST_TEST((why == errc::invalid_name));
    BOOST_TEST(
        why.words() == "the group \"biling\" is not declared for the stream \"orders\"; "
                       "declared are \"billing\", \"shipping\""
    );
    BOOST_TEST(
        known.check_group("visits", "billing").words() ==
        "the group \"billing\" is not declared for the stream \"visits\"; none is declared"
    );
}

BOOST_AUTO_TEST_CASE(lists_only_some_of_very_many_names)
{
    asio::io_context context;
    server_options many{.name = "main", .url = "memory:"};
    for (auto i = 100; i != 123; ++i)
        many.streams.push_back({std::to_string(i)});
    registry const known(context.get_executor(), {{many}});
    auto const why = known.broker_of("orders").error();
    BOOST_TEST(why.words().ends_with("\"118\", \"119\" and 3 more"), why);
}

BOOST_FIXTURE_TEST_CASE(shows_all_that_it_knows_in_order, opened)
{
    auto const servers = known.servers();
    BOOST_TEST_REQUIRE(servers.size() == 2);
    BOOST_TEST(servers[0].name == "main");
    BOOST_TEST((servers[0].broker == known.broker_of("orders").value()));
    BOOST_TEST_REQUIRE(servers[0].streams.size() == 2);
    BOOST_TEST(servers[0].streams[0].name == "orders");
    BOOST_TEST(servers[0].streams[0].groups == std::vector<std::string>({"billing", "shipping"}));
    BOOST_TEST(servers[0].streams[1].groups.empty());
    BOOST_TEST(servers[1].name == "other");
}

BOOST_AUTO_TEST_CASE(applies_the_times)
{
    // A socket that nobody listens on: without a time of its own the attempt would go on for five seconds.
    asio::io_context context;
    registry const known(
        context.get_executor(),
        {{{.name = "main", .url = "unix:/nowhere", .times = {.connect_timeout = 1ms}}}}
    );
    testing::run(context, context.get_executor(), [&]() -> asio::awaitable<void> {
        auto const broker = known.servers()[0].broker;
        auto const seen = co_await asio::co_spawn(
            broker->get_executor(), broker->inspect_stream("orders"), asio::use_awaitable
        );
        BOOST_TEST_REQUIRE(seen.has_error());
        auto const& why = seen.error();
        BOOST_TEST((why == errc::unreachable));
        BOOST_TEST(why.words().find("1 ms") != std::string_view::npos, why);
        known.close();
    });
}

BOOST_FIXTURE_TEST_CASE(closes_all_brokers, opened)
{
    testing::run(context, context.get_executor(), [this]() -> asio::awaitable<void> {
        known.close();
        for (auto const& server : known.servers()) {
            auto const why = co_await asio::co_spawn(
                server.broker->get_executor(), server.broker->ensure_group("orders", "billing", {}),
                asio::use_awaitable
            );
            BOOST_TEST((why == errc::closed), why);
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
