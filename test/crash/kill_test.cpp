// Processes killed at random moments under load.

#include "crash/crew.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <map>

using namespace strandline::testing;

namespace {

constexpr std::size_t kills = 20;

void check_kills(bool keeps_name)
{
    chance random;
    BOOST_TEST_INFO_SCOPE("STRANDLINE_SEED=" << random.seed());
    crew all;
    std::vector<std::string> ids;
    auto const publish = [&](std::size_t count) {
        std::vector<std::string> bodies;
        for (std::size_t i = 0; i != count; ++i)
            bodies.push_back("ok " + std::to_string(random.up_to(3)) + " " + std::to_string(ids.size() + i));
        std::ranges::move(all.publish(bodies), std::back_inserter(ids));
    };
    publish(3'000);
    auto const label = [](std::size_t life) { return "clerk." + std::to_string(life); };
    auto const start = [&](std::size_t life) {
        return all.start(
            label(life), {"name", keeps_name ? "clerk" : label(life), "lease", "100", "concurrency", "10",
                          "in-flight", "100"}
        );
    };

    // What was pending when the server had heard the last of each killed process.
    std::vector<std::set<std::string>> left;
    for (std::size_t life = 0; life != kills; ++life) {
        auto worker = start(life);
        auto const wanted = random.up_to(300);
        all.until(std::to_string(wanted) + " more have begun", [&] {
            publish(3);
            return all.count("begin", label(life)) >= wanted;
        });
        random.nap();
        worker.kill();
        all.until_connections(0);
        left.push_back(all.pending());
    }
    auto worker = start(kills);
    all.until("all are handled", [&] { return all.is_done(); });
    worker.send(SIGTERM);
    BOOST_TEST(worker.wait() == 0);

    std::map<std::string, std::size_t> lives;
    for (std::size_t life = 0; life <= kills; ++life)
        lives[label(life)] = life;
    std::map<std::string, std::vector<std::size_t>> begun;
    std::map<std::string, std::size_t> ended;
    for (auto const& one : all.notes()) {
        if (one.what == "begin")
            begun[one.id].push_back(lives.at(one.who));
        if (one.what == "end")
            ++ended[one.id];
    }
    std::size_t lost = 0;
    std::size_t twice = 0;
    for (auto const& id : ids) {
        lost += ended.contains(id) ? 0 : 1;
        auto const& in = begun[id];
        for (std::size_t i = 1; i < in.size(); ++i) {
            ++twice;
            BOOST_TEST(in[i - 1] < in[i], id << " began twice in one life");
            for (auto life = in [i - 1]; life < in[i]; ++life)
                BOOST_TEST(
                    left[life].contains(id),
                    id << " began in life " << in[i] << " and was not pending after life " << life
                );
        }
    }
    BOOST_TEST(lost == 0);
    BOOST_TEST(all.dead_letters().empty());
    std::size_t again = 0;
    for (auto const& [id, times] : ended)
        again += times - 1;
    BOOST_TEST_MESSAGE(
        "of " << ids.size() << " events " << twice << " begun and " << again << " handled once more, after "
              << kills << " kills"
    );
}

} // namespace

BOOST_AUTO_TEST_SUITE(kills_at_random_moments)

BOOST_AUTO_TEST_CASE(lose_nothing_when_the_process_is_started_again)
{
    check_kills(true);
}

BOOST_AUTO_TEST_CASE(lose_nothing_when_others_take_over)
{
    check_kills(false);
}

BOOST_AUTO_TEST_SUITE_END()
