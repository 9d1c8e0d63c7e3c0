#include "support/redis_proxy.hpp"
#include "support/redis_server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using strandline::testing::redis_proxy;
using strandline::testing::redis_server;

namespace {

constexpr std::string_view ping = "*1\r\n$4\r\nPING\r\n";

struct with_proxy
{
    /// A connection on which commands and replies are bytes.
    struct line
    {
        explicit line(with_proxy& of) : socket(of.context)
        {
            socket.connect({asio::ip::address_v4::loopback(), of.proxy.port()});
        }

        void send(std::string_view bytes) { asio::write(socket, asio::buffer(bytes)); }

        /// So many bytes, or those up to the end of the connection.
        std::string read(std::size_t count)
        {
            std::string bytes(count, '\0');
            boost::system::error_code ignored;
            bytes.resize(asio::read(socket, asio::buffer(bytes), ignored));
            return bytes;
        }

        asio::ip::tcp::socket socket;
    };

    redis_server server;
    redis_proxy proxy{server.socket()};
    asio::io_context context;
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_proxy_of_tests, with_proxy)

BOOST_AUTO_TEST_CASE(passes_on_and_counts_commands_in_whatever_pieces_they_come)
{
    line one(*this);
    std::string commands;
    for (int i = 0; i != 50; ++i)
        commands.append(ping).append("*2\r\n$4\r\nECHO\r\n$5\r\n*1\r\n$\r\n");
    for (auto const byte : commands)
        one.send({&byte, 1});
    auto const replies = one.read(50 * (7 + 11));
    BOOST_TEST(replies.starts_with("+PONG\r\n$5\r\n*1\r\n$\r\n+PONG\r\n"));
    BOOST_TEST(replies.size() == 50 * (7 + 11));
    BOOST_TEST(proxy.busiest_second(begin) == 100);
    BOOST_TEST(proxy.commands(begin) == "ECHO 50, PING 50, ");
    BOOST_TEST(proxy.busiest_second(std::chrono::steady_clock::now()) == 0);
    BOOST_TEST(proxy.connections() == 1);
}

BOOST_AUTO_TEST_CASE(delays_both_ways_and_loses_nothing_at_the_end)
{
    constexpr std::chrono::milliseconds each_way{20};
    proxy.delay_new(each_way);
    line one(*this);
    one.send(ping);
    one.send(ping);
    BOOST_TEST(one.read(14) == "+PONG\r\n+PONG\r\n");
    BOOST_TEST((std::chrono::steady_clock::now() - begin >= 2 * each_way));
    one.send("*1\r\n$4\r\nQUIT\r\n");
    one.socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    BOOST_TEST(one.read(100) == "+OK\r\n");
}

BOOST_AUTO_TEST_CASE(cuts_a_reply_in_two)
{
    line one(*this);
    line other(*this);
    proxy.cut_after(10);
    one.send(ping);
    BOOST_TEST(one.read(7) == "+PONG\r\n");
    BOOST_TEST(proxy.is_to_cut());
    one.send(ping);
    BOOST_TEST(one.read(100) == "+PO");
    BOOST_TEST(other.read(100) == "");
    BOOST_TEST(!proxy.is_to_cut());
    line again(*this);
    again.send(ping);
    BOOST_TEST(again.read(7) == "+PONG\r\n");
    proxy.cut();
    BOOST_TEST(again.read(100) == "");
}

BOOST_AUTO_TEST_CASE(holds_connections_back)
{
    line one(*this);
    one.send(ping);
    BOOST_TEST(one.read(7) == "+PONG\r\n");
    proxy.hold_present();
    one.send("*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    line other(*this);
    other.send("*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
    BOOST_TEST(other.read(5) == "$-1\r\n");
    proxy.hold_all();
    one.socket.close();
    line late(*this);
    late.send("*2\r\n$4\r\nINCR\r\n$1\r\na\r\n");
    proxy.let_go();
    late.read(4);
    // Also what came from the connection that is no more.
    while (server.command({"GET", "a"}) != "2")
        ;
}

BOOST_AUTO_TEST_SUITE_END()
