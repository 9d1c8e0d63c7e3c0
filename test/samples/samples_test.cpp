// The samples as a newcomer runs them: their output, what they say of bad input, their exit status.

#include "support/redis_server.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fs = std::filesystem;

namespace {

std::string read(fs::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator(in), {}};
}

struct ended
{
    int status = -1;
    std::string out;
    std::string err;

    bool says(std::string_view words) const { return out.find(words) != out.npos; }

    bool complains(std::string_view words) const { return err.find(words) != err.npos; }

    std::string last_line() const
    {
        auto const end = out.find_last_not_of('\n') + 1;
        auto const begin = out.rfind('\n', end - 1) + 1; // 0 when there is none
        return out.substr(begin, end - begin);
    }
};

struct samples
{
    samples()
    {
        auto pattern = (fs::temp_directory_path() / "strandline-samples-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("no temporary folder");
        folder = pattern;
    }

    ~samples()
    {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    fs::path file(std::string_view text)
    {
        auto const path = folder / "input";
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

    /// Runs a shell's command line in the folder; its words need no quoting here.
    ended run(std::string const& command) const
    {
        auto const line = "cd " + folder.string() + " && { " + command + "; } >out 2>err";
        auto const status = std::system(line.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(folder / "out"), read(folder / "err")};
    }

    ended hello(std::string const& url) const { return run(HELLO " " + url); }

    ended publishing(std::string const& url) const { return run(PUBLISHING " " + url); }

    ended quickstart(std::string const& url) const { return run(QUICKSTART " --url " + url); }

    /// Three orders are posted, of which one is none and one cannot be paid; then it is told to end.
    ended service(std::string const& url) const
    {
        std::ofstream(folder / "client") << R"(
coproc service { exec )" SERVICE R"( --port 0 --url )"
                                         << url << R"(; }
# Kept, because the shell closes its own when the service ends.
exec 4<&${service[0]}
pid=$service_PID
read -r listening <&4
ask() { # METHOD TARGET BODY
    exec 3<>/dev/tcp/127.0.0.1/${listening##*:}
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' "$1" "$2" ${#3} "$3" >&3
    cat <&3 | tr -d '\r'
}
ask POST /orders '{"id": "1", "total": 9.5}' | head -1
ask POST /orders '{"id": "2"}' | head -1
ask POST /orders '{"id": "3", "total": 0}' | head -1
ask GET / '' | head -1
until ask GET /orders '' | grep -q '^1 charged, 1 refused'; do :; done
kill -TERM $pid
cat <&4
wait $pid
)";
        return run("bash client");
    }

    ended ingest(std::string const& arguments) const { return run(INGEST " " + arguments); }

    fs::path folder;
};

struct with_server : samples
{
    strandline::testing::redis_server server{{.tcp = true, .arguments = {}}};
    std::string url = "unix:" + server.socket();
};

void check_publishing(ended const& end)
{
    BOOST_TEST(end.status == 0);
    BOOST_TEST(
        end.out == "published twice, stored once\n"
                   "stored 4 events in one step\n"
                   "2 events wait\n"
                   "cancelled one\n"
                   "mail: thank you\n"
                   "mail: it is on its way\n"
                   "it came in time\n"
    );
}

void check_quickstart(ended const& end)
{
    BOOST_TEST_CONTEXT(end.out << end.err)
    {
        BOOST_TEST(end.status == 0);
        BOOST_TEST(end.says("published      21 events"));
        BOOST_TEST(end.says("handled        17 of them, up to 8 at the same time"));
        BOOST_TEST(end.says("retried         6 times"));
        BOOST_TEST(end.says("dead letters    4\n"));
        BOOST_TEST(
            end.says("{\"number\":5,\"customer\":\"Alice\",\"cents\":0}\n    rejected after attempt 1: there "
                     "is nothing to pay\n")
        );
        BOOST_TEST(end.says("not an order\n    undecodable after attempt 1: "));
        BOOST_TEST(end.says("exhausted after attempt 3: the card was declined\n"));
        BOOST_TEST(end.says("elapsed"));
        BOOST_TEST(end.err == "");
    }
}

void check_ingest(ended const& end, int status, std::string_view last_line)
{
    BOOST_TEST_CONTEXT(end.out << end.err)
    {
        BOOST_TEST(end.status == status);
        BOOST_TEST(end.last_line() == last_line);
    }
}

constexpr auto visits = R"({"client":"a","bytes":1}
{"client":"b","bytes":2}
{"client":"a","bytes":3}
)";

} // namespace

BOOST_FIXTURE_TEST_SUITE(samples_in_memory, samples)

BOOST_AUTO_TEST_CASE(hello_handles_its_event)
{
    auto const end = hello("memory:");
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.out == "order 42: 9.5\n");
}

