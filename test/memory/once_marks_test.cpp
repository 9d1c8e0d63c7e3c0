// I1: marks of idempotency keys, by the engine's clock.

#include "memory/once_marks.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline;
using namespace strandline::memory;
using namespace std::chrono_literals;

namespace {

instant const start{1000s};

} // namespace

BOOST_AUTO_TEST_SUITE(marks_of_keys)

BOOST_AUTO_TEST_CASE(hold_for_their_window)
{
    once_marks marks;
    BOOST_TEST(!marks.find("k", start).has_value());
    marks.set("k", {1, 1}, start, 10ms);
    BOOST_TEST(marks.find("k", start + 9ms).value() == (entry_id{1, 1}));
    BOOST_TEST(!marks.find("k", start + 10ms).has_value());
    BOOST_TEST(!marks.find("l", start).has_value());
}

BOOST_AUTO_TEST_CASE(can_be_set_again_when_they_have_run_out)
{
    once_marks marks;
    // Several end together, and the one that is set again is the last of them.
    for (auto const* const key : {"a", "b", "c", "d"})
        marks.set(key, {1, 1}, start, 10ms);
    marks.set("d", {2, 2}, start + 10ms, 10ms);
    BOOST_TEST(marks.find("d", start + 19ms).value() == (entry_id{2, 2}));
    marks.set("e", {3, 3}, start + 15ms, 10ms);
    marks.set("f", {3, 3}, start + 15ms, 10ms);
    BOOST_TEST(marks.find("d", start + 19ms).value() == (entry_id{2, 2}));
}

BOOST_AUTO_TEST_CASE(are_dropped_after_their_end)
{
    once_marks marks;
    for (int i = 0; i != 1000; ++i)
        marks.set(std::to_string(i), {1, 1}, start + std::chrono::milliseconds(i), 10ms);
    BOOST_TEST(marks.size() <= 12U);
    // What has piled up goes while others come.
    for (int i = 0; i != 1000; ++i)
        marks.set("old " + std::to_string(i), {1, 1}, start + 2s, 10ms);
    BOOST_TEST(marks.size() >= 1000U);
    for (int i = 0; i != 1010; ++i)
        marks.set("new " + std::to_string(i), {1, 1}, start + 3s, 1h);
    BOOST_TEST(marks.size() == 1010U);
}

BOOST_AUTO_TEST_SUITE_END()
