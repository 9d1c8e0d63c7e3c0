// What is read, and into how many places.

#include "consume/read_plan.hpp"
#include "consume/slots.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace strandline::consume;

namespace {

using streams = std::vector<stream_index>;

/// A plan that has begun to read.
read_plan reading(std::size_t read_count, std::size_t limit)
{
    read_plan plan(read_count, limit);
    plan.began();
    return plan;
}

} // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(what_is_taken_is_not_free_until_it_is_released)
{
    slots places(10);
    BOOST_TEST(places.free() == 10);
    places.reserve(7);
    BOOST_TEST(places.taken() == 7);
    BOOST_TEST(places.free() == 3);
    places.release(2);
    BOOST_TEST(places.free() == 5);
    places.release(5);
    BOOST_TEST(places.free() == places.limit());
}

BOOST_AUTO_TEST_CASE(more_taken_than_there_are_leaves_none_free)
{
    slots places(2);
    places.reserve(3);
    BOOST_TEST(places.free() == 0);
    places.release(1);
    BOOST_TEST(places.free() == 0);
    places.release(1);
    BOOST_TEST(places.free() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(plan_of_reads)

BOOST_AUTO_TEST_CASE(an_idle_consumer_waits_for_as_many_entries_as_it_wants)
{
    read_plan plan(500, 1'000);
    auto const what = plan.next({0}, 1'000, 0);
    BOOST_TEST(what.streams == streams{0}, boost::test_tools::per_element());
    BOOST_TEST(what.count == 500);
    BOOST_TEST(what.places() == 500);
    BOOST_TEST(what.may_wait);
    BOOST_TEST(!what.partial);
}

BOOST_AUTO_TEST_CASE(the_free_places_are_shared_by_the_streams)
{
    read_plan plan(500, 1'000);
    auto const what = plan.next({0, 1, 2}, 100, 0);
    BOOST_TEST(what.streams.size() == 3);
    BOOST_TEST(what.count == 33);
    BOOST_TEST(what.places() <= 100);
    BOOST_TEST(!what.partial);
}

BOOST_AUTO_TEST_CASE(nothing_is_read_without_a_place_or_a_stream)
{
    read_plan plan(500, 1'000);
    BOOST_TEST(plan.next({0, 1}, 0, 0).count == 0);
    BOOST_TEST(plan.next({}, 1'000, 0).count == 0);
}

BOOST_AUTO_TEST_CASE(fewer_places_than_streams_go_to_the_streams_in_turn)
{
    read_plan plan(500, 2);
    std::vector<std::size_t> asked(5);
    for (int round = 0; round != 5; ++round) {
        auto const what = plan.next({0, 1, 2, 3, 4}, 2, 0);
        BOOST_TEST(what.count == 1);
        BOOST_TEST(what.places() == 2);
        BOOST_TEST(what.partial);
        BOOST_TEST(what.streams[0] != what.streams[1]);
        for (auto const index : what.streams)
            ++asked[index];
    }
    BOOST_TEST(asked == std::vector<std::size_t>(5, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_read_of_some_streams_waits_only_when_all_were_asked_in_vain)
{
    read_plan plan(500, 1);
    auto const read = [&](std::size_t entries) {
        auto const what = plan.next({0, 1, 2}, 1, 0);
        plan.began();
        plan.finished(1, entries);
        return what.may_wait;
    };
    for (int round = 0; round != 2; ++round) {
        BOOST_TEST(!read(0));
        BOOST_TEST(!read(0));
        BOOST_TEST(!read(0));
        BOOST_TEST(read(0));
        BOOST_TEST(read(1));
    }
}

BOOST_AUTO_TEST_CASE(only_streams_that_can_be_read_are_asked_in_turn)
{
    read_plan plan(500, 1);
    std::vector<std::size_t> asked(5);
    for (int round = 0; round != 6; ++round)
        ++asked[plan.next({1, 3, 4}, 1, 0).streams.at(0)];
    BOOST_TEST(asked == (std::vector<std::size_t>{0, 2, 0, 2, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_read_is_enough_while_nothing_flows)
{
    auto plan = reading(500, 1'000);
    BOOST_TEST(plan.next({0}, 500, 0).count == 0);
    plan.finished(500, 0);
    plan.began();
    BOOST_TEST(plan.next({0}, 500, 0).count == 0);
    plan.finished(500, 499);
    plan.began();
    BOOST_TEST(plan.next({0}, 500, 0).count == 0);
}

BOOST_AUTO_TEST_CASE(a_full_answer_brings_a_second_read_that_does_not_wait)
{
    auto plan = reading(250, 1'000);
    plan.finished(250, 250);
    auto const first = plan.next({0}, 750, 0);
    BOOST_TEST(first.count == 250);
    BOOST_TEST(first.may_wait);
    plan.began();
    auto const second = plan.next({0}, 500, 0);
    BOOST_TEST(second.count == 250);
    BOOST_TEST(!second.may_wait);
    plan.began();
    BOOST_TEST(plan.under_way() == 2);
    BOOST_TEST(plan.next({0}, 250, 0).count == 0);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_full_ends_the_second_read)
{
    auto plan = reading(250, 1'000);
    plan.finished(250, 250);
    plan.began();
    plan.began();
    plan.finished(250, 100);
    BOOST_TEST(plan.under_way() == 1);
    BOOST_TEST(plan.next({0}, 500, 0).count == 0);
}

BOOST_AUTO_TEST_CASE(places_are_collected_while_there_is_something_to_do)
{
    read_plan plan(500, 1'000);
    // A quarter of the limit, or a whole read when that is less.
    BOOST_TEST(plan.next({0}, 249, 1).count == 0);
    BOOST_TEST(plan.next({0}, 250, 1).count == 250);
    BOOST_TEST(plan.next({0}, 1, 0).count == 1);

    read_plan small(10, 1'000);
    BOOST_TEST(small.next({0}, 9, 1).count == 0);
    BOOST_TEST(small.next({0}, 10, 1).count == 10);
}

BOOST_AUTO_TEST_CASE(a_single_place_is_never_too_few_to_wait_for)
{
    for (std::size_t limit = 1; limit != 8; ++limit) {
        read_plan plan(500, limit);
        BOOST_TEST(plan.next({0}, 1, 0).count == 1);
        // However little is free when all but the queued are done, it is read at last.
        BOOST_TEST(plan.next({0}, limit, 1).count == limit);
    }
}

BOOST_AUTO_TEST_CASE(all_are_empty_when_each_was_asked_in_vain_since_the_last_look)
{
    read_plan plan(500, 2);
    streams const all{0, 1, 2};
    auto const ask = [&] {
        auto const read = plan.next(all, 1, 0);
        BOOST_TEST(read.partial);
        plan.began();
        plan.finished(read.places(), 0);
    };
    for (int look = 0; look != 2; ++look) {
        for (int i = 0; i != 3; ++i) {
            BOOST_TEST(!plan.all_empty(3));
            ask();
        }
        BOOST_TEST(plan.all_empty(3));
        plan.look_again();
    }
}

BOOST_AUTO_TEST_SUITE_END()