BOOST_AUTO_TEST_CASE(publishing_shows_all_ways)
{
    check_publishing(publishing("memory:"));
}

BOOST_AUTO_TEST_CASE(quickstart_reports)
{
    check_quickstart(quickstart("memory:"));
    check_quickstart(run(QUICKSTART));
}

BOOST_AUTO_TEST_CASE(quickstart_tells_what_is_wrong)
{
    auto const end = quickstart("redis://localhost:many");
    BOOST_TEST(end.status == 1);
    BOOST_TEST(end.complains("at character 19"));
    BOOST_TEST(run(QUICKSTART " --nonsense").status == 2);
}

BOOST_AUTO_TEST_CASE(ingest_counts_keys)
{
    file(visits);
    auto const end = ingest("--key client input");
    check_ingest(end, 0, "published 3 handled 3 keys 2 skipped 0");
    BOOST_TEST(end.says("         2  a\n         1  b\n"));
    check_ingest(ingest("--key client < input"), 0, "published 3 handled 3 keys 2 skipped 0");
    check_ingest(run("cat input | " INGEST " --key client -"), 0, "published 3 handled 3 keys 2 skipped 0");
    check_ingest(ingest("input"), 0, "published 3 handled 3 keys 0 skipped 0");
    check_ingest(ingest("--repeat 100 --key client input"), 0, "published 300 handled 300 keys 2 skipped 0");
}

BOOST_AUTO_TEST_CASE(service_takes_orders_by_http_and_ends_with_a_signal)
{
    auto const end = service("memory:");
    BOOST_TEST(end.status == 0);
    BOOST_TEST(
        end.out == "HTTP/1.1 202 Accepted\n"
                   "HTTP/1.1 400 Bad Request\n"
                   "HTTP/1.1 202 Accepted\n"
                   "HTTP/1.1 404 Not Found\n"
                   "charged 1, dead letters 1, handed back 0\n"
    );
}

BOOST_AUTO_TEST_CASE(keys_are_text_or_numbers)
{
    file("{\"k\":\"1\"}\n{\"k\":1}\n{\"k\":1.5}\n{\"k\":18446744073709551615}\n{\"k\":\"\"}\n"
         "{\"k\":true}\n{\"k\":{}}\n{\"other\":1}\n[]\n");
    auto const end = ingest("--key k input");
    check_ingest(end, 0, "published 9 handled 9 keys 4 skipped 0");
    BOOST_TEST(end.says("         2  1\n"));
    BOOST_TEST(end.says("         1  1.5\n"));
    BOOST_TEST(end.says("         1  18446744073709551615\n"));
    BOOST_TEST(end.says("         4  without a key\n"));
}

BOOST_AUTO_TEST_CASE(ends_of_lines_do_not_matter)
{
    file("\xEF\xBB\xBF{\"k\":1}\r\n\r\n\n  \n{\"k\":2}");
    check_ingest(ingest("--key k input"), 0, "published 2 handled 2 keys 2 skipped 0");
    file("");
    check_ingest(ingest("input"), 0, "published 0 handled 0 keys 0 skipped 0");
}

BOOST_AUTO_TEST_CASE(malformed_lines_are_skipped_and_reported)
{
    file("{\"k\":1}\n{\"k\":\n\n{\"k\":\"\xFF\"}\nnothing\n{\"k\":2}\n{\"k\"");
    auto const end = ingest("--key k input");
    check_ingest(end, 1, "published 2 handled 2 keys 2 skipped 4");
    BOOST_TEST_CONTEXT(end.err)
    {
        BOOST_TEST(end.complains("ingest: input:2: skipped: "));
        BOOST_TEST(end.complains("ingest: input:4: skipped: "));
        BOOST_TEST(end.complains("ingest: input:5: skipped: "));
        BOOST_TEST(end.complains("ingest: input:7: skipped: "));
    }
    // Each pass counts, the first one reports.
    auto const twice = ingest("--repeat 2 input");
    check_ingest(twice, 1, "published 4 handled 4 keys 0 skipped 8");
    BOOST_TEST(twice.err == end.err);
    BOOST_TEST(ingest("< input").complains("ingest: standard input:2: skipped: "));
}

