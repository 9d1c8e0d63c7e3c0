#include "command/invocation.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <csignal>
#include <string>

using namespace strandline::testing;

BOOST_FIXTURE_TEST_SUITE(following_from_the_shell, with_server)

BOOST_AUTO_TEST_CASE(what_is_there_and_what_comes_is_printed)
{
    server.command({"XADD", "orders", "1-0", "key", "k", "body", "{\"n\":1}"});
    auto pipe = make_pipe();
    auto command = start({"tail", "orders", "bills", "--from", "beginning"}, {.out = pipe.writing.get()});
    BOOST_TEST(
        read_line(pipe.reading) == "{\"stream\":\"orders\",\"id\":\"1-0\",\"type\":null,\"key\":\"k\","
                                   "\"headers\":{\"key\":\"k\"},\"body\":{\"n\":1}}"
    );
    // A stream that does not exist is waited for.
    server.command({"XADD", "bills", "2-0", "body", "x"});
    BOOST_TEST(
        read_line(pipe.reading) ==
        "{\"stream\":\"bills\",\"id\":\"2-0\",\"type\":null,\"key\":null,\"headers\":{},\"body\":\"x\"}"
    );
    command.send(SIGTERM);
    auto const end = command.end();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "");
    BOOST_TEST(server.command({"XINFO", "GROUPS", "orders"}) == "");
}

BOOST_AUTO_TEST_CASE(it_stops_after_the_count)
{
    run({"publish", "orders", "-q"}, "1\n2\n3\n4\n");
    auto const end = run({"tail", "orders", "--from", "beginning", "--count", "3"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST(json_lines(end.out).size() == 3);
}

BOOST_AUTO_TEST_CASE(it_begins_behind_an_id)
{
    server.command({"XADD", "orders", "1-0", "body", "1"});
    server.command({"XADD", "orders", "2-0", "body", "2"});
    auto const end = run({"tail", "orders", "--from", "1-0", "--count", "1"});
    BOOST_TEST(json_lines(end.out).at(0).at("id") == "2-0");
}

BOOST_AUTO_TEST_CASE(it_goes_on_where_it_was_when_the_server_comes_back)
{
    auto pipe = make_pipe();
    auto command = start({"tail", "orders", "--from", "beginning"}, {.out = pipe.writing.get()});
    server.command({"XADD", "orders", "1-0", "body", "1"});
    BOOST_TEST(!read_line(pipe.reading).empty());
    server.command({"SAVE"});
    server.kill();
    server.start();
    server.command({"XADD", "orders", "2-0", "body", "2"});
    BOOST_TEST(read_line(pipe.reading).find("\"2-0\"") != std::string::npos);
    command.send(SIGINT);
    BOOST_TEST(command.end().status == 0);
}

BOOST_AUTO_TEST_CASE(what_is_no_stream_and_what_cannot_be_printed_is_a_failure)
{
    server.command({"SET", "orders", "no stream"});
    auto const wrong = run({"tail", "orders"});
    BOOST_TEST(wrong.status == 1);
    BOOST_TEST(wrong.complains("WRONGTYPE"));

    server.command({"XADD", "bills", "1-0", "body", "1"});
    owned_descriptor const full(::open("/dev/full", O_WRONLY));
    auto const unprinted = start({"tail", "bills", "--from", "beginning"}, {.out = full.get()}).end();
    BOOST_TEST(unprinted.status == 1);
    BOOST_TEST(unprinted.complains("standard output"));
}

BOOST_AUTO_TEST_SUITE_END()
