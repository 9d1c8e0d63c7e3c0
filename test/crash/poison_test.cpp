// Events that end the process of whoever handles them: A4.

#include "crash/crew.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <utility>

using namespace strandline::testing;

namespace {

constexpr std::uint32_t attempts = 5;

/// A consumer that is started again whenever it has died.
struct post
{
    std::string name;
    bool keeps_name = true;
    std::size_t lives = 0;
    std::optional<process> holder;

    std::string label() const { return name + "." + std::to_string(lives); }

    void start(crew& of)
    {
        ++lives;
        holder = of.start(
            label(), {"name", keeps_name ? name : label(), "attempts", std::to_string(attempts), "lease",
                      "200", "concurrency", "10", "in-flight", "100"}
        );
    }
};

/// How often a handler began beside one of a suspect: of what was found with two attempts or more, and so
/// runs with the third at least.
std::size_t count_company_of_suspects(std::vector<note> const& notes)
{
    std::map<std::string, std::map<std::string, std::uint32_t>> running;
    std::size_t found = 0;
    for (auto const& one : notes) {
        auto& of = running[one.who];
        if (one.what == "begin") {
            auto const is_suspect = [](auto const& other) { return other.second > 2; };
            if (!of.empty() && (one.attempt > 2 || std::ranges::any_of(of, is_suspect)))
                ++found;
            of[one.id] = one.attempt;
        }
        else if (one.what == "end")
            of.erase(one.id);
    }
    return found;
}

/// A hundred events in flight, ten handlers each in two processes, and poison among them.
void check_poison(std::size_t doses, bool keeps_name)
{
    crew all;
    std::vector<std::string> innocent;
    std::vector<std::string> poison;
    auto const publish = [&](std::size_t count) {
        std::vector<std::string> bodies;
        for (std::size_t i = 0; i != count; ++i)
            bodies.push_back("ok 3 " + std::to_string(innocent.size() + i));
        std::ranges::move(all.publish(bodies), std::back_inserter(innocent));
    };
    publish(60);
    for (std::size_t i = 0; i != doses; ++i) {
        poison.push_back(all.publish("die 1 " + std::to_string(i)));
        publish(30);
    }
    publish(200);

    post posts[]{{"clerk", keeps_name}, {"other", keeps_name}};
    for (auto& one : posts)
        one.start(all);
    // Who has died waits until the other has done something; nobody waits for ever.
    std::map<post const*, std::size_t> waiting;
    all.until("all is handled or dead", [&] {
        auto const is_over = all.dead_letters().size() >= doses || innocent.size() > 5'000;
        if (!is_over)
            publish(2);
        auto const ended = all.count("end");
        auto const is_alone =
            std::ranges::all_of(posts, [](post const& one) { return one.holder->has_ended(); });
        for (auto& one : posts) {
            if (!one.holder->has_ended())
                continue;
            auto const since = waiting.try_emplace(&one, ended).first->second;
            if (ended >= since + 30 || is_alone || is_over) {
                BOOST_TEST(one.holder->wait() == -SIGKILL);
                waiting.erase(&one);
                one.start(all);
            }
        }
        return is_over && all.is_done();
    });
    for (auto& one : posts) {
        one.holder->send(SIGTERM);
        BOOST_TEST(one.holder->wait() == 0);
    }

    auto const& notes = all.notes();
    auto buried = all.dead_letters();
    std::ranges::sort(buried);
    std::ranges::sort(poison);
    BOOST_TEST(buried == poison, boost::test_tools::per_element());
    for (auto const& reason : all.dead_letters("dead-reason"))
        BOOST_TEST(reason == "exhausted");
    std::map<std::string, std::size_t> ended;
    for (auto const& one : notes)
        if (one.what == "end")
            ++ended[one.id];
    BOOST_TEST(std::ranges::all_of(innocent, [&](auto const& id) { return ended.contains(id); }));

    for (auto const& id : poison) {
        std::vector<std::uint32_t> runs;
        std::size_t ended_between = 0;
        std::size_t ended_since = 0;
        for (auto const& one : notes) {
            if (one.what == "end" && !runs.empty())
                ++ended_since;
            if (one.what != "begin" || one.id != id)
                continue;
            ended_between += std::exchange(ended_since, 0);
            runs.push_back(one.attempt);
        }
        // With more doses both can be dead all the time.
        BOOST_TEST((ended_between >= 30 || doses > 1));
        BOOST_TEST(std::ranges::is_sorted(runs, std::less_equal<>()));
        BOOST_TEST(runs.size() <= attempts);
        // The first two count also when another dose ends the process before they begin.
        BOOST_TEST(runs.size() >= attempts - (doses > 1 ? 2 : 0));
    }
    BOOST_TEST(count_company_of_suspects(notes) == 0);

    std::size_t deaths = 0;
    for (auto const& one : posts) {
        deaths += one.lives - 1;
        std::size_t handled = 0;
        for (std::size_t life = 1; life <= one.lives; ++life)
            handled += all.count("end", one.name + "." + std::to_string(life));
        BOOST_TEST(handled != 0);
    }
    BOOST_TEST_MESSAGE(
        deaths << " deaths; of " << innocent.size() << " innocent events " << ended.size()
               << " were handled, " << all.count("end") - ended.size() << " once more"
    );
}

} // namespace

BOOST_AUTO_TEST_SUITE(poison)

BOOST_AUTO_TEST_CASE(dies_after_its_own_attempts_and_takes_no_innocent_event_with_it)
{
    check_poison(1, true);
}

BOOST_AUTO_TEST_CASE(of_several_doses_dies_and_takes_no_innocent_event_with_it)
{
    check_poison(3, true);
}

BOOST_AUTO_TEST_CASE(that_others_take_over_dies_and_takes_no_innocent_event_with_it)
{
    check_poison(1, false);
    check_poison(3, false);
}

BOOST_AUTO_TEST_SUITE_END()
