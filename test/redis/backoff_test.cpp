// Pauses between attempts to connect.

#include "redis/backoff.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using strandline::redis::backoff;

BOOST_AUTO_TEST_SUITE(pauses_between_attempts)

BOOST_AUTO_TEST_CASE(double_up_to_the_greatest_and_are_shortened_by_half_at_most)
{
    for (std::uint32_t seed = 0; seed != 200; ++seed) {
        backoff pauses(50ms, 1000ms, seed);
        for (auto const whole : {50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
            auto const pause = pauses.next();
            BOOST_TEST(pause.count() >= whole.count() / 2);
            BOOST_TEST(pause.count() <= whole.count());
        }
    }
}

BOOST_AUTO_TEST_CASE(begin_anew_after_a_good_connection)
{
    backoff pauses(10ms, 10'000ms, 1);
    for (int i = 0; i != 8; ++i)
        pauses.next();
    BOOST_TEST(pauses.next().count() >= 1'000);
    pauses.reset();
    BOOST_TEST(pauses.next().count() <= 10);
    BOOST_TEST(pauses.next().count() <= 20);
}

BOOST_AUTO_TEST_CASE(are_never_nothing)
{
    backoff pauses(1ms, 1ms, 1);
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(pauses.next().count() == 1);
}

BOOST_AUTO_TEST_CASE(differ_between_clients)
{
    backoff one(1s, 10s, 1);
    backoff other(1s, 10s, 2);
    auto differences = 0;
    for (int i = 0; i != 20; ++i)
        differences += one.next() != other.next();
    BOOST_TEST(differences > 15);
}

BOOST_AUTO_TEST_SUITE_END()
