#include <strandline/yaml.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
using namespace strandline;

namespace {

/// Refused, and nothing of a password is said.
void refused(std::string_view text, errc code, std::string_view words)
{
    BOOST_TEST_CONTEXT(text)
    {
        auto const options = parse_yaml(text);
        BOOST_TEST_REQUIRE(!options);
        BOOST_TEST((options.error() == code));
        BOOST_TEST(options.error().words() == words);
        BOOST_TEST(options.error().words().find("s3cret") == std::string_view::npos);
    }
}

void malformed(std::string_view text, std::string_view words)
{
    refused(text, errc::invalid_option, words);
}

/// A file that ends with this object.
class file
{
public:
    explicit file(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }

    ~file() { std::filesystem::remove(path_); }

    file(file const&) = delete;
    file& operator=(file const&) = delete;

    std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_ =
        std::filesystem::temp_directory_path() / ("strandline-yaml-" + std::to_string(::getpid()));
};

/// What stands in the page between the fences of its YAML.
std::string sample_of(std::filesystem::path const& page)
{
    std::ifstream in(page);
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    std::string const fence = "```yaml\n";
    auto const begin = text.find(fence);
    BOOST_TEST_REQUIRE(begin != text.npos);
    auto const end = text.find("```\n", begin + fence.size());
    return text.substr(begin + fence.size(), end - begin - fence.size());
}

} // namespace

BOOST_AUTO_TEST_SUITE(yaml)

BOOST_AUTO_TEST_CASE(names_servers_their_streams_and_groups)
{
    auto const options = parse_yaml("main:\n"
                                    "  url: 'memory:'\n"
                                    "  streams:\n"
                                    "    orders: [billing, shipping]\n"
                                    "    visits: []\n"
                                    "other: {url: 'redis://localhost/1', streams: {mails: [billing]}}\n"
                                    "third:\n"
                                    "  url: unix:/run/redis.sock\n"
                                    "  connect_timeout: 250ms\n"
                                    "  health_check_interval: 1m\n")
                             .value();
    BOOST_TEST_REQUIRE(options.servers.size() == 3);
    auto const& main = options.servers[0];
    BOOST_TEST(main.name == "main");
    BOOST_TEST(main.url == "memory:");
    BOOST_TEST(!main.times.connect_timeout);
    BOOST_TEST_REQUIRE(main.streams.size() == 2);
    BOOST_TEST(main.streams[0].name == "orders");
    BOOST_TEST(main.streams[0].groups == std::vector<std::string>({"billing", "shipping"}));
    BOOST_TEST(main.streams[1].name == "visits");
    BOOST_TEST(main.streams[1].groups.empty());
    BOOST_TEST(options.servers[1].url == "redis://localhost/1");
    BOOST_TEST(options.servers[1].streams[0].name == "mails");
    BOOST_TEST((options.servers[2].times.connect_timeout == 250ms));
    BOOST_TEST((options.servers[2].times.health_check_interval == 1min));
    BOOST_TEST(options.servers[2].streams.empty());
}

BOOST_AUTO_TEST_CASE(takes_every_scalar_as_the_text_that_it_is)
{
    auto const options = parse_yaml("1:\n  url: 'memory:'\n  streams: {true: [007, 'null', no]}\n").value();
    BOOST_TEST(options.servers[0].name == "1");
    BOOST_TEST(options.servers[0].streams[0].name == "true");
    BOOST_TEST(options.servers[0].streams[0].groups == std::vector<std::string>({"007", "null", "no"}));
}

BOOST_AUTO_TEST_CASE(of_the_documentation_is_good)
{
    auto const options = parse_yaml(sample_of(CONFIGURATION_PAGE));
    BOOST_TEST_REQUIRE(!!options, options.error());
    BOOST_TEST(options->servers.size() == 2);
}

BOOST_AUTO_TEST_CASE(that_declares_a_stream_twice_is_refused_where_it_does)
{
    refused(
        "main:\n  url: 'memory:'\n  streams:\n    orders: [a]\n    visits: []\n    orders: [b]\n",
        errc::invalid_name,
        "line 6, column 5: main.streams.orders: the stream \"orders\" is declared already, "
        "on the server \"main\""
    );
    refused(
        "main:\n  url: 'memory:'\n  streams: {orders: [a]}\nother:\n  url: 'memory:'\n  streams: {orders: "
        "[b]}\n",
        errc::invalid_name,
        "line 6, column 13: other.streams.orders: the stream \"orders\" is declared already, "
        "on the server \"main\""
    );
}

