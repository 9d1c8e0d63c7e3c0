// D1: delayed events while the processes that move them are killed.

#include "crash/crew.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <map>
#include <sstream>

using namespace strandline;
using namespace strandline::testing;

namespace {

constexpr std::size_t kills = 20;

/// Has the events delayed by up to two seconds; returns when each is due.
std::map<std::string, std::uint64_t>
delay(redis_server const& server, std::vector<std::string> const& bodies, chance& random)
{
    std::map<std::string, std::uint64_t> due;
    asio::io_context context(1);
    auto broker = strandline::open(context.get_executor(), "unix:" + server.socket());
    std::vector<appending> items;
    for (auto const& body : bodies) {
        auto& item = items.emplace_back();
        item.stream = "orders";
        item.entry.body = body;
        item.delay = std::chrono::milliseconds(1 + random.up_to(2'000));
    }
    asio::co_spawn(
        broker->get_executor(),
        [&]() -> asio::awaitable<void> {
            co_await broker->append(items);
            broker->close();
        },
        [](std::exception_ptr thrown) {
            if (thrown)
                std::rethrow_exception(thrown);
        }
    );
    context.run();
    for (auto const& item : items) {
        BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
        due[std::string(*item.entry.body)] = item.outcome->ms;
    }
    return due;
}

} // namespace

BOOST_AUTO_TEST_SUITE(D1_delayed_events_of_killed_processes)

BOOST_AUTO_TEST_CASE(are_moved_once_and_never_early)
{
    chance random;
    BOOST_TEST_INFO_SCOPE("STRANDLINE_SEED=" << random.seed());
    crew all;
    auto const start = [&](std::size_t life) {
        return all.start("clerk." + std::to_string(life), {"lease", "100"});
    };
    std::vector<process> workers;
    std::size_t lives = 0;
    while (workers.size() != 3)
        workers.push_back(start(lives++));

    std::vector<std::string> bodies;
    for (int i = 0; i != 20'000; ++i)
        bodies.push_back("ok 0 " + std::to_string(i));
    auto const due = delay(all.server, bodies, random);
    auto const length = [&] { return std::stoul(all.server.command({"XLEN", "orders"})); };
    for (std::size_t kill = 0; kill != kills; ++kill) {
        // Spread over the time in which they become due.
        auto const wanted = std::min(bodies.size(), (kill + 1) * bodies.size() / (kills + 1));
        all.until(std::to_string(wanted) + " are moved", [&] { return length() >= wanted; });
        random.nap();
        auto& worker = workers[random.up_to(workers.size() - 1)];
        worker.kill();
        worker = start(lives++);
    }
    all.until("all are moved", [&] { return all.server.command({"ZCARD", "{orders}:delayed"}) == "0"; });
    for (auto& worker : workers) {
        worker.send(SIGTERM);
        BOOST_TEST(worker.wait() == 0);
    }

    BOOST_TEST(length() == bodies.size());
    BOOST_TEST(all.server.command({"HLEN", "{orders}:delayed:entries"}) == "0");
    BOOST_TEST(all.dead_letters().empty());
    std::istringstream stored(all.server.command({"XRANGE", "orders", "-", "+"}));
    std::size_t early = 0;
    std::map<std::string, int> times;
    for (std::string id, name, body; std::getline(stored, id) && std::getline(stored, name);) {
        std::getline(stored, body);
        ++times[body];
        early += std::stoull(id) < due.at(body) ? 1 : 0;
    }
    BOOST_TEST(early == 0U);
    BOOST_TEST(times.size() == bodies.size());
}

BOOST_AUTO_TEST_SUITE_END()
