#include <strandline/redis.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace strandline;
using namespace std::chrono_literals;

namespace {

using addresses = std::vector<redis_address>;

redis_options parsed(std::string_view url)
{
    auto options = parse_redis_url(url);
    BOOST_REQUIRE_MESSAGE(options.has_value(), url << ": " << options.error());
    BOOST_TEST(!validate(*options), url);
    return *options;
}

void refuses(std::string_view url, std::string_view words)
{
    BOOST_TEST_INFO(url);
    auto const options = parse_redis_url(url);
    BOOST_REQUIRE(!options.has_value());
    BOOST_TEST((options.error() == errc::invalid_url));
    BOOST_TEST(options.error().words() == words);
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_urls)

BOOST_AUTO_TEST_CASE(name_a_host)
{
    auto const options = parsed("redis://example.org");
    BOOST_TEST((options.addresses == addresses{{"example.org"}}));
    BOOST_TEST(options.database == 0U);
    BOOST_TEST(options.user.empty());
    BOOST_TEST(options.password.empty());
    BOOST_TEST(options.unix_socket.empty());
    BOOST_TEST(!options.tls);
    BOOST_TEST(parsed("redis://localhost/").database == 0U);
}

BOOST_AUTO_TEST_CASE(may_name_port_and_database)
{
    auto const options = parsed("redis://127.0.0.1:6380/15");
    BOOST_TEST((options.addresses == addresses{{"127.0.0.1", 6380}}));
    BOOST_TEST(options.database == 15U);
    BOOST_TEST((parsed("redis://h:1").addresses == addresses{{"h", 1}}));
    BOOST_TEST((parsed("redis://h:65535").addresses == addresses{{"h", 65535}}));
    BOOST_TEST(parsed("redis://h/2147483647").database == 2147483647U);
}

BOOST_AUTO_TEST_CASE(may_name_user_and_password)
{
    auto const both = parsed("redis://alice:secret@h:1/2");
    BOOST_TEST(both.user == "alice");
    BOOST_TEST(both.password == "secret");
    BOOST_TEST((both.addresses == addresses{{"h", 1}}));

    auto const password = parsed("redis://:secret@h");
    BOOST_TEST(password.user.empty());
    BOOST_TEST(password.password == "secret");

    auto const user = parsed("redis://alice@h");
    BOOST_TEST(user.user == "alice");
    BOOST_TEST(user.password.empty());

    BOOST_TEST(parsed("redis://alice:@h").password.empty());
    BOOST_TEST(parsed("redis://a:b:c@h").password == "b:c");
    BOOST_TEST(parsed("redis://a:b@c@h").password == "b@c");
}

BOOST_AUTO_TEST_CASE(are_percent_encoded)
{
    auto const options = parsed("redis://al%69ce:p%40%3a%2F%3f%23%25%20@%65xample.org");
    BOOST_TEST(options.user == "alice");
    BOOST_TEST(options.password == "p@:/?#% ");
    BOOST_TEST((options.addresses == addresses{{"example.org"}}));
    BOOST_TEST(parsed("redis://:%C3%A4@h").password == "ä");
    BOOST_TEST(parsed("redis://:ä@h").password == "ä");
}

BOOST_AUTO_TEST_CASE(of_ipv6_addresses_have_brackets)
{
    BOOST_TEST((parsed("redis://[::1]").addresses == addresses{{"::1"}}));
    auto const options = parsed("redis://u:p@[2001:db8::7]:6380/3");
    BOOST_TEST((options.addresses == addresses{{"2001:db8::7", 6380}}));
    BOOST_TEST(options.database == 3U);
}

BOOST_AUTO_TEST_CASE(with_a_second_s_use_tls)
{
    BOOST_TEST(parsed("rediss://h").tls);
    BOOST_TEST((parsed("rediss://h").addresses == addresses{{"h"}}));
    BOOST_TEST(parsed("REDISS://h").tls);
    BOOST_TEST(!parsed("Redis://h").tls);
}

BOOST_AUTO_TEST_CASE(of_sockets_name_a_path)
{
    BOOST_TEST(parsed("unix:/run/redis.sock").unix_socket == "/run/redis.sock");
    BOOST_TEST(parsed("unix:///run/redis.sock").unix_socket == "/run/redis.sock");
    BOOST_TEST(parsed("unix:///run/my%20redis%3f.sock").unix_socket == "/run/my redis?.sock");
    BOOST_TEST(parsed("unix:/s?db=7").database == 7U);
    BOOST_TEST(parsed("unix:/" + std::string(106, 'x')).unix_socket.size() == 107U);

    auto const options = parsed("unix://alice:secret@/run/redis.sock?db=2");
    BOOST_TEST(options.unix_socket == "/run/redis.sock");
    BOOST_TEST(options.user == "alice");
    BOOST_TEST(options.password == "secret");
    BOOST_TEST(options.database == 2U);
    BOOST_TEST(parsed("unix://:secret@/s").password == "secret");
}

BOOST_AUTO_TEST_CASE(with_another_scheme_are_refused)
{
    for (auto const* url :
         {"", "redis", "localhost:6379", "http://h", "redis2://h", "memory:", "://h", "redis//h:1", ":"})
        refuses(url, "expected redis:, rediss:, redis+sentinel:, rediss+sentinel: or unix:, at character 1");
}

BOOST_AUTO_TEST_CASE(without_slashes_are_refused)
{
    refuses("redis:", "expected //, at character 7");
    refuses("redis:h", "expected //, at character 7");
    refuses("redis:/h", "expected //, at character 7");
    refuses("rediss:h", "expected //, at character 8");
}

BOOST_AUTO_TEST_CASE(without_a_host_are_refused)
{
    refuses("redis://", "the host is missing, at character 9");
    refuses("redis:///2", "the host is missing, at character 9");
    refuses("redis://:6379", "the host is missing, at character 9");
    refuses("redis://u:p@", "the host is missing, at character 13");
    refuses("redis://u:p@:6379", "the host is missing, at character 13");
    refuses("redis://ä:ö@", "the host is missing, at character 13");
}

BOOST_AUTO_TEST_CASE(with_a_bad_port_are_refused)
{
    for (auto const* port : {"0", "65536", "abc", "", "-1", "+1", "6379x", "99999999999", "%36"})
        refuses(
            "redis://h:" + std::string(port) + "/1",
            "the port must be a number from 1 to 65535, at character 11"
        );
    refuses("redis://[::1]:0", "the port must be a number from 1 to 65535, at character 15");
}

BOOST_AUTO_TEST_CASE(with_a_bad_database_are_refused)
{
    for (auto const* database : {"x", "-1", "+1", "2147483648", "99999999999", "1/", "1/2", "/1", "%31"})
        refuses(
            "redis://h/" + std::string(database),
            "the database must be a number from 0 to 2147483647, at character 11"
        );
    refuses("unix:/s?db=x", "the database must be a number from 0 to 2147483647, at character 12");
    refuses("unix:/s?db=", "the value is missing, at character 12");
}

BOOST_AUTO_TEST_CASE(with_a_query_that_is_not_known_or_a_fragment_are_refused)
{
    auto const expected = [](std::string const& names, std::string const& character) {
        return "expected one of these with = and its value: " + names + ", at character " + character;
    };
    refuses("redis://h?db=1", expected("prefix", "11"));
    refuses("redis://h/1?timeout=5", expected("prefix", "13"));
    refuses("redis://h/1?", expected("prefix", "13"));
    refuses("redis://h?ca=/x", expected("prefix", "11"));
    refuses("redis://h?prefix=a&", expected("prefix", "20"));
    refuses("redis://h?prefix=a&Prefix=b", expected("prefix", "20"));
    refuses("rediss://h?cert=/c&kay=/k", expected("prefix, ca, cert, key", "20"));
    refuses("rediss://h?sentinel_user=x", expected("prefix, ca, cert, key", "12"));
    refuses("redis+sentinel://h/m?ca=x", expected("prefix, sentinel_user, sentinel_password", "22"));
    refuses(
        "rediss+sentinel://h/m?c=x", expected("prefix, ca, cert, key, sentinel_user, sentinel_password", "23")
    );
    refuses("unix:/s?database=1", expected("db, prefix", "9"));
    refuses("unix:/s?", expected("db, prefix", "9"));
    refuses("unix:/s?db=1&ca=/x", expected("db, prefix", "14"));
    for (auto const* url : {"redis://h/1#2", "redis://h/1#?prefix=a", "redis://h:1#2"})
        refuses(url, "# must be written %23, at character 12");
    refuses("unix:/s#1", "# must be written %23, at character 8");
}

BOOST_AUTO_TEST_CASE(with_a_member_without_a_value_or_with_two_are_refused)
{
    refuses("redis://h?prefix", "the value is missing, at character 17");
    refuses("redis://h?prefix=", "the value is missing, at character 18");
    refuses("rediss://h?ca=&cert=x", "the value is missing, at character 15");
    refuses("redis://h?prefix=a&prefix=a", "this stands here for the second time, at character 20");
    refuses("unix:/s?db=1&db=2", "this stands here for the second time, at character 14");
}

BOOST_AUTO_TEST_CASE(may_name_several_hosts)
{
    auto const options = parsed("redis://u:p,q@a,b:1,[::1],[::2]:2/3");
    BOOST_TEST((options.addresses == addresses{{"a"}, {"b", 1}, {"::1"}, {"::2", 2}}));
    BOOST_TEST(options.user == "u");
    BOOST_TEST(options.password == "p,q");
    BOOST_TEST(options.database == 3U);
    BOOST_TEST((parsed("rediss://a%2Cb,c").addresses == addresses{{"a,b"}, {"c"}}));
    refuses("redis://a,", "the host is missing, at character 11");
    refuses("redis://,a", "the host is missing, at character 9");
    refuses("redis://a,,b", "the host is missing, at character 11");
    refuses("redis://a,b:0", "the port must be a number from 1 to 65535, at character 13");
    refuses("redis://a,u:p@b:x", "the port must be a number from 1 to 65535, at character 17");
}

BOOST_AUTO_TEST_CASE(may_name_files_for_tls)
{
    auto const options = parsed("rediss://h/2?ca=/etc/my%20ca.pem&cert=c.pem&key=/k%26%3D%25");
    BOOST_TEST(options.tls);
    BOOST_TEST(options.database == 2U);
    BOOST_TEST(options.tls_files.ca == "/etc/my ca.pem");
    BOOST_TEST(options.tls_files.certificate == "c.pem");
    BOOST_TEST(options.tls_files.key == "/k&=%");
    BOOST_TEST(parsed("rediss://h?ca=a=b").tls_files.ca == "a=b");
    BOOST_TEST(parsed("rediss://h?ca=a?b").tls_files.ca == "a?b");
}

BOOST_AUTO_TEST_CASE(may_name_a_prefix)
{
    BOOST_TEST(parsed("redis://h?prefix=shop:").key_prefix == "shop:");
    BOOST_TEST(parsed("redis://h/?prefix=%C3%A4%26").key_prefix == "ä&");
    BOOST_TEST(parsed("rediss://h/1?ca=/c&prefix=p").key_prefix == "p");
    BOOST_TEST(parsed("redis+sentinel://h/m?prefix=p").key_prefix == "p");
    BOOST_TEST(parsed("unix:/s?prefix=p&db=2").key_prefix == "p");
    BOOST_TEST(parsed("unix:/s?prefix=p&db=2").database == 2U);
    BOOST_TEST(parsed("redis://h").key_prefix.empty());
}

BOOST_AUTO_TEST_CASE(of_sentinels_name_them_and_the_master)
{
    auto const options = parsed("redis+sentinel://app:secret@a,b:26380,[::1]/my%2Fmaster/4"
                                "?sentinel_user=watch&sentinel_password=p%40ss");
    BOOST_TEST((options.sentinel.addresses == addresses{{"a"}, {"b", 26380}, {"::1"}}));
    BOOST_TEST(options.sentinel.master == "my/master");
    BOOST_TEST(options.sentinel.user == "watch");
    BOOST_TEST(options.sentinel.password == "p@ss");
    BOOST_TEST(!options.sentinel.tls);
    BOOST_TEST(!options.tls);
    BOOST_TEST(options.user == "app");
    BOOST_TEST(options.password == "secret");
    BOOST_TEST(options.database == 4U);

    auto const secure = parsed("rediss+sentinel://a/m?ca=/ca");
    BOOST_TEST(secure.tls);
    BOOST_TEST(secure.sentinel.tls);
    BOOST_TEST(secure.tls_files.ca == "/ca");
    BOOST_TEST(secure.database == 0U);
    BOOST_TEST(parsed("REDIS+Sentinel://a/m/").sentinel.master == "m");
}

BOOST_AUTO_TEST_CASE(of_sentinels_without_a_master_are_refused)
{
    refuses("redis+sentinel://h", "expected / and the name of the master, at character 19");
    refuses("redis+sentinel://h/", "expected / and the name of the master, at character 19");
    refuses("redis+sentinel://h?prefix=p", "expected / and the name of the master, at character 19");
    refuses("redis+sentinel://h//2", "the name of the master is missing, at character 20");
    refuses("redis+sentinel://h/m/x", "the database must be a number from 0 to 2147483647, at character 22");
    refuses("redis+sentinel:///m", "the host is missing, at character 18");
}

BOOST_AUTO_TEST_CASE(with_a_bad_address_are_refused)
{
    refuses("redis://[::1", "expected a ] that closes the address, at character 9");
    refuses("redis://[]", "expected an IPv6 address in the brackets, at character 10");
    refuses("redis://[h]", "expected an IPv6 address in the brackets, at character 10");
    refuses("redis://[127.0.0.1]", "expected an IPv6 address in the brackets, at character 10");
    refuses(
        "redis://[::1]6379", "expected a colon and the port, or nothing, after the address, at character 14"
    );
    refuses(
        "redis://::1:6379", "an IPv6 address must stand in brackets, and in a user or password : must be "
                            "written %3A, at character 9"
    );
}

BOOST_AUTO_TEST_CASE(of_sockets_without_a_path_are_refused)
{
    refuses("unix:", "expected the socket's path, beginning with /, at character 6");
    refuses("unix:run/s", "expected the socket's path, beginning with /, at character 6");
    refuses("unix://", "expected the socket's path, beginning with /, at character 8");
    refuses("unix:/", "the socket's path is missing, at character 6");
    refuses("unix:///?db=1", "the socket's path is missing, at character 8");
    refuses("unix://u:p@", "expected the socket's path, beginning with /, at character 12");
    refuses("unix://h/s", "a socket has no host: expected its path, beginning with /, at character 8");
    refuses("unix://u:p@h/s", "a socket has no host: expected its path, beginning with /, at character 12");
    refuses("unix:/" + std::string(107, 'x'), "the socket's path is longer than 107 bytes, at character 6");
}

BOOST_AUTO_TEST_CASE(with_a_bad_code_are_refused_where_it_is)
{
    refuses("redis://h%", "expected two hexadecimal digits after %, at character 10");
    refuses("redis://h%4", "expected two hexadecimal digits after %, at character 10");
    refuses("redis://h%4x", "expected two hexadecimal digits after %, at character 10");
    refuses("redis://u%zz:p@h", "expected two hexadecimal digits after %, at character 10");
    refuses("redis://u:p%-1@h", "expected two hexadecimal digits after %, at character 12");
    refuses("redis://u:ä%@h", "expected two hexadecimal digits after %, at character 12");
    refuses("unix:/s%2", "expected two hexadecimal digits after %, at character 8");
    refuses("redis://h%00", "a null character is not allowed, at character 10");
}

BOOST_AUTO_TEST_CASE(with_spaces_or_control_characters_are_refused)
{
    refuses(" redis://h", "spaces and control characters must be percent-encoded, at character 1");
    refuses("redis://h\n", "spaces and control characters must be percent-encoded, at character 10");
    refuses("redis://u:p q@h", "spaces and control characters must be percent-encoded, at character 12");
    refuses(
        std::string_view("redis://h\0", 10),
        "spaces and control characters must be percent-encoded, at character 10"
    );
}

BOOST_AUTO_TEST_CASE(never_show_the_password)
{
    std::size_t refused = 0;
    // A raw / ? # in it ends the host's part too early; the words then say so instead of showing what
    // follows.
    for (std::string const secret :
         {"hunter2", "hunter%2", "%hunter", "hun ter2", "hunter/2", "hunter?2", "hunter#2", "hun:ter2",
          "hunter[2", "[hunter", "hunter2]", "hunt@er", "hünter"})
    {
        std::vector<std::string> const urls = {
            "redis://:" + secret + "@",
            "redis://user:" + secret + "@:1",
            "redis://user:" + secret + "@h:port",
            "redis://user:" + secret + "@h:0/1",
            "redis://user:" + secret + "@h/x",
            "redis://user:" + secret + "@h%",
            "redis://user:" + secret + "@[h",
            "redis://user:" + secret + "@[h]",
            "redis://user:" + secret + "@h?" + secret,
            "redis://user:" + secret + "@h#" + secret,
            "redis://" + secret + "@h:port",
            "redis://" + secret + ":" + secret + "@h:port",
            "redis://h:" + secret,
            "redis://h/" + secret,
            "redis:" + secret + "@h",
            "redis:/user:" + secret + "@h",
            "redis//:" + secret + "@h",
            secret + "://h",
            secret,
            "user:" + secret + "@h",
            "unix://user:" + secret + "@h/s",
            "unix://user:" + secret + "@",
            "unix://user:" + secret + "@/",
            "unix://user:" + secret + "@/s?" + secret,
            "unix:" + secret + "@/s",
            "unix:/s?db=" + secret,
            "redis://user:" + secret + "@a,b:port",
            "redis://user:" + secret + "@a,",
            "redis://h?" + secret,
            "redis://h?" + secret + "=x",
            "rediss://user:" + secret + "@h?ca",
            "redis+sentinel://user:" + secret + "@h",
            "redis+sentinel://user:" + secret + "@h/m?sentinel_password=" + secret + "&x",
            "redis+sentinel://h/m/" + secret,
            "redis+sentinel://h/m?sentinel_password=" + secret + "&sentinel_password=" + secret,
        };
        for (auto const& url : urls) {
            auto const options = parse_redis_url(url);
            if (options.has_value())
                continue; // "redis://h:hunt@er" is a good one
            ++refused;
            auto const message = options.error().message();
            BOOST_TEST_INFO(url);
            BOOST_TEST_INFO(message);
            BOOST_TEST(message.find("unter") == std::string::npos);
            BOOST_TEST(message.find("hun") == std::string::npos);
            BOOST_TEST(message.find("user:") == std::string::npos);
        }
    }
    BOOST_TEST(refused > 300U);
}

BOOST_AUTO_TEST_CASE(with_a_raw_slash_in_the_password_say_what_to_do)
{
    std::string const what =
        "; in a user or password / ? # must be written %2F %3F %23, and @ in what follows %40, at character ";
    refuses("redis://u:pa/ss@h", "expected the host" + what + "13");
    refuses("redis+sentinel://u:pa/ss@h/m", "expected the host" + what + "22");
    refuses("redis://h?prefix=a@b", "expected the host" + what + "10");
    refuses("unix://u:p@/s?a@b", "expected the socket's path" + what + "14");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(redis_option_rules)

namespace {

template <class Change>
std::string refused(Change change)
{
    redis_options options;
    options.password = "hunter2";
    change(options);
    auto const why = validate(options);
    BOOST_REQUIRE(bool(why));
    BOOST_TEST((why == errc::invalid_option));
    BOOST_TEST(why.message().find("hunter2") == std::string::npos);
    return std::string(why.words());
}

} // namespace

BOOST_AUTO_TEST_CASE(hold_for_the_defaults)
{
    BOOST_TEST(!validate({}));
}

BOOST_AUTO_TEST_CASE(name_the_member_that_breaks_them)
{
    BOOST_TEST(
        refused([](auto& o) { o.addresses.clear(); }) ==
        "redis_options::addresses must not be empty when there is neither unix_socket nor sentinel"
    );
    BOOST_TEST(refused([](auto& o) {
                   o.addresses.push_back({""});
               }) == "redis_options::addresses[1].host must not be empty");
    BOOST_TEST(refused([](auto& o) {
                   o.addresses = {{std::string("a\0b", 3)}};
               }) == "redis_options::addresses[0].host must not contain a null character");
    BOOST_TEST(refused([](auto& o) {
                   o.sentinel.addresses = {{"a"}};
               }) == "redis_options::sentinel.master must not be empty");
    BOOST_TEST(refused([](auto& o) {
                   o.sentinel.addresses = {{"a"}, {""}}, o.sentinel.master = "m";
               }) == "redis_options::sentinel.addresses[1].host must not be empty");
    for (auto change : std::vector<void (*)(redis_options&)>{
             [](redis_options& o) { o.sentinel.master = "m"; },
             [](redis_options& o) { o.sentinel.user = "u"; },
             [](redis_options& o) { o.sentinel.password = "hunter2"; },
             [](redis_options& o) { o.sentinel.tls = true; }
         })
        BOOST_TEST(
            refused(change) ==
            "redis_options::sentinel.addresses must not be empty when something else of sentinel is set"
        );
    BOOST_TEST(refused([](auto& o) {
                   o.sentinel.addresses = {{"a"}}, o.sentinel.master = "m", o.unix_socket = "/s";
               }) == "redis_options::sentinel.addresses must be empty with unix_socket");
    BOOST_TEST(refused([](auto& o) {
                   o.tls_files.ca = "/ca";
               }) == "redis_options::tls must be set when tls_files are");
    BOOST_TEST(refused([](auto& o) {
                   o.tls = true, o.tls_files.certificate = "/c";
               }) == "redis_options::tls_files.key must not be empty when the other of the two is not");
    BOOST_TEST(
        refused([](auto& o) { o.tls = true, o.tls_files.key = "/k"; }) ==
        "redis_options::tls_files.certificate must not be empty when the other of the two is not"
    );
    BOOST_TEST(refused([](auto& o) {
                   o.key_prefix = "a{b}";
               }) == "redis_options::key_prefix must not contain { or }");
    BOOST_TEST(refused([](auto& o) {
                   o.unix_socket.assign(108, 'x');
               }) == "redis_options::unix_socket must have at most 107 bytes, and has 108");
    BOOST_TEST(refused([](auto& o) {
                   o.unix_socket = "/s", o.tls = true;
               }) == "redis_options::tls is not possible with unix_socket");
    BOOST_TEST(refused([](auto& o) {
                   o.database = 2147483648U;
               }) == "redis_options::database must be at most 2147483647, and is 2147483648");
    BOOST_TEST(refused([](auto& o) {
                   o.connect_timeout = 0ms;
               }) == "redis_options::connect_timeout must be from 1 ms to 24 hours, and is 0 ms");
    BOOST_TEST(
        refused([](auto& o) { o.connect_timeout = std::chrono::milliseconds::max(); }) ==
        "redis_options::connect_timeout must be from 1 ms to 24 hours, and is 9223372036854775807 ms"
    );
    BOOST_TEST(refused([](auto& o) {
                   o.health_check_interval = 99ms;
               }) == "redis_options::health_check_interval must be from 100 ms to 24 hours, and is 99 ms");
    BOOST_TEST(refused([](auto& o) {
                   o.min_reconnect_delay = 0ms;
               }) == "redis_options::min_reconnect_delay must be from 1 ms to 24 hours, and is 0 ms");
    BOOST_TEST(
        refused([](auto& o) { o.min_reconnect_delay = 2s, o.max_reconnect_delay = 1s; }) ==
        "redis_options::max_reconnect_delay must be at least min_reconnect_delay (2000 ms), and is 1000 ms"
    );
}

BOOST_AUTO_TEST_CASE(do_not_ask_for_addresses_beside_a_socket_or_sentinels)
{
    redis_options options;
    options.addresses.clear();
    options.unix_socket = "/run/redis.sock";
    BOOST_TEST(!validate(options));
    options.unix_socket.clear();
    options.sentinel.addresses = {{"a"}};
    options.sentinel.master = "m";
    options.tls_files.ca = "/ca";
    options.sentinel.tls = true;
    BOOST_TEST(!validate(options));
}

BOOST_AUTO_TEST_SUITE_END()
