#include "support/redis_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace asio = boost::asio;
using strandline::testing::redis_server;

BOOST_AUTO_TEST_SUITE(redis_server_of_tests)

BOOST_AUTO_TEST_CASE(answers)
{
    redis_server const server;
    BOOST_TEST(server.command({"PING"}) == "PONG");
    BOOST_TEST(server.command({"SET", "a", "x\r\ny"}) == "OK");
    BOOST_TEST(server.command({"GET", "a"}) == "x\r\ny");
    BOOST_TEST(server.command({"GET", "b"}) == "");
    BOOST_TEST(server.command({"DEL", "a", "b"}) == "1");
    BOOST_TEST(server.command({"MGET", "a", "b"}) == "\n");
    BOOST_TEST(server.command({"NONSENSE"}).starts_with("-ERR unknown command"));
    BOOST_TEST(server.port() == 0);
}

BOOST_AUTO_TEST_CASE(leaves_nothing_behind)
{
    std::string socket;
    {
        redis_server const server;
        socket = server.socket();
        BOOST_TEST(std::filesystem::exists(socket));
    }
    BOOST_TEST(!std::filesystem::exists(std::filesystem::path(socket).parent_path()));
}

BOOST_AUTO_TEST_CASE(ends_and_starts_again)
{
    redis_server server({.tcp = true, .arguments = {"--appendonly", "yes"}});
    auto const port = server.port();
    BOOST_TEST(server.command({"SET", "a", "x"}) == "OK");
    server.stop();
    BOOST_CHECK_THROW(server.command({"PING"}), std::exception);
    server.start();
    BOOST_TEST(server.command({"GET", "a"}) == "x");
    server.kill();
    server.start();
    server.suspend();
    server.resume();
    BOOST_TEST(server.port() == port);
    asio::io_context context;
    asio::ip::tcp::socket connection(context);
    connection.connect({asio::ip::address_v4::loopback(), port});
    BOOST_CHECK_THROW(server.start(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(says_why_it_does_not_start)
{
    auto const says = [](std::string const& words) {
        return [words](std::runtime_error const& thrown) {
            BOOST_TEST_INFO(thrown.what());
            return std::string(thrown.what()).find(words) != std::string::npos;
        };
    };
    BOOST_CHECK_EXCEPTION(
        redis_server({.arguments = {"--nonsense", "1"}}), std::runtime_error, says("nonsense")
    );

    std::string const path = std::getenv("PATH");
    ::setenv("PATH", "/nowhere::/neither", 1);
    BOOST_CHECK_EXCEPTION(redis_server(), std::runtime_error, says("not found on PATH"));
    ::setenv("PATH", path.c_str(), 1);
}

BOOST_AUTO_TEST_SUITE_END()