BOOST_AUTO_TEST_CASE(that_declares_a_group_twice_is_refused_where_it_does)
{
    refused(
        "main: {url: 'memory:', streams: {orders: [a, b, a]}}\n", errc::invalid_name,
        "line 1, column 49: main.streams.orders[2]: the group \"a\" is declared already"
    );
}

BOOST_AUTO_TEST_CASE(that_declares_a_server_twice_is_refused_where_it_does)
{
    refused(
        "main: {url: 'memory:'}\nmain: {url: 'memory:'}\n", errc::invalid_name,
        "line 2, column 1: main: the server \"main\" is declared already"
    );
}

BOOST_AUTO_TEST_CASE(that_has_a_member_twice_is_refused_where_it_does)
{
    malformed(
        "main:\n  url: 'memory:'\n  url: redis://:s3cret@localhost\n",
        "line 3, column 3: main.url: occurs twice"
    );
    malformed(
        "main:\n  url: 'memory:'\n  streams: {a: []}\n  streams: {b: []}\n",
        "line 4, column 3: main.streams: occurs twice"
    );
    malformed(
        "main:\n  url: 'memory:'\n  connect_timeout: 1s\n  connect_timeout: 1s\n",
        "line 4, column 3: main.connect_timeout: occurs twice"
    );
}

BOOST_AUTO_TEST_CASE(with_an_unknown_member_is_refused_where_it_is)
{
    constexpr auto unknown = ": main: unknown member; there are url, streams, connect_timeout and "
                             "health_check_interval";
    malformed("main:\n  url: 'memory:'\n  stream: {a: []}\n", "line 3, column 3" + std::string(unknown));
    malformed("main:\n  <<: {url: 'memory:'}\n", "line 2, column 3" + std::string(unknown));
    // A space is missing.
    malformed("main: {url redis://:s3cret@h: 1}\n", "line 1, column 8" + std::string(unknown));
}

BOOST_AUTO_TEST_CASE(of_the_wrong_type_is_refused_where_it_is)
{
    malformed("- main\n", "line 1, column 1: expected a mapping from servers' names to their members");
    malformed("main\n", "line 1, column 1: expected a mapping from servers' names to their members");
    malformed("~\n", "line 1, column 1: expected a mapping from servers' names to their members");
    malformed("url: redis://:s3cret@h\n", "line 1, column 1: url: expected a mapping with url and streams");
    malformed("main: [url]\n", "line 1, column 1: main: expected a mapping with url and streams");
    malformed("[x]: {url: 'memory:'}\n", "line 1, column 1: a name must be a text");
    malformed("main: {[url]: 'memory:'}\n", "line 1, column 8: main: a name must be a text");
    malformed("main:\n  url: [memory:]\n", "line 2, column 8: main.url: expected a text");
    malformed("main:\n  url:\n", "line 3, column 1: main.url: expected a text");
    malformed("main:\n  url: ~\n", "line 2, column 8: main.url: expected a text");
    malformed("main:\n  connect_timeout: {}\n", "line 2, column 20: main.connect_timeout: expected a text");
    malformed(
        "main:\n  streams: [orders]\n",
        "line 2, column 12: main.streams: expected a mapping from streams' names to lists of groups"
    );
    malformed(
        "main:\n  streams:\n    orders: billing\n",
        "line 3, column 13: main.streams.orders: expected a list of groups, [] for none"
    );
    malformed(
        "main:\n  streams: {orders: }\n",
        "line 2, column 21: main.streams.orders: expected a list of groups, [] for none"
    );
    malformed(
        "main:\n  streams:\n    orders:\n      - billing\n      - {a: b}\n",
        "line 5, column 9: main.streams.orders[1]: expected a text"
    );
    malformed("main:\n  streams: {[a]: []}\n", "line 2, column 13: main.streams: a name must be a text");
}

BOOST_AUTO_TEST_CASE(without_a_url_or_a_server_is_refused)
{
    malformed("main:\n  streams: {a: []}\n", "line 1, column 1: main: url is missing");
    malformed("main:\n  url: ''\n", "line 2, column 8: main.url: must be set");
    malformed("{}\n", "line 1, column 1: there must be a server");
    malformed("", "line 1, column 1: there is nothing in it");
    malformed("# nothing\n", "line 1, column 1: there is nothing in it");
}

