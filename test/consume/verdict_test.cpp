// What becomes of a delivery whose handler has ended, or that was found pending.

#include "consume/verdict.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <ostream>
#include <set>

using namespace std::chrono_literals;
using namespace strandline;
using namespace strandline::consume;

namespace strandline::consume {

std::ostream& boost_test_print_type(std::ostream& out, verdict::kind what)
{
    return out << static_cast<int>(what);
}

} // namespace strandline::consume

namespace {

judge with_attempts(std::uint32_t most)
{
    return {most, {}, 1};
}

/// Least and greatest of many delays.
std::pair<std::chrono::milliseconds, std::chrono::milliseconds>
delays(retry_options const& retry, std::uint32_t attempt)
{
    judge of(std::numeric_limits<std::uint32_t>::max(), retry, 7);
    auto least = std::chrono::milliseconds::max();
    auto greatest = std::chrono::milliseconds::min();
    for (int i = 0; i != 2'000; ++i) {
        auto const decision = of.after({ended::threw}, attempt);
        BOOST_REQUIRE(decision.what == verdict::kind::retry);
        least = std::min(least, decision.delay);
        greatest = std::max(greatest, decision.delay);
    }
    return {least, greatest};
}

} // namespace

BOOST_AUTO_TEST_SUITE(verdicts)

BOOST_AUTO_TEST_CASE(a_handler_that_returned_is_acknowledged_in_any_attempt)
{
    auto of = with_attempts(2);
    for (auto const attempt : {1U, 2U, 3U, 1'000U})
        BOOST_TEST(of.after({ended::returned}, attempt).what == verdict::kind::acknowledge);
}

BOOST_AUTO_TEST_CASE(a_cancelled_handler_is_handed_back_in_any_attempt)
{
    auto of = with_attempts(2);
    for (auto const attempt : {1U, 2U, 3U})
        BOOST_TEST(of.after({ended::cancelled}, attempt).what == verdict::kind::release);
}

BOOST_AUTO_TEST_CASE(rejected_and_undecodable_are_dead_at_once)
{
    auto of = with_attempts(5);
    auto const rejected = of.after({ended::rejected}, 1);
    BOOST_TEST(rejected.what == verdict::kind::dead);
    BOOST_TEST(rejected.reason == "rejected");
    auto const undecodable = of.after({ended::undecodable}, 1);
    BOOST_TEST(undecodable.what == verdict::kind::dead);
    BOOST_TEST(undecodable.reason == "undecodable");
}

BOOST_AUTO_TEST_CASE(max_attempts_is_the_number_of_handler_runs)
{
    for (std::uint32_t most = 1; most != 5; ++most) {
        auto of = with_attempts(most);
        for (std::uint32_t attempt = 1; attempt < most; ++attempt)
            BOOST_TEST(of.after({ended::threw}, attempt).what == verdict::kind::retry);
        for (auto const attempt : {most, most + 1}) {
            auto const last = of.after({ended::threw}, attempt);
            BOOST_TEST(last.what == verdict::kind::dead);
            BOOST_TEST(last.reason == "exhausted");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_recovered_delivery_is_exhausted_at_the_limit)
{
    auto const of = with_attempts(3);
    for (auto const attempts : {0U, 1U, 2U})
        BOOST_TEST(!of.is_exhausted(attempts));
    for (auto const attempts : {3U, 4U})
        BOOST_TEST(of.is_exhausted(attempts));
}

BOOST_AUTO_TEST_CASE(a_recovered_delivery_that_may_never_have_started_is_never_exhausted)
{
    auto const of = with_attempts(1);
    BOOST_TEST(!of.is_exhausted(0));
    BOOST_TEST(!of.is_exhausted(1));
    BOOST_TEST(of.is_exhausted(2));
}

BOOST_AUTO_TEST_CASE(a_handler_that_gives_up_ends_the_attempts)
{
    auto of = with_attempts(5);
    auto const decision = of.after({ended::gave_up}, 1);
    BOOST_TEST(decision.what == verdict::kind::dead);
    BOOST_TEST(decision.reason == "exhausted");
}

BOOST_AUTO_TEST_CASE(a_handler_says_when_it_is_tried_again_but_not_how_often)
{
    auto of = with_attempts(3);
    BOOST_TEST(of.after({ended::threw, "", 7h}, 2).delay.count() == std::chrono::milliseconds(7h).count());
    BOOST_TEST(of.after({ended::threw, "", 7h}, 3).what == verdict::kind::dead);
}

BOOST_AUTO_TEST_CASE(a_reprieve_waits_for_the_longest_time)
{
    judge const of(3, {100ms, 2, 30s}, 1);
    BOOST_TEST(of.reprieve().what == verdict::kind::retry);
    BOOST_TEST(of.reprieve().delay.count() == 30'000);
}

BOOST_AUTO_TEST_CASE(a_delay_is_the_grown_one_shortened_by_half_at_most)
{
    retry_options const retry{100ms, 2, 30s};
    for (auto const& [attempt, whole] :
         {std::pair{1U, 100ms}, {2U, 200ms}, {3U, 400ms}, {4U, 800ms}, {9U, 25'600ms}})
    {
        auto const [least, greatest] = delays(retry, attempt);
        BOOST_TEST(least.count() >= whole.count() / 2);
        BOOST_TEST(greatest.count() <= whole.count());
        // The whole range is used.
        BOOST_TEST(least.count() <= whole.count() * 55 / 100);
        BOOST_TEST(greatest.count() >= whole.count() * 95 / 100);
    }
}

BOOST_AUTO_TEST_CASE(a_delay_never_exceeds_the_longest)
{
    retry_options const retry{100ms, 100, 1s};
    for (auto const attempt : {2U, 3U, 50U, 1'000'000U, std::numeric_limits<std::uint32_t>::max() - 1}) {
        auto const [least, greatest] = delays(retry, attempt);
        BOOST_TEST(least.count() >= 500);
        BOOST_TEST(greatest.count() <= 1'000);
    }
}

BOOST_AUTO_TEST_CASE(a_factor_of_one_keeps_the_first_delay)
{
    for (auto const attempt : {1U, 2U, 1'000U}) {
        auto const [least, greatest] = delays({10ms, 1, 30s}, attempt);
        BOOST_TEST(least.count() >= 5);
        BOOST_TEST(greatest.count() <= 10);
    }
}

BOOST_AUTO_TEST_CASE(the_shortest_delay_is_a_millisecond)
{
    auto const [least, greatest] = delays({1ms, 1, 1ms}, 1);
    BOOST_TEST(least.count() == 1);
    BOOST_TEST(greatest.count() == 1);
}

BOOST_AUTO_TEST_CASE(what_failed_together_does_not_come_back_together)
{
    std::set<std::chrono::milliseconds> different;
    judge of(5, {10s, 1, 10s}, 3);
    for (int i = 0; i != 100; ++i)
        different.insert(of.after({ended::threw}, 1).delay);
    BOOST_TEST(different.size() > 90);
}

BOOST_AUTO_TEST_SUITE_END()
