// Deliveries that wait for another attempt.

#include "consume/retry_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using namespace strandline::consume;

namespace {

retry_queue::clock::time_point const start{};

waiting due_after(std::chrono::milliseconds delay, std::uint64_t id)
{
    return {start + delay, {0, {id, 0}}, 1};
}

std::vector<std::uint64_t> ids_of(std::vector<waiting> const& popped)
{
    std::vector<std::uint64_t> ids;
    for (auto const& one : popped)
        ids.push_back(one.ref.id.ms);
    return ids;
}

using ids = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(retries)

BOOST_AUTO_TEST_CASE(an_empty_queue_is_never_due)
{
    retry_queue queue;
    BOOST_TEST(!queue.next_due().has_value());
    BOOST_TEST(queue.pop_due(retry_queue::clock::time_point::max(), 100).empty());
    BOOST_TEST(queue.pop_all().empty());
}

BOOST_AUTO_TEST_CASE(what_is_due_comes_out_and_the_rest_stays)
{
    retry_queue queue;
    queue.push(due_after(30ms, 3));
    queue.push(due_after(10ms, 1));
    queue.push(due_after(20ms, 2));
    BOOST_TEST((queue.next_due() == start + 10ms));
    BOOST_TEST(queue.pop_due(start + 9ms, 100).empty());
    BOOST_TEST(ids_of(queue.pop_due(start + 20ms, 100)) == (ids{1, 2}), boost::test_tools::per_element());
    BOOST_TEST((queue.next_due() == start + 30ms));
    BOOST_TEST(queue.size() == 1);
}

BOOST_AUTO_TEST_CASE(no_more_come_out_than_asked_for_and_the_earliest_first)
{
    retry_queue queue;
    for (std::uint64_t id = 5; id != 0; --id)
        queue.push(due_after(id * 1ms, id));
    BOOST_TEST(ids_of(queue.pop_due(start + 1s, 2)) == (ids{1, 2}), boost::test_tools::per_element());
    BOOST_TEST(queue.pop_due(start + 1s, 0).empty());
    BOOST_TEST(ids_of(queue.pop_due(start + 1s, 9)) == (ids{3, 4, 5}), boost::test_tools::per_element());
    BOOST_TEST(!queue.next_due().has_value());
}

BOOST_AUTO_TEST_CASE(stream_and_attempts_come_out_as_they_went_in)
{
    retry_queue queue;
    queue.push({start, {7, {1, 2}}, 3});
    auto const due = queue.pop_due(start, 1);
    BOOST_REQUIRE(due.size() == 1);
    BOOST_TEST((due[0].ref == entry_ref{7, {1, 2}}));
    BOOST_TEST(due[0].attempts == 3);
}

BOOST_AUTO_TEST_CASE(what_is_due_at_the_same_time_comes_out_in_the_order_of_streams_and_ids)
{
    retry_queue queue;
    for (auto const id : {4U, 1U, 3U, 5U, 2U, 0U})
        queue.push({start, {id / 3, {id, 0}}, 1});
    BOOST_TEST(ids_of(queue.pop_due(start, 9)) == (ids{0, 1, 2, 3, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(all_come_out_at_once_when_asked)
{
    retry_queue queue;
    for (std::uint64_t id = 1; id != 4; ++id)
        queue.push(due_after(1h, id));
    auto all = ids_of(queue.pop_all());
    std::ranges::sort(all);
    BOOST_TEST(all == (ids{1, 2, 3}), boost::test_tools::per_element());
    BOOST_TEST(queue.size() == 0);
}

BOOST_AUTO_TEST_CASE(any_mixture_comes_out_in_the_order_of_time)
{
    std::minstd_rand chance(1);
    for (int round = 0; round != 50; ++round) {
        retry_queue queue;
        std::vector<std::uint64_t> expected;
        std::vector<std::uint64_t> got;
        auto now = start;
        for (int step = 0; step != 200; ++step) {
            std::chrono::milliseconds const delay(chance() % 1000);
            queue.push({now + delay, {0, {static_cast<std::uint64_t>((now + delay - start) / 1ms), 0}}, 1});
            expected.push_back(static_cast<std::uint64_t>((now + delay - start) / 1ms));
            now += std::chrono::milliseconds(chance() % 10);
            auto const before = got.size();
            std::ranges::copy(ids_of(queue.pop_due(now, chance() % 4)), std::back_inserter(got));
            BOOST_TEST(std::ranges::is_sorted(got.begin() + static_cast<std::ptrdiff_t>(before), got.end()));
            for (auto i = before; i != got.size(); ++i)
                BOOST_TEST((start + std::chrono::milliseconds(got[i]) <= now));
        }
        std::ranges::copy(ids_of(queue.pop_due(now + 1h, 1'000)), std::back_inserter(got));
        std::ranges::sort(expected);
        std::ranges::sort(got);
        BOOST_TEST(got == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_SUITE_END()
