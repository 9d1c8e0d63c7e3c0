#include "command/invocation.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <csignal>
#include <string>
#include <vector>

using namespace strandline::testing;
namespace json = boost::json;

BOOST_FIXTURE_TEST_SUITE(publishing_from_the_shell, with_server)

BOOST_AUTO_TEST_CASE(a_body_becomes_an_event_and_its_id_is_printed)
{
    auto const end =
        run({"publish", "orders", "hello", "--type", "greeting", "--key", "k", "--header", "a=b=c"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.err == "");
    BOOST_TEST(
        server.command({"XRANGE", "orders", "-", "+"}) ==
        end.out + "body\nhello\ntype\ngreeting\nkey\nk\na\nb=c"
    );
}

BOOST_AUTO_TEST_CASE(it_is_the_same_through_a_socket)
{
    url = "unix:" + server.socket();
    auto const end = run({"publish", "orders", "hello", "--json"});
    BOOST_TEST(end.status == 0);
    auto const printed = json_lines(end.out).at(0);
    BOOST_TEST(printed.at("stream").as_string() == "orders");
    BOOST_TEST(
        server.command({"XRANGE", "orders", "-", "+"}) ==
        std::string(printed.at("id").as_string()) + "\nbody\nhello"
    );
}

BOOST_AUTO_TEST_CASE(the_url_may_stand_anywhere)
{
    for (auto const& arguments : std::vector<std::vector<std::string>>{
             {"--url", url, "publish", "orders", "x"}, {"publish", "--url", url, "orders", "x"}
         })
        BOOST_TEST(run_alone(arguments).status == 0);
    BOOST_TEST(number({"XLEN", "orders"}) == 2);
}

BOOST_AUTO_TEST_CASE(lines_are_events_in_their_order)
{
    auto const end =
        run({"publish", "orders"}, "\xEF\xBB\xBF"
                                   "a\r\n\nb c\n[1,2]\nlast");
    BOOST_TEST(end.status == 0);
    auto const ids = lines_of(end.out);
    BOOST_REQUIRE(ids.size() == 4);
    BOOST_TEST(
        server.command({"XRANGE", "orders", "-", "+"}) == ids[0] + "\nbody\na\n" + ids[1] + "\nbody\nb c\n" +
                                                              ids[2] + "\nbody\n[1,2]\n" + ids[3] +
                                                              "\nbody\nlast"
    );
}

BOOST_AUTO_TEST_CASE(batches_are_no_different)
{
    std::string input;
    for (int i = 0; i != 2'500; ++i)
        input += std::to_string(i) + '\n';
    auto const end = run({"publish", "orders", "--batch", "1000"}, input);
    BOOST_TEST(end.status == 0);
    BOOST_TEST(lines_of(end.out).size() == 2'500);
    BOOST_TEST(number({"XLEN", "orders"}) == 2'500);
    auto const last = lines_of(end.out).back();
    BOOST_TEST(server.command({"XREVRANGE", "orders", "+", "-", "COUNT", "1"}) == last + "\nbody\n2499");
}

BOOST_AUTO_TEST_CASE(who_types_sees_the_id_before_the_next_line)
{
    auto typed = make_pipe();
    auto shown = make_pipe();
    auto command = start({"publish", "orders"}, {.in = typed.reading.get(), .out = shown.writing.get()});
    shown.writing.close();
    for (std::string const line : {"one\n", "two\n"}) {
        write_all(typed.writing, line);
        BOOST_TEST(!read_line(shown.reading).empty());
    }
    typed.writing.close();
    BOOST_TEST(command.end().status == 0);
}

BOOST_AUTO_TEST_CASE(who_shares_its_descriptors_sees_no_difference)
{
    auto typed = make_pipe();
    auto shown = make_pipe();
    auto const is_blocking = [](owned_descriptor const& one) {
        return (::fcntl(one.get(), F_GETFL) & O_NONBLOCK) == 0;
    };
    auto command = start({"publish", "orders"}, {.in = typed.reading.get(), .out = shown.writing.get()});
    write_all(typed.writing, "one\n");
    BOOST_TEST(!read_line(shown.reading).empty());
    BOOST_TEST(is_blocking(typed.reading));
    BOOST_TEST(is_blocking(shown.writing));
    typed.writing.close();
    BOOST_TEST(command.end().status == 0);
}

BOOST_AUTO_TEST_CASE(quiet_prints_nothing)
{
    auto const end = run({"publish", "orders", "-q"}, "a\nb\n");
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.out == "");
    BOOST_TEST(run({"publish", "orders", "c", "-q"}).out == "");
    BOOST_TEST(number({"XLEN", "orders"}) == 3);
}

BOOST_AUTO_TEST_CASE(keys_are_members_of_the_bodies)
{
    auto const end = run({"publish", "orders", "--key-from", "k"}, "{\"k\":\"x\"}\n{\"k\":7}\n");
    BOOST_TEST(end.status == 0);
    auto const ids = lines_of(end.out);
    BOOST_TEST(
        server.command({"XRANGE", "orders", "-", "+"}) ==
        ids[0] + "\nbody\n{\"k\":\"x\"}\nkey\nx\n" + ids[1] + "\nbody\n{\"k\":7}\nkey\n7"
    );
    BOOST_TEST(run({"publish", "orders", "{\"k\":\"x\"}", "--key-from", "k"}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_line_without_the_key_ends_it)
{
    struct
    {
        std::string line;
        std::string_view words;
    } const cases[]{
        {"{\"other\":1}", "line 3: no member \"k\""},
        {"[]", "line 3: not a JSON object"},
        {"{", "line 3: not JSON"},
        {"{\"k\":null}", "line 3: the member \"k\" is neither text nor an integer"},
    };
    for (std::string const batch : {"1", "1000"})
        for (auto const& [line, words] : cases) {
            server.command({"DEL", "orders"});
            auto const end =
                run({"publish", "orders", "--key-from", "k", "--batch", batch},
                    "{\"k\":1}\n{\"k\":2}\n" + line + "\n{\"k\":3}\n");
            BOOST_TEST_CONTEXT(end.err)
            {
                BOOST_TEST(end.status == 1);
                BOOST_TEST(end.complains(words));
                BOOST_TEST(end.complains("2 events published"));
                BOOST_TEST(lines_of(end.out).size() == 2);
                BOOST_TEST(number({"XLEN", "orders"}) == 2);
            }
        }
    BOOST_TEST(run({"publish", "orders", "{}", "--key-from", "k"}).complains("the body: no member \"k\""));
}

BOOST_AUTO_TEST_CASE(the_same_input_is_stored_once)
{
    auto const first = run({"publish", "orders", "--id", "import"}, "a\nb\n");
    auto const again = run({"publish", "orders", "--id", "import", "--batch", "10"}, "a\nb\nc\n");
    BOOST_TEST(first.status == 0);
    BOOST_TEST(again.status == 0);
    BOOST_TEST(again.out.starts_with(first.out));
    BOOST_TEST(number({"XLEN", "orders"}) == 3);
    BOOST_TEST(
        run({"publish", "orders", "x", "--id", "one"}).out ==
        run({"publish", "orders", "x", "--id", "one"}).out
    );
}

BOOST_AUTO_TEST_CASE(what_the_server_refuses_is_a_failure_and_says_why)
{
    server.command({"SET", "orders", "no stream"});
    auto const one = run({"publish", "orders", "x"});
    BOOST_TEST(one.status == 1);
    BOOST_TEST(one.complains("WRONGTYPE"));
    for (std::string const batch : {"1", "10"}) {
        auto const lines = run({"publish", "orders", "--batch", batch}, "a\nb\n");
        BOOST_TEST(lines.status == 1);
        BOOST_TEST(lines.complains("WRONGTYPE"));
        BOOST_TEST(lines.complains("line 1; 0 events published"));
        BOOST_TEST(lines.out == "");
    }
}

BOOST_AUTO_TEST_CASE(it_ends_with_a_refusal_also_when_no_more_lines_come)
{
    server.command({"SET", "orders", "no stream"});
    auto typed = make_pipe();
    auto command = start({"publish", "orders"}, {.in = typed.reading.get()});
    write_all(typed.writing, "a\n");
    BOOST_TEST(command.end().status == 1);
}

BOOST_AUTO_TEST_CASE(ids_that_cannot_be_printed_are_a_failure)
{
    owned_descriptor const full(::open("/dev/full", O_WRONLY));
    auto const one = start({"publish", "orders", "x"}, {.out = full.get()}).end();
    BOOST_TEST(one.status == 1);
    BOOST_TEST(one.complains("standard output"));
    auto const in = file_of("a\nb\n");
    BOOST_TEST(start({"publish", "orders"}, {.in = in.get(), .out = full.get()}).end().status == 1);

    auto pipe = make_pipe();
    pipe.reading.close();
    auto const unread = start({"publish", "orders", "x"}, {.out = pipe.writing.get()}).end();
    BOOST_TEST(unread.status == 1);
}

BOOST_AUTO_TEST_CASE(closed_descriptors_are_no_others)
{
    auto const closed = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"/bin/sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", COMMAND});
        return process(std::move(arguments), {.environment = {"STRANDLINE_URL=" + url}}).wait();
    };
    BOOST_TEST(closed({"publish", "orders", "x", "--quiet"}) == 0);
    BOOST_TEST(closed({"publish", "orders", "x"}) == 1);
    BOOST_TEST(closed({"publish", "orders"}) == 1);
    BOOST_TEST(closed({"completion", "bash"}) == 1);
    BOOST_TEST(number({"XLEN", "orders"}) == 2);
}

BOOST_AUTO_TEST_CASE(delayed_events_are_listed_and_cancelled)
{
    auto const later = run({"publish", "orders", "later", "--at", "2100-01-01T00:00:00.5Z", "--key", "k"});
    auto const soon = run({"publish", "orders", "{\"n\":1}", "--after", "10h", "--json"});
    BOOST_TEST(later.out == "4102444800500-1\n");
    BOOST_TEST(soon.status == 0);
    BOOST_TEST(number({"EXISTS", "orders"}) == 0);

    auto const listed = json_lines(run({"delayed", "ls", "orders", "--json"}).out);
    BOOST_REQUIRE(listed.size() == 2);
    BOOST_TEST(listed[0].at("body").at("n") == 1);
    BOOST_TEST(listed[0].at("id") == json_lines(soon.out)[0].at("id"));
    BOOST_TEST(
        json::serialize(listed[1]) == "{\"id\":\"4102444800500-1\",\"due\":\"2100-01-01T00:00:00.500Z\","
                                      "\"stream\":\"orders\",\"type\":null,"
                                      "\"key\":\"k\",\"headers\":{\"key\":\"k\"},\"body\":\"later\"}"
    );
    auto const after =
        run({"delayed", "ls", "orders", "--after", std::string(listed[0].at("id").as_string())});
    BOOST_TEST(
        after.out == "ID               DUE                       TYPE  KEY  BODY\n"
                     "4102444800500-1  2100-01-01T00:00:00.500Z  -     k    later\n"
    );
    BOOST_TEST(json_lines(run({"delayed", "ls", "orders", "--json", "--count", "1"}).out).size() == 1);

    auto const unsure = run({"delayed", "cancel", "orders", "4102444800500-1"});
    BOOST_TEST(unsure.status == 2);
    BOOST_TEST(unsure.complains("--yes"));
    auto const cancelled = run({"delayed", "cancel", "orders", "4102444800500-1", "--yes"});
    BOOST_TEST(cancelled.status == 0);
    BOOST_TEST(cancelled.out == "4102444800500-1 cancelled\n");
    auto const gone = run({"delayed", "cancel", "orders", "4102444800500-1", "--yes", "--json"});
    BOOST_TEST(gone.status == 1);
    BOOST_TEST(gone.out == "{\"stream\":\"orders\",\"id\":\"4102444800500-1\",\"cancelled\":false}\n");
    BOOST_TEST(run({"delayed", "cancel", "orders", "nonsense", "--yes"}).status == 2);
    BOOST_TEST(run({"delayed", "ls", "nothing"}).status == 0);
}

BOOST_AUTO_TEST_CASE(streams_are_trimmed)
{
    run({"publish", "orders", "-q"}, "a\nb\nc\n");
    BOOST_TEST(run({"trim", "orders", "--count", "1"}).status == 2);
    BOOST_TEST(run({"trim", "orders", "--age", "0s", "--yes"}).status == 2);
    BOOST_TEST(number({"XLEN", "orders"}) == 3);
    auto const end = run({"trim", "orders", "--count", "2", "--yes"});
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.out == "1\n");
    BOOST_TEST(number({"XLEN", "orders"}) == 2);
    BOOST_TEST(
        run({"trim", "orders", "--count", "2", "--age", "1h", "--yes", "--json"}).out ==
        "{\"stream\":\"orders\",\"removed\":0}\n"
    );
}

BOOST_AUTO_TEST_SUITE_END()