BOOST_AUTO_TEST_CASE(a_line_may_be_long)
{
    file("{\"k\":1,\"text\":\"" + std::string(1 << 20, 'x') + "\"}\n{\"k\":2}\n");
    check_ingest(ingest("--key k input"), 0, "published 2 handled 2 keys 2 skipped 0");
}

BOOST_AUTO_TEST_CASE(ingest_tells_what_is_wrong)
{
    file(visits);
    auto const fails = [&](std::string const& arguments, std::string_view words) {
        auto const end = ingest(arguments);
        BOOST_TEST_CONTEXT(arguments << ": " << end.err)
        {
            BOOST_TEST(end.status == 2);
            BOOST_TEST(end.complains(words));
        }
    };
    fails("missing", "missing: No such file or directory");
    fails(".", ".: Is a directory");
    fails("<&-", "standard input: Bad file descriptor");
    fails("--repeat 0 input", "--repeat must be a number from 1 to ");
    fails("--repeat many input", "and is 'many'");
    fails("--repeat", "--repeat needs a value");
    fails("--repeat 2 < input", "--repeat needs a file");
    fails("--nonsense input", "there is no option '--nonsense'");
    fails("input input", "one file, not 2");
    fails(
        "--url http://localhost input",
        "expected redis:, rediss:, redis+sentinel:, rediss+sentinel: or unix:, at character 1"
    );
    fails("--stream '}' input", "has a } but no {tag}");
    BOOST_TEST(ingest("--help").status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(samples_on_redis, with_server)

BOOST_AUTO_TEST_CASE(hello_handles_its_event_again)
{
    for (int i = 0; i != 2; ++i) {
        auto const end = hello(url);
        BOOST_TEST(end.status == 0);
        BOOST_TEST(end.out == "order 42: 9.5\n");
    }
}

BOOST_AUTO_TEST_CASE(publishing_shows_all_ways_again)
{
    check_publishing(publishing(url));
}

BOOST_AUTO_TEST_CASE(quickstart_reports_again)
{
    check_quickstart(quickstart(url));
    check_quickstart(quickstart("redis://127.0.0.1:" + std::to_string(server.port())));
}

BOOST_AUTO_TEST_CASE(service_charges_again)
{
    auto const end = service(url);
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.last_line() == "charged 1, dead letters 1, handed back 0");
    BOOST_TEST(server.command({"XLEN", "{orders}:dead"}) == "1");
}

BOOST_AUTO_TEST_CASE(ingest_counts_its_own_events)
{
    file(visits);
    check_ingest(ingest("--url " + url + " --key client input"), 0, "published 3 handled 3 keys 2 skipped 0");

    for (auto const* body : {"{}", "{\"client\":\"older\"}"})
        server.command({"XADD", "visits", "*", "body", body});
    auto const shared = "--url " + url + " --stream visits --key client input";
    check_ingest(ingest(shared), 0, "published 3 handled 3 keys 2 skipped 0");
    check_ingest(ingest(shared + " --repeat 500"), 0, "published 1500 handled 1500 keys 2 skipped 0");
    BOOST_TEST(server.command({"XLEN", "visits"}) == "1505");
}

BOOST_AUTO_TEST_CASE(runs_on_one_stream_do_not_mix)
{
    file(visits);
    auto const one = INGEST " --url " + url + " --stream visits --repeat 500 --key client input";
    auto const both = run("(" + one + ") >other & " + one + "; s=$?; wait $! && exit $s");
    check_ingest(both, 0, "published 1500 handled 1500 keys 2 skipped 0");
    BOOST_TEST(read(folder / "other").ends_with("published 1500 handled 1500 keys 2 skipped 0\n"));
}

BOOST_AUTO_TEST_CASE(a_key_of_another_type_is_an_error)
{
    file(visits);
    server.command({"SET", "text", "x"});
    auto const end = ingest("--url " + url + " --stream text input");
    BOOST_TEST(end.status == 2);
    BOOST_TEST(end.complains("WRONGTYPE"));
}

BOOST_AUTO_TEST_SUITE_END()
