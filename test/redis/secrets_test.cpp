// Passwords and keys, which no error shows.

#include "redis/trouble.hpp"
#include "support/certificates.hpp"

#include <sstream>

using namespace strandline;
using namespace strandline::testing;

namespace {

constexpr std::string_view password = "swordfish";
constexpr std::string_view sentinel_password = "mackerel";

redis_options to(redis_address where)
{
    redis_options options;
    options.addresses = {std::move(where)};
    options.user = "clerk";
    options.password = password;
    options.connect_timeout = 100ms;
    options.min_reconnect_delay = 5ms;
    options.max_reconnect_delay = 50ms;
    return options;
}

redis_options by(redis_address sentinel)
{
    auto options = to({});
    options.sentinel.addresses = {std::move(sentinel)};
    options.sentinel.master = "main";
    options.sentinel.password = sentinel_password;
    return options;
}

redis_address at(redis_server const& server)
{
    return {"127.0.0.1", server.port()};
}

void check_silent(failure const& why)
{
    BOOST_TEST_CONTEXT(why.message())
    {
        BOOST_TEST(bool(why));
        for (auto const secret : {password, sentinel_password})
            BOOST_TEST(why.message().find(secret) == std::string::npos);
        // What a program logs of it.
        std::ostringstream logged;
        logged << why << error(why).what();
        for (auto const secret : {password, sentinel_password})
            BOOST_TEST(logged.str().find(secret) == std::string::npos);
    }
}

/// Publishing and consuming fail, and say nothing.
void check_failing(redis_options const& options, errc code)
{
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        producer to(of.broker, {.timeout = 500ms});
        auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
        BOOST_TEST((std::get<0>(end) == code), std::get<0>(end));
        check_silent(std::get<0>(end));
        check_silent(co_await of.broker->ensure_group("orders", "g", start_position::beginning()));
        auto const told = std::make_shared<troubles>(of.strand());
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [](delivery const&) -> asio::awaitable<void> { co_return; });
        auto run = of.start(billing);
        co_await told->reach(1);
        billing->stop();
        co_await run.get();
        for (auto const& why : told->all())
            check_silent(why);
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(secrets)

BOOST_AUTO_TEST_CASE(are_not_shown_when_there_is_no_server)
{
    redis_address const closed{"127.0.0.1", redis_server::free_port()};
    check_failing(to(closed), errc::unreachable);
    check_failing(by(closed), errc::unreachable);
    auto options = to({});
    options.unix_socket = "/nowhere/redis.sock";
    check_failing(options, errc::unreachable);
}

BOOST_AUTO_TEST_CASE(are_not_shown_when_they_are_refused)
{
    redis_server const server({.tcp = true});
    check_failing(to(at(server)), errc::refused);
    check_failing(by(at(server)), errc::refused);
    server.command({"ACL", "SETUSER", "clerk", "on", ">swordfish"});
    auto options = to(at(server));
    options.database = 99;
    check_failing(options, errc::refused);
    options.database = 0;
    check_failing(options, errc::not_permitted);
}

BOOST_AUTO_TEST_CASE(are_not_shown_by_a_server_that_repeats_what_it_does_not_know)
{
    redis_server const server({.tcp = true, .arguments = {"--rename-command", "HELLO", "NOHELLO"}});
    BOOST_TEST(server.command({"HELLO", "3", "AUTH", "clerk", password}).find(password) != std::string::npos);
    check_failing(to(at(server)), errc::refused);
}

BOOST_AUTO_TEST_CASE(are_not_shown_where_tls_fails)
{
    temporary_folder const folder;
    authority const ours(folder, "ours");
    auto const papers = ours.issue("server", "IP:127.0.0.1");
    redis_server const server({.tcp = true, .tls = redis_server::tls_files{papers.certificate, papers.key}});
    check_failing(to(at(server)), errc::unreachable);
    auto options = to(at(server));
    options.tls = true;
    check_failing(options, errc::refused);
    options.tls_files.ca = ours.file();
    check_failing(options, errc::refused);
    options.tls_files.certificate = papers.certificate;
    options.tls_files.key = folder.write("bad.key", std::string(password));
    asio::io_context context(1);
    failure why;
    BOOST_TEST(!make_redis_broker(context.get_executor(), options, why));
    check_silent(why);
}

BOOST_AUTO_TEST_CASE(are_not_shown_when_options_contradict)
{
    auto options = by({"h"});
    options.unix_socket = "/s";
    check_silent(validate(options));
    options = by({"h"});
    options.sentinel.master.clear();
    check_silent(validate(options));
    options = to({"h"});
    options.sentinel.password = sentinel_password;
    check_silent(validate(options));
}

BOOST_AUTO_TEST_SUITE_END()
