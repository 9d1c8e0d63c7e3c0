// Producers and consumers that are nothing but the command: every event is handled, and without a fault
// none is handled twice.

#include "command/invocation.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <deque>
#include <set>
#include <string>
#include <vector>

using namespace strandline::testing;

namespace {

constexpr int all = 100'000;

struct crowd : with_server
{
    crowd() { server.command({"XGROUP", "CREATE", "orders", "g", "0", "MKSTREAM"}); }

    /// Each publishes its part of the numbers from 0.
    void start_producers(int count)
    {
        for (int i = 0; i != count; ++i) {
            std::string input;
            for (int n = i; n < all; n += count)
                input += std::to_string(n) + '\n';
            inputs.push_back(file_of(input));
            producers.push_back(start({"publish", "orders", "-q"}, {.in = inputs.back().get()}));
        }
    }

    void start_consumers(int count, std::vector<std::string> options = {})
    {
        options.insert(options.begin(), {"consume", "orders", "--group", "g"});
        for (int i = 0; i != count; ++i)
            consumers.push_back(start(options));
    }

    void wait_for_producers()
    {
        for (auto& one : producers)
            BOOST_TEST(one.end().status == 0);
    }

    bool is_done() const
    {
        return server.command(
                   {"EVAL",
                    "local g = redis.call('XINFO', 'GROUPS', 'orders')[1] "
                    "return g[6] == 0 and g[12] == 0 and redis.call('XLEN', 'orders') == tonumber(ARGV[1])",
                    "0", std::to_string(all)}
               ) == "1";
    }

    /// What they have printed, after a signal.
    std::vector<std::string> end_consumers()
    {
        std::vector<std::string> bodies;
        for (auto const& one : consumers)
            one.send(SIGTERM);
        for (auto& one : consumers) {
            auto const end = one.end();
            BOOST_TEST_CONTEXT(end.err)
            {
                BOOST_TEST(end.status == 0);
            }
            add_bodies(end.out, bodies);
        }
        return bodies;
    }

    static void add_bodies(std::string const& output, std::vector<std::string>& to)
    {
        for (auto const& line : json_lines(output))
            to.push_back(std::to_string(line.at("body").to_number<int>()));
    }

    void check(int publishing, int consuming)
    {
        start_consumers(consuming);
        start_producers(publishing);
        wait_for_producers();
        until("all is handled", [&] { return is_done(); });
        auto const bodies = end_consumers();
        BOOST_TEST(bodies.size() == all);
        BOOST_TEST(std::set<std::string>(bodies.begin(), bodies.end()).size() == all);
    }

    std::deque<owned_descriptor> inputs;
    std::deque<invocation> producers;
    std::deque<invocation> consumers;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_command_alone, crowd)

BOOST_AUTO_TEST_CASE(one_producer_and_one_consumer)
{
    check(1, 1);
}

BOOST_AUTO_TEST_CASE(one_producer_and_several_consumers)
{
    check(1, 4);
}

BOOST_AUTO_TEST_CASE(several_producers_and_one_consumer)
{
    check(4, 1);
}

BOOST_AUTO_TEST_CASE(several_producers_and_consumers)
{
    check(4, 4);
}

BOOST_AUTO_TEST_CASE(it_is_the_same_through_a_socket)
{
    url = "unix:" + server.socket();
    check(2, 2);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_is_killed_loses_nothing)
{
    std::vector<std::string> const options{"--lease", "500ms"};
    start_consumers(2, options);
    start_producers(1);
    until("it has printed", [&] { return consumers[0].out().size() > 100'000; });
    consumers[0].kill();
    std::vector<std::string> bodies;
    auto printed = consumers[0].out();
    add_bodies(printed.substr(0, printed.rfind('\n') + 1), bodies);
    consumers.pop_front();
    wait_for_producers();
    until("all is handled", [&] { return is_done(); });
    auto const others = end_consumers();
    bodies.insert(bodies.end(), others.begin(), others.end());
    BOOST_TEST(std::set<std::string>(bodies.begin(), bodies.end()).size() == all);
}

BOOST_AUTO_TEST_SUITE_END()
