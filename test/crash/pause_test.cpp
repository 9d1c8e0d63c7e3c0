// Processes that are suspended for longer than their lease: L4, L5.

#include "crash/crew.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <optional>

using namespace strandline::testing;

namespace {

/// Suspended with three handlers that wait and two deliveries queued, all of which another one takes over.
struct suspended : crew
{
    suspended()
    {
        ids = publish({"hold 0 1", "hold 0 2", "hold 0 3", "hold 0 4", "hold 0 5"});
        until_count(3, "begin", "clerk");
        until("all are read", [&] { return pending("clerk").size() == 5; });
        clerk.send(SIGSTOP);
        other = start_one("other");
        until_count(5, "begin", "other");
        BOOST_TEST(pending("other").size() == 5);
    }

    process start_one(std::string const& name)
    {
        return start(name, {"name", name, "lease", "300", "concurrency", name == "clerk" ? "3" : "10"});
    }

    /// Ends it in good order, and checks what it says of its deliveries.
    void check_end(process& of, std::string_view who, std::string_view report)
    {
        of.send(SIGTERM);
        BOOST_TEST(of.wait() == 0);
        for (auto const& one : notes())
            if (one.who == who && one.what == "report")
                BOOST_TEST(one.text == report);
        BOOST_TEST(count("report", who) == 1);
    }

    process clerk = start_one("clerk");
    std::optional<process> other;
    std::vector<std::string> ids;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(a_process_suspended_for_longer_than_its_lease, suspended)

BOOST_AUTO_TEST_CASE(cancels_what_others_have_handled_meanwhile_and_goes_on)
{
    other->send(SIGUSR1);
    until("all are handled", [&] { return is_done(); });
    check_end(
        *other, "other", "handled 5 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 0 unsettled 0"
    );
    clerk.send(SIGCONT);
    until_count(3, "cancelled", "clerk");
    publish("ok 0 6");
    until_count(1, "end", "clerk");
    until("the last one is acknowledged", [&] { return is_done(); });
    check_end(
        clerk, "clerk", "handled 1 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 5 unsettled 0"
    );
    BOOST_TEST(dead_letters().empty());
    BOOST_TEST(count("begin") == 3 + 5 + 1);
}

BOOST_AUTO_TEST_CASE(cancels_what_others_are_at_and_leaves_it_to_them)
{
    clerk.send(SIGCONT);
    until_count(3, "cancelled", "clerk");
    check_end(
        clerk, "clerk", "handled 0 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 5 unsettled 0"
    );
    BOOST_TEST(pending("other").size() == 5);
    BOOST_TEST(count("cancelled", "other") == 0);
    other->send(SIGUSR1);
    until("all are handled", [&] { return is_done(); });
    check_end(
        *other, "other", "handled 5 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 0 unsettled 0"
    );
    BOOST_TEST(count("begin") == 3 + 5);
}

BOOST_AUTO_TEST_CASE(acknowledges_nothing_that_others_are_at)
{
    // Its handlers return as soon as it goes on, as a rule before it learns anything.
    clerk.send(SIGUSR1);
    clerk.send(SIGCONT);
    until("its handlers have ended", [&] {
        return count("end", "clerk") + count("cancelled", "clerk") >= 3;
    });
    check_end(
        clerk, "clerk", "handled 0 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 5 unsettled 0"
    );
    BOOST_TEST(pending("other").size() == 5);
    other->send(SIGUSR1);
    until("all are handled", [&] { return is_done(); });
    BOOST_TEST(count("cancelled", "other") == 0);
    check_end(
        *other, "other", "handled 5 retried 0 dead 0 released 0 cancelled 0 stuck 0 gone 0 lost 0 unsettled 0"
    );
}

BOOST_AUTO_TEST_SUITE_END()