BOOST_AUTO_TEST_CASE(with_a_bad_value_is_refused_where_it_is)
{
    refused(
        "main:\n  url: redis://app:s3cret@/1\n", errc::invalid_url,
        "line 2, column 8: main.url: the host is missing, at character 20"
    );
    malformed(
        "main:\n  url: 'memory:'\n  connect_timeout: 30\n",
        "line 3, column 20: main.connect_timeout: expected a time as 250ms, 30s, 1m or 2h"
    );
    malformed(
        "main:\n  url: 'memory:'\n  health_check_interval: 25h\n",
        "line 3, column 26: main.health_check_interval: must be from 100 ms to 24 hours, and is 90000000 ms"
    );
    malformed(
        "main:\n  url: 'memory:'\n  connect_timeout: 0s\n",
        "line 3, column 20: main.connect_timeout: must be from 1 ms to 24 hours, and is 0 ms"
    );
    refused(
        "main: {url: 'memory:', streams: {'a}b': []}}\n", errc::invalid_name,
        "line 1, column 34: main.streams.a}b: \"a}b\" has a } but no {tag}"
    );
    refused("'': {url: 'memory:'}\n", errc::invalid_name, "line 1, column 1: \"\": must not be empty");
    refused(
        "main: {url: 'memory:', streams: {a: ['']}}\n", errc::invalid_name,
        "line 1, column 38: main.streams.a[0]: must not be empty"
    );
}

BOOST_AUTO_TEST_CASE(quotes_names_that_would_be_read_as_more_than_one_step)
{
    refused(
        "\"a.b\": {url: 'memory:', streams: {\"c d\\n\": ['']}}\n", errc::invalid_name,
        "line 1, column 45: \"a.b\".streams.\"c d\\x0A\"[0]: must not be empty"
    );
}

BOOST_AUTO_TEST_CASE(that_is_none_is_refused_where_it_ceases_to_be_without_its_text)
{
    malformed("main: {url: redis\n", "line 2, column 1: end of map flow not found");
    malformed("main:\n  url: memory:\n", "line 2, column 14: illegal map value");
    malformed("main: s3cret: x\n", "line 1, column 13: illegal map value");
    malformed("main:\n  url: *s3cret\n", "line 2, column 8: the referenced anchor is not defined");
    malformed("main: {url: \"\\q\"}\n", "line 1, column 16: unknown escape character");
}

BOOST_AUTO_TEST_CASE(of_two_documents_is_refused)
{
    malformed(
        "main: {url: 'memory:'}\n---\nother: {url: 'memory:'}\n", "line 3, column 1: expected one document"
    );
}

BOOST_AUTO_TEST_CASE(that_holds_itself_is_refused)
{
    malformed(
        "&a main: {url: 'memory:', streams: &b {orders: *b}}\n",
        "line 1, column 36: main.streams.orders: expected a list of groups, [] for none"
    );
}

BOOST_AUTO_TEST_CASE(of_a_file_is_refused_with_its_name)
{
    file const good("main: {url: 'memory:'}\n");
    BOOST_TEST(load_yaml(good.path()).value().servers.size() == 1);

    file const bad("main:\n  url: x\n");
    auto const options = load_yaml(bad.path());
    BOOST_TEST_REQUIRE(!options);
    BOOST_TEST((options.error() == errc::invalid_url));
    BOOST_TEST(
        options.error().words() == "\"" + bad.path().string() +
                                       "\", line 2, column 8: main.url: expected redis:, rediss:, "
                                       "redis+sentinel:, rediss+sentinel: or unix:, "
                                       "at character 1"
    );
}

BOOST_AUTO_TEST_CASE(of_a_file_that_cannot_be_read_says_why)
{
    auto const missing = load_yaml("/nowhere/strandline.yaml");
    BOOST_TEST_REQUIRE(!missing);
    BOOST_TEST((missing.error().code() == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST(missing.error().words() == "\"/nowhere/strandline.yaml\"");
    BOOST_TEST(!load_yaml("/"));
}

BOOST_AUTO_TEST_SUITE_END()
