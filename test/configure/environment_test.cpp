#include <strandline/environment.hpp>
#include <strandline/redis.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using namespace strandline;

namespace {

using variables = std::map<std::string, std::string>;

result<server_options> read(variables const& set)
{
    return server_from_environment("APP", [&](std::string const& name) {
        auto const found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    });
}

/// Refused; the value is not repeated, which has "s3cret" in it where it matters.
void refused(variables const& set, errc code, std::string_view words)
{
    auto const read_ = read(set);
    BOOST_TEST_REQUIRE(!read_);
    BOOST_TEST((read_.error() == code));
    BOOST_TEST(read_.error().words() == words);
}

} // namespace

BOOST_AUTO_TEST_SUITE(of_the_environment)

BOOST_AUTO_TEST_CASE(a_server_has_a_url_and_is_called_by_the_prefix)
{
    auto const server = read({{"APP_URL", "redis://app:s3cret@host:1/2"}}).value();
    BOOST_TEST(server.name == "APP");
    BOOST_TEST(server.url == "redis://app:s3cret@host:1/2");
    BOOST_TEST(!server.times.connect_timeout);
    BOOST_TEST(!server.times.health_check_interval);
    BOOST_TEST(server.streams.empty());
}

BOOST_AUTO_TEST_CASE(a_url_wins_over_all_parameters_also_over_bad_ones)
{
    auto const server = read({
                                 {"APP_URL", "memory:"},
                                 {"APP_HOSTS", "not a host"},
                                 {"APP_USER", "app"},
                                 {"APP_PASSWORD", "s3cret"},
                                 {"APP_DATABASE", "none"},
                             })
                            .value();
    BOOST_TEST(server.url == "memory:");
}

BOOST_AUTO_TEST_CASE(hosts_become_a_url)
{
    BOOST_TEST(read({{"APP_HOSTS", "one"}}).value().url == "redis://one");
    BOOST_TEST(read({{"APP_HOSTS", "one:1, two,[::1]:3"}}).value().url == "redis://one:1,two,[::1]:3");
}

BOOST_AUTO_TEST_CASE(user_password_and_database_become_what_they_are)
{
    auto const server = read({
                                 {"APP_HOSTS", "host:1"},
                                 {"APP_USER", "an app:@/?#%"},
                                 {"APP_PASSWORD", "s3cret:@/?#%ä\x01"},
                                 {"APP_DATABASE", "7"},
                             })
                            .value();
    auto const options = parse_redis_url(server.url).value();
    BOOST_REQUIRE(options.addresses.size() == 1);
    BOOST_TEST(options.addresses[0].host == "host");
    BOOST_TEST(options.addresses[0].port == 1);
    BOOST_TEST(options.user == "an app:@/?#%");
    BOOST_TEST(options.password == "s3cret:@/?#%ä\x01");
    BOOST_TEST(options.database == 7u);
}

BOOST_AUTO_TEST_CASE(user_and_password_may_each_be_alone)
{
    auto const with_password =
        parse_redis_url(read({{"APP_HOSTS", "h"}, {"APP_PASSWORD", "p"}}).value().url).value();
    BOOST_TEST(with_password.user == "");
    BOOST_TEST(with_password.password == "p");
    auto const with_user = parse_redis_url(read({{"APP_HOSTS", "h"}, {"APP_USER", "u"}}).value().url).value();
    BOOST_TEST(with_user.user == "u");
    BOOST_TEST(with_user.password == "");
}

BOOST_AUTO_TEST_CASE(times_come_with_a_url_and_with_hosts)
{
    for (auto const* where : {"APP_URL", "APP_HOSTS"}) {
        auto const value = std::string(where) == "APP_URL" ? "memory:" : "host";
        auto const server =
            read({{where, value}, {"APP_CONNECT_TIMEOUT", "30s"}, {"APP_HEALTH_CHECK_INTERVAL", "1m"}})
                .value();
        BOOST_TEST((server.times.connect_timeout == 30s));
        BOOST_TEST((server.times.health_check_interval == 1min));
    }
}

