// D1, W1: when delayed entries are looked at.

#include "promote/promotion_plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline;
using namespace strandline::promote;
using namespace std::chrono_literals;

namespace {

using clock_type = promotion_plan::clock;

clock_type::time_point const start{1000s};

promotion found(std::optional<std::chrono::milliseconds> next, std::size_t moved = 0)
{
    promotion done;
    done.moved = moved;
    done.next = next;
    return done;
}

/// A look at that time ends so; tells how long until the next one.
clock_type::duration after(promotion_plan& plan, promotion const& done, clock_type::time_point now)
{
    plan.began(0);
    plan.ended(0, done, now);
    return plan.next().when - now;
}

} // namespace

BOOST_AUTO_TEST_SUITE(looks_at_delayed_entries)

BOOST_AUTO_TEST_CASE(begin_at_once_with_all_streams)
{
    promotion_plan plan(3, start);
    BOOST_TEST(!plan.is_at_rest());
    for (std::size_t stream = 0; stream != 3; ++stream) {
        auto const turn = plan.next();
        BOOST_TEST(turn.stream == stream);
        BOOST_TEST((turn.when == start));
        plan.began(stream);
        plan.ended(stream, found({}), start);
    }
    BOOST_TEST(plan.is_at_rest());
    BOOST_TEST((plan.next().when > start));
}

BOOST_AUTO_TEST_CASE(come_when_the_next_one_is_due)
{
    promotion_plan plan(1, start);
    BOOST_TEST((after(plan, found(7ms), start) == 7ms));
    BOOST_TEST((after(plan, found(999ms), start) == 999ms));
}

BOOST_AUTO_TEST_CASE(go_on_while_there_is_more)
{
    promotion_plan plan(1, start);
    BOOST_TEST((after(plan, found(0ms, 500), start) == 0ms));
    BOOST_TEST(!plan.is_at_rest());
    BOOST_TEST((after(plan, found({}, 3), start) > 0ms));
    BOOST_TEST(plan.is_at_rest());
}

BOOST_AUTO_TEST_CASE(take_turns_while_several_have_more)
{
    promotion_plan plan(2, start);
    plan.began(0);
    plan.ended(0, found(0ms, 500), start + 1ms);
    BOOST_TEST(plan.next().stream == 1);
    plan.began(1);
    plan.ended(1, found(0ms, 500), start + 2ms);
    BOOST_TEST(plan.next().stream == 0);
}

BOOST_AUTO_TEST_CASE(get_rare_and_never_rarer_than_half_a_minute)
{
    promotion_plan plan(1, start);
    for (auto const sleep : {1s, 2s, 4s, 8s, 16s, 30s, 30s})
        BOOST_TEST((after(plan, found({}), start) == sleep));
    BOOST_TEST((after(plan, found(1h), start) == 30s));
    plan.look_at_all(start);
    BOOST_TEST((plan.next().when == start));
    BOOST_TEST((after(plan, found(1h), start) == 1s));
}

BOOST_AUTO_TEST_CASE(of_very_many_streams_are_rarer)
{
    promotion_plan plan(1000, start);
    for (int i = 0; i != 20; ++i)
        for (std::size_t stream = 0; stream != 1000; ++stream) {
            plan.began(stream);
            plan.ended(stream, found({}), start);
        }
    BOOST_TEST((plan.next().when - start == 2000s));
}

BOOST_AUTO_TEST_CASE(come_at_once_after_a_hint)
{
    promotion_plan plan(2, start);
    for (std::size_t stream = 0; stream != 2; ++stream) {
        plan.began(stream);
        plan.ended(stream, found(1h), start);
    }
    plan.look_at(1, start + 10ms);
    BOOST_TEST(plan.next().stream == 1);
    BOOST_TEST((plan.next().when == start + 10ms));
}

BOOST_AUTO_TEST_CASE(come_again_after_a_hint_that_came_meanwhile)
{
    promotion_plan plan(1, start);
    plan.began(0);
    plan.look_at(0, start);
    plan.ended(0, found(1h), start + 5ms);
    BOOST_TEST((plan.next().when == start + 5ms));
    BOOST_TEST((after(plan, found(100ms), start + 6ms) == 100ms));
}

BOOST_AUTO_TEST_CASE(that_fail_come_again_with_growing_pauses)
{
    promotion_plan plan(1, start);
    for (auto const pause : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 5000ms, 5000ms}) {
        plan.began(0);
        plan.failed(0, true, start);
        // Hints do not make them faster.
        plan.look_at(0, start);
        BOOST_TEST((plan.next().when == start + pause));
        BOOST_TEST(!plan.is_at_rest());
    }
    plan.look_at_all(start);
    BOOST_TEST((plan.next().when == start));
}

BOOST_AUTO_TEST_CASE(that_are_refused_become_rare)
{
    promotion_plan plan(1, start);
    for (int i = 0; i != 10; ++i) {
        plan.began(0);
        plan.failed(0, false, start);
    }
    BOOST_TEST((plan.next().when == start + 30s));
    BOOST_TEST(plan.is_at_rest());
    BOOST_TEST((after(plan, found(3ms), start) == 3ms));
}

BOOST_AUTO_TEST_CASE(in_vain_are_not_repeated_at_once)
{
    promotion_plan plan(1, start);
    BOOST_TEST((after(plan, found(0ms), start) == 250ms));
    BOOST_TEST((after(plan, found(0ms), start) == 500ms));
    BOOST_TEST(!plan.is_at_rest());
    BOOST_TEST((after(plan, found(0ms, 1), start) == 0ms));
}

BOOST_AUTO_TEST_SUITE_END()
