#include "consume/deadlines.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline::consume;
using namespace std::chrono_literals;

namespace {

deadlines::clock::time_point at(std::chrono::milliseconds time)
{
    return deadlines::clock::time_point(1h + time);
}

} // namespace

BOOST_AUTO_TEST_SUITE(deadlines_of_handlers)

BOOST_AUTO_TEST_CASE(are_due_in_the_order_in_which_they_were_set)
{
    deadlines::timed first;
    deadlines::timed second;
    deadlines list(100ms);
    BOOST_TEST(!list.next());
    BOOST_TEST((list.set(first, at(0ms)) == at(100ms)));
    list.set(second, at(30ms));
    BOOST_TEST((list.next() == at(100ms)));
    BOOST_TEST(list.expire(at(99ms)) == nullptr);
    BOOST_TEST(list.expire(at(100ms)) == &first);
    BOOST_TEST(list.expire(at(100ms)) == nullptr);
    BOOST_TEST((list.next() == at(130ms)));
    BOOST_TEST(list.expire(at(500ms)) == &second);
    BOOST_TEST(!list.next());
}

BOOST_AUTO_TEST_CASE(are_cleared_from_whatever_list_they_are_in)
{
    deadlines::timed first;
    deadlines::timed second;
    deadlines list(100ms);
    deadlines other(1s);
    list.set(first, at(0ms));
    other.set(second, at(0ms));
    deadlines::clear(first);
    deadlines::clear(first);
    deadlines::clear(second);
    BOOST_TEST(!list.next());
    BOOST_TEST(!other.next());
    list.set(second, at(1ms));
    BOOST_TEST(list.expire(at(1h)) == &second);
}

BOOST_AUTO_TEST_CASE(begin_with_the_stamp)
{
    deadlines::timed set;
    deadlines::timed added;
    deadlines::timed ended;
    deadlines list(100ms);
    list.set(set, at(0ms));
    BOOST_TEST(!list.wants_stamp());
    list.add(added);
    list.add(ended);
    BOOST_TEST(list.wants_stamp());
    deadlines::clear(ended);
    BOOST_TEST(list.expire(at(100ms)) == &set);
    BOOST_TEST(list.expire(at(1h)) == nullptr);
    BOOST_TEST((list.stamp(at(200ms)) == at(300ms)));
    BOOST_TEST(!list.wants_stamp());
    BOOST_TEST((list.next() == at(300ms)));
    BOOST_TEST(list.expire(at(300ms)) == &added);
    BOOST_TEST(!list.next());
}

BOOST_AUTO_TEST_CASE(go_with_what_has_them)
{
    deadlines list(100ms);
    {
        deadlines::timed gone;
        list.set(gone, at(0ms));
    }
    BOOST_TEST(!list.next());
}

BOOST_AUTO_TEST_SUITE_END()