BOOST_AUTO_TEST_CASE(an_empty_variable_counts_as_not_set)
{
    auto const server = read({
                                 {"APP_URL", ""},
                                 {"APP_HOSTS", "host"},
                                 {"APP_USER", ""},
                                 {"APP_PASSWORD", ""},
                                 {"APP_DATABASE", ""},
                                 {"APP_CONNECT_TIMEOUT", ""},
                             })
                            .value();
    BOOST_TEST(server.url == "redis://host");
    BOOST_TEST(!server.times.connect_timeout);
}

BOOST_AUTO_TEST_CASE(no_server_at_all_is_an_error_that_names_both_variables)
{
    refused({}, errc::invalid_option, "APP_URL: must be set, or APP_HOSTS");
    refused({{"APP_PASSWORD", "s3cret"}}, errc::invalid_option, "APP_URL: must be set, or APP_HOSTS");
}

BOOST_AUTO_TEST_CASE(a_bad_url_is_an_error_that_names_the_variable)
{
    refused(
        {{"APP_URL", "redis://app:s3cret@/1"}}, errc::invalid_url,
        "APP_URL: the host is missing, at character 20"
    );
}

BOOST_AUTO_TEST_CASE(bad_hosts_are_an_error_that_names_the_variable)
{
    for (auto const* hosts :
         {",", "one,", ",one", "one,,two", "one:", "one:0", "one:65536", "one:two", "::1", "[::1",
          "s3cret@one", "one/1", "one,two?x", "redis://one", "one\ttwo"})
    {
        BOOST_TEST_INFO(hosts);
        refused(
            {{"APP_HOSTS", hosts}}, errc::invalid_option,
            "APP_HOSTS: expected host or host:port, several separated by commas"
        );
    }
}

BOOST_AUTO_TEST_CASE(a_bad_database_is_an_error_that_names_the_variable)
{
    for (auto const* database : {"one", "-1", "1x", "2147483648", "1/2", " 1"}) {
        BOOST_TEST_INFO(database);
        refused(
            {{"APP_HOSTS", "one"}, {"APP_DATABASE", database}}, errc::invalid_option,
            "APP_DATABASE: expected the number of a database"
        );
    }
}

BOOST_AUTO_TEST_CASE(a_bad_time_is_an_error_that_names_the_variable)
{
    refused(
        {{"APP_URL", "memory:"}, {"APP_CONNECT_TIMEOUT", "s3cret"}}, errc::invalid_option,
        "APP_CONNECT_TIMEOUT: expected a time as 250ms, 30s, 1m or 2h"
    );
    refused(
        {{"APP_URL", "memory:"}, {"APP_CONNECT_TIMEOUT", "25h"}}, errc::invalid_option,
        "APP_CONNECT_TIMEOUT: must be from 1 ms to 24 hours, and is 90000000 ms"
    );
    refused(
        {{"APP_URL", "memory:"}, {"APP_HEALTH_CHECK_INTERVAL", "99ms"}}, errc::invalid_option,
        "APP_HEALTH_CHECK_INTERVAL: must be from 100 ms to 24 hours, and is 99 ms"
    );
}

BOOST_AUTO_TEST_CASE(a_prefix_must_not_be_empty)
{
    auto const read_ = server_from_environment("", [](auto const&) { return "memory:"; });
    BOOST_TEST_REQUIRE(!read_);
    BOOST_TEST((read_.error() == errc::invalid_option));
}

BOOST_AUTO_TEST_CASE(the_variables_of_the_process_are_read_by_default)
{
    ::setenv("STRANDLINE_TEST_URL", "memory:", 1);
    BOOST_TEST(server_from_environment("STRANDLINE_TEST").value().url == "memory:");
    ::unsetenv("STRANDLINE_TEST_URL");
    BOOST_TEST(!server_from_environment("STRANDLINE_TEST"));
}

BOOST_AUTO_TEST_SUITE_END()
