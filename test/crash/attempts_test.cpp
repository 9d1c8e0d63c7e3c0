// Handlers that always throw, while their process is killed: A3, S2.

#include "crash/crew.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>

using namespace strandline::testing;

namespace {

constexpr std::size_t events = 12;
constexpr std::uint32_t attempts = 6;

/// Whatever else happens, each has its attempts, one after another, and one dead letter.
void check_all_that_throw(std::size_t kills, bool keeps_name)
{
    chance random;
    BOOST_TEST_INFO_SCOPE("STRANDLINE_SEED=" << random.seed());
    crew all;
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i != events; ++i)
        bodies.push_back("throw 2 " + std::to_string(i));
    auto const ids = all.publish(bodies);

    auto const start = [&](std::size_t life) {
        auto const label = "clerk." + std::to_string(life);
        return all.start(
            label, {"name", keeps_name ? "clerk" : label, "attempts", std::to_string(attempts), "lease",
                    "100", "concurrency", "5"}
        );
    };
    for (std::size_t life = 0; life != kills; ++life) {
        auto worker = start(life);
        all.until_count(all.count("begin") + random.up_to(12), "begin");
        random.nap();
        worker.kill();
    }
    auto worker = start(kills);
    all.until("all are dead", [&] { return all.is_done(); });
    worker.send(SIGTERM);
    BOOST_TEST(worker.wait() == 0);

    std::map<std::string, std::vector<std::uint32_t>> runs;
    for (auto const& one : all.notes())
        if (one.what == "begin")
            runs[one.id].push_back(one.attempt);
    for (auto const& id : ids) {
        auto const& of = runs[id];
        BOOST_TEST_CONTEXT(id)
        {
            BOOST_REQUIRE(!of.empty());
            BOOST_TEST(of.size() <= attempts);
            BOOST_TEST(of.size() + kills >= attempts);
            BOOST_TEST(std::ranges::is_sorted(of, std::less_equal<>()));
            BOOST_TEST(of.back() <= attempts);
        }
    }
    auto buried = all.dead_letters();
    std::ranges::sort(buried);
    auto published = ids;
    std::ranges::sort(published);
    BOOST_TEST(buried == published, boost::test_tools::per_element());
    for (auto const& reason : all.dead_letters("dead-reason"))
        BOOST_TEST(reason == "exhausted");
    for (auto const& count : all.dead_letters("dead-attempts"))
        BOOST_TEST(count == std::to_string(attempts));
}

} // namespace

BOOST_AUTO_TEST_SUITE(attempts_of_handlers_that_always_throw)

BOOST_AUTO_TEST_CASE(are_as_many_as_allowed)
{
    check_all_that_throw(0, true);
}

BOOST_AUTO_TEST_CASE(go_on_where_a_killed_process_was_when_it_is_started_again)
{
    for (int round = 0; round != 5; ++round)
        check_all_that_throw(3, true);
}

BOOST_AUTO_TEST_CASE(go_on_where_a_killed_process_was_when_others_take_over)
{
    for (int round = 0; round != 2; ++round)
        check_all_that_throw(3, false);
}

BOOST_AUTO_TEST_SUITE_END()
