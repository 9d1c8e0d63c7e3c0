// Which delivery starts next: O2, H2.

#include "consume/schedule.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace strandline;
using namespace strandline::consume;
using boost::test_tools::per_element;

namespace {

using ids = std::vector<std::uint64_t>;

/// A schedule, and what stands around it.
struct bench
{
    explicit bench(ordering order)
        : queue(
              order, {.fetch = [this](waiting one) { asked_for.push_back(one); },
                      .places_given_up = [this](std::size_t count) { given_up += count; }}
          )
    {}

    schedule queue;
    /// What it wants the bodies of.
    std::deque<waiting> asked_for;
    std::size_t given_up = 0;
    /// That is how long headers live.
    std::deque<std::array<header_view, 1>> headers;

    entry_view entry(std::string_view key)
    {
        entry_view made;
        if (!key.empty())
            made.headers = headers.emplace_back(std::array{header_view{"key", key}});
        return made;
    }

    void push(std::uint64_t id, std::string_view key = {}, stream_index stream = 0)
    {
        queue.push({{stream, {id, 0}}, 1, entry(key)});
    }

    void push_found(std::uint64_t id, std::string_view key = {}, std::uint32_t attempts = 1)
    {
        waiting one;
        one.ref.id = {id, 0};
        one.attempts = attempts;
        one.what = waiting_for::line;
        queue.push_found(one, entry(key));
    }

    /// The id of what starts, and of nothing 0.
    std::uint64_t start()
    {
        auto one = queue.next();
        if (!one)
            return 0;
        running = std::move(*one);
        return running.ref.id.ms;
    }

    /// What started last.
    held running;

    ids start_all()
    {
        ids all;
        while (auto const id = start())
            all.push_back(id);
        return all;
    }

    ids all_asked_for() const
    {
        ids all;
        for (auto const& one : asked_for)
            all.push_back(one.ref.id.ms);
        return all;
    }

    /// Brings the body that was asked for first.
    waiting bring()
    {
        auto const one = asked_for.front();
        asked_for.pop_front();
        bring(one);
        return one;
    }

    void bring(waiting const& one)
    {
        held with_body{one.ref, one.attempts + 1, entry_view(), nullptr, one.confirmed, one.in};
        if (one.what == waiting_for::turn)
            queue.push_turn(std::move(with_body));
        else
            queue.push_urgent(std::move(with_body));
    }

    /// What started last has failed, and waits.
    waiting fail()
    {
        queue.hold_back(running.in);
        return {{}, running.ref, running.attempt, waiting_for::start, false, running.confirmed, running.in};
    }

    ids seen()
    {
        ids all;
        queue.for_each([&](entry_ref ref, auto const&) { all.push_back(ref.id.ms); });
        std::ranges::sort(all);
        return all;
    }

    std::size_t lose(ids const& which)
    {
        return queue.lose_if([&](entry_ref ref) { return std::ranges::find(which, ref.id.ms) != which.end(); }
        );
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(what_starts_next)

BOOST_AUTO_TEST_CASE(nothing_of_nothing)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict}) {
        bench of(order);
        BOOST_TEST(of.queue.ready() == 0);
        BOOST_TEST(!of.queue.next());
        BOOST_TEST(!of.queue.next_of(0));
        BOOST_TEST(of.queue.close().empty());
        of.queue.hold_back(nullptr);
        of.queue.advance(nullptr);
        of.queue.give_up_places(0);
        BOOST_TEST(of.given_up == 0);
    }
}

BOOST_AUTO_TEST_CASE(without_order_what_came_first_whatever_its_key)
{
    bench of(ordering::unordered);
    of.push(3, "a");
    of.push(1, "a");
    of.push(2);
    BOOST_TEST(of.queue.ready() == 3);
    BOOST_TEST(of.start_all() == (ids{3, 1, 2}), per_element());
    BOOST_TEST((of.running.in == nullptr));
    BOOST_TEST(of.given_up == 0);
}

BOOST_AUTO_TEST_CASE(first_what_was_fetched_to_start)
{
    for (auto const order : {ordering::unordered, ordering::by_key}) {
        bench of(order);
        of.push(1, "a");
        of.push(2, "b");
        of.queue.push_urgent({{0, {7, 0}}, 2});
        of.queue.push_urgent({{0, {8, 0}}, 3});
        BOOST_TEST(of.queue.ready() == 4);
        BOOST_TEST(of.queue.urgent() == 2);
        BOOST_TEST(of.start_all() == (ids{7, 8, 1, 2}), per_element());
        BOOST_TEST(of.queue.urgent() == 0);
    }
}

BOOST_AUTO_TEST_CASE(of_one_stream_only_if_it_is_next)
{
    bench of(ordering::unordered);
    of.push(1, {}, 0);
    of.push(2, {}, 0);
    of.push(3, {}, 1);
    BOOST_TEST(!of.queue.next_of(1));
    BOOST_TEST(of.queue.next_of(0)->ref.id.ms == 1);
    of.queue.push_urgent({{1, {7, 0}}, 2});
    BOOST_TEST(!of.queue.next_of(0));
    BOOST_TEST(of.queue.next_of(1)->ref.id.ms == 7);
    BOOST_TEST(of.queue.next_of(0)->ref.id.ms == 2);
    BOOST_TEST(of.queue.next_of(1)->ref.id.ms == 3);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lines)

BOOST_AUTO_TEST_CASE(one_of_a_key_at_a_time_in_the_order_they_came)
{
    bench of(ordering::by_key);
    of.push(1, "a");
    of.push(2, "a");
    of.push(3, "b");
    of.push(4, "a");
    BOOST_TEST(of.queue.ready() == 2);
    BOOST_TEST(of.start() == 1);
    auto* const a = of.running.in;
    BOOST_TEST(of.start() == 3);
    BOOST_TEST(of.start() == 0);
    of.queue.advance(of.running.in);
    BOOST_TEST(of.start() == 0);
    of.queue.advance(a);
    BOOST_TEST(of.start() == 2);
    BOOST_TEST(of.start() == 0);
    of.queue.advance(of.running.in);
    BOOST_TEST(of.start() == 4);
    of.queue.advance(of.running.in);
    // Nothing is left of the line.
    of.push(5, "a");
    BOOST_TEST(of.start() == 5);
    BOOST_TEST(of.given_up == 0);
    BOOST_TEST(of.asked_for.empty());
}

BOOST_AUTO_TEST_CASE(of_different_streams_are_different)
{
    bench of(ordering::by_key);
    of.push(1, "a", 0);
    of.push(2, "a", 1);
    BOOST_TEST(of.start_all() == (ids{1, 2}), per_element());
    // Nor does a key look like another stream's.
    of.push(3, "1 x", 0);
    of.push(4, "x", 1);
    of.push(5, "1 x", 1);
    BOOST_TEST(of.start_all() == (ids{3, 4, 5}), per_element());
}

BOOST_AUTO_TEST_CASE(those_without_a_key_stand_in_none)
{
    bench of(ordering::by_key);
    of.push(1);
    of.push(2);
    BOOST_TEST(of.start_all() == (ids{1, 2}), per_element());
    BOOST_TEST((of.running.in == nullptr));
    // An empty key is one.
    auto const empty = std::array{header_view{"key", ""}};
    for (auto const id : ids{3, 4})
        of.queue.push({{0, {id, 0}}, 1, {std::nullopt, empty}});
    BOOST_TEST(of.start_all() == (ids{3}), per_element());
}

BOOST_AUTO_TEST_CASE(strict_is_one_line_for_all_streams_and_keys)
{
    bench of(ordering::strict);
    of.push(1, "a", 0);
    of.push(2, "b", 1);
    of.push(3, {}, 0);
    for (auto const id : ids{1, 2, 3}) {
        BOOST_TEST(of.queue.ready() == 1);
        BOOST_TEST(of.start() == id);
        BOOST_TEST(of.start() == 0);
        of.queue.advance(of.running.in);
    }
    BOOST_TEST(of.queue.ready() == 0);
}

BOOST_AUTO_TEST_CASE(held_back_give_up_bodies_and_places_and_keep_their_turn)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3})
        of.push(id, "a");
    of.push(9, "b");
    BOOST_TEST(of.start() == 1);
    auto const again = of.fail();
    BOOST_TEST(of.given_up == 2);
    BOOST_TEST(of.queue.waiting_in_lines() == 2);
    // What comes now has no place either.
    of.push(4, "a");
    BOOST_TEST(of.given_up == 3);
    BOOST_TEST(of.queue.waiting_in_lines() == 3);
    BOOST_TEST(of.seen() == (ids{2, 3, 4, 9}), per_element());
    // The others flow on.
    BOOST_TEST(of.start_all() == (ids{9}), per_element());
    BOOST_TEST(of.asked_for.empty());

    of.bring(again);
    BOOST_TEST(of.start() == 1);
    BOOST_TEST(of.running.attempt == 2U);
    BOOST_TEST(of.start() == 0);
    of.running.in = again.in;
    of.queue.advance(again.in);
    BOOST_TEST(of.all_asked_for() == (ids{2, 3, 4}), per_element());
    for (auto const& one : of.asked_for) {
        BOOST_TEST((one.what == waiting_for::turn));
        BOOST_TEST(one.attempts == 0U);
    }
    BOOST_TEST(of.queue.waiting_in_lines() == 0);
    BOOST_TEST(of.seen().empty());
    for (auto const id : ids{2, 3, 4}) {
        of.bring();
        BOOST_TEST(of.start() == id);
        BOOST_TEST(of.running.attempt == 1U);
        of.queue.advance(of.running.in);
    }
    BOOST_TEST(of.given_up == 3);
}

BOOST_AUTO_TEST_CASE(once_the_retry_runs_what_comes_keeps_its_body)
{
    bench of(ordering::by_key);
    of.push(1, "a");
    of.start();
    of.bring(of.fail());
    of.push(2, "a");
    BOOST_TEST(of.given_up == 0);
    BOOST_TEST(of.start() == 1);
    of.queue.advance(of.running.in);
    BOOST_TEST(of.start() == 2);
}

BOOST_AUTO_TEST_CASE(bodies_that_come_in_another_order_start_in_the_right_one)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3, 4})
        of.push(id, "a");
    of.start();
    auto const again = of.fail();
    of.queue.advance(again.in);
    BOOST_REQUIRE(of.asked_for.size() == 3);
    of.bring(of.asked_for[2]);
    of.bring(of.asked_for[1]);
    BOOST_TEST(of.queue.ready() == 0);
    of.bring(of.asked_for[0]);
    for (auto const id : ids{2, 3, 4}) {
        BOOST_TEST(of.start() == id);
        BOOST_TEST(of.start() == 0);
        of.queue.advance(of.running.in);
    }
    BOOST_TEST(of.asked_for.size() == 3);
}

BOOST_AUTO_TEST_CASE(a_body_that_comes_for_a_held_back_line_is_given_up_and_asked_for_again)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3})
        of.push(id, "a");
    of.start();
    of.queue.advance(of.fail().in);
    // 2 runs and fails while 3 is on its way.
    of.bring();
    BOOST_TEST(of.start() == 2);
    auto const again = of.fail();
    auto const given_up = of.given_up;
    of.bring();
    BOOST_TEST(of.given_up == given_up + 1);
    BOOST_TEST(of.queue.waiting_in_lines() == 1);
    of.bring(again);
    BOOST_TEST(of.start() == 2);
    of.queue.advance(of.running.in);
    BOOST_TEST(of.all_asked_for() == (ids{3}), per_element());
    of.bring();
    BOOST_TEST(of.start() == 3);
}

BOOST_AUTO_TEST_CASE(long_ones_ask_for_their_bodies_little_by_little)
{
    bench of(ordering::strict);
    for (std::uint64_t id = 1; id <= 100; ++id)
        of.push(id);
    of.start();
    of.queue.advance(of.fail().in);
    BOOST_TEST(of.given_up == 99);
    BOOST_TEST(of.asked_for.size() < 99);
    BOOST_TEST(of.asked_for.size() + of.queue.waiting_in_lines() == 99);
    std::size_t most = 0;
    for (std::uint64_t id = 2; id <= 100; ++id) {
        most = std::max(most, of.asked_for.size());
        if (of.queue.ready() == 0)
            of.bring();
        BOOST_TEST(of.start() == id);
        of.queue.advance(of.running.in);
    }
    BOOST_TEST(most < 99);
    BOOST_TEST(of.asked_for.empty());
    BOOST_TEST(of.queue.waiting_in_lines() == 0);
}

BOOST_AUTO_TEST_CASE(what_was_found_pending_comes_before_what_is_read_later)
{
    for (auto const order : {ordering::by_key, ordering::strict}) {
        bench of(order);
        of.push_found(1, "a", 3);
        of.push_found(2, "a", 0);
        of.push(3, "a");
        BOOST_TEST(of.queue.ready() == 0);
        BOOST_TEST(of.queue.waiting_in_lines() == 1);
        for (auto const before : {3U, 0U}) {
            // Counted, each when its turn has come.
            BOOST_REQUIRE(of.asked_for.size() == 1);
            auto const one = of.bring();
            BOOST_TEST((one.what == waiting_for::start));
            BOOST_TEST(one.attempts == before);
            BOOST_TEST(of.start() == one.ref.id.ms);
            BOOST_TEST(of.running.attempt == before + 1);
            BOOST_TEST(of.start() == 0);
            of.queue.advance(of.running.in);
        }
        BOOST_TEST(of.start() == 3);
        BOOST_TEST(of.given_up == 0);
    }
}

BOOST_AUTO_TEST_CASE(what_was_found_without_a_key_is_fetched_at_once)
{
    bench of(ordering::by_key);
    of.push_found(1);
    of.push_found(2);
    BOOST_TEST(of.all_asked_for() == (ids{1, 2}), per_element());
    BOOST_TEST((of.asked_for[0].in == nullptr));
}

BOOST_AUTO_TEST_CASE(a_suspect_stays_one_while_it_waits_for_its_turn)
{
    bench of(ordering::by_key);
    of.push(1, "a");
    waiting suspect{{}, {0, {2, 0}}, 2, waiting_for::line, true};
    of.queue.push_found(suspect, of.entry("a"));
    of.start();
    of.queue.advance(of.running.in);
    BOOST_REQUIRE(of.asked_for.size() == 1);
    BOOST_TEST(of.asked_for[0].suspect);
    BOOST_TEST((of.asked_for[0].what == waiting_for::start));
}

BOOST_AUTO_TEST_CASE(go_on_when_what_was_to_be_fetched_is_not_theirs_any_more)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3, 4})
        of.push(id, "a");
    of.start();
    // The first, which waits for another attempt.
    of.queue.forget(of.fail());
    BOOST_TEST(of.all_asked_for() == (ids{2, 3, 4}), per_element());
    // One in the middle, and then the one whose turn it is.
    of.queue.forget(of.asked_for[1]);
    BOOST_TEST(of.queue.ready() == 0);
    of.queue.forget(of.asked_for[0]);
    BOOST_TEST(of.asked_for.size() == 3);
    of.bring(of.asked_for[2]);
    BOOST_TEST(of.start() == 4);
    of.queue.advance(of.running.in);
    of.push(5, "a");
    BOOST_TEST(of.start() == 5);
}

BOOST_AUTO_TEST_CASE(go_on_with_a_body_that_is_here_when_the_one_before_is_forgotten)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3})
        of.push(id, "a");
    of.start();
    of.queue.advance(of.fail().in);
    of.bring(of.asked_for[1]);
    BOOST_TEST(of.queue.ready() == 0);
    of.queue.forget(of.asked_for[0]);
    BOOST_TEST(of.start() == 3);
    // The last of the line, on its way.
    of.push(4, "a");
    of.queue.advance(of.fail().in);
    auto const last = of.asked_for.back();
    BOOST_TEST(last.ref.id.ms == 4);
    of.queue.forget(last);
    of.push(5, "a");
    BOOST_TEST(of.start() == 5);
}

BOOST_AUTO_TEST_CASE(lose_whatever_is_in_them_and_nothing_that_is_outside)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3, 4})
        of.push(id, "a");
    for (auto const id : ids{11, 12})
        of.push(id, "b");
    of.push_found(13, "b");
    of.push(21);
    BOOST_TEST(of.start() == 1);
    // 1 runs; of "b" the ready one.
    BOOST_TEST(of.lose({1, 3, 11, 21, 99}) == 3);
    BOOST_TEST(of.given_up == 3);
    BOOST_TEST(of.seen() == (ids{2, 4, 12, 13}), per_element());
    auto* const a = of.running.in;
    BOOST_TEST(of.start() == 12);
    BOOST_TEST(of.start() == 0);
    // The only follower, without a body.
    BOOST_TEST(of.lose({13}) == 1);
    BOOST_TEST(of.given_up == 3);
    BOOST_TEST(of.queue.waiting_in_lines() == 0);
    of.queue.advance(of.running.in);
    of.queue.advance(a);
    BOOST_TEST(of.start_all() == (ids{2}), per_element());
    of.queue.advance(of.running.in);
    BOOST_TEST(of.start_all() == (ids{4}), per_element());
    BOOST_TEST(of.asked_for.empty());
}

BOOST_AUTO_TEST_CASE(lose_nothing_that_is_on_its_way)
{
    bench of(ordering::by_key);
    for (std::uint64_t id = 1; id <= 20; ++id)
        of.push(id, "a");
    of.start();
    of.queue.advance(of.fail().in);
    auto const on_their_way = of.asked_for.size();
    BOOST_TEST(of.queue.lose_if([](entry_ref) { return true; }) == 19 - on_their_way);
    BOOST_TEST(of.queue.waiting_in_lines() == 0);
    for (std::uint64_t id = 2; !of.asked_for.empty(); ++id) {
        of.bring();
        BOOST_TEST(of.start() == id);
        of.queue.advance(of.running.in);
    }
    of.push(30, "a");
    BOOST_TEST(of.start() == 30);
}

BOOST_AUTO_TEST_CASE(lose_a_retry_that_is_ready)
{
    bench of(ordering::strict);
    of.push(1);
    of.push(2);
    of.start();
    of.bring(of.fail());
    of.given_up = 0;
    BOOST_TEST(of.lose({1}) == 1);
    BOOST_TEST(of.given_up == 1);
    BOOST_TEST(of.all_asked_for() == (ids{2}), per_element());
    of.bring();
    BOOST_TEST(of.start() == 2);
}

BOOST_AUTO_TEST_CASE(give_up_places_but_those_nearest_to_their_turn)
{
    bench of(ordering::by_key);
    for (std::uint64_t id = 1; id <= 10; ++id)
        of.push(id, "a");
    of.start();
    of.queue.give_up_places(4);
    BOOST_TEST(of.given_up == 5);
    BOOST_TEST(of.queue.waiting_in_lines() == 5);
    // Those that stay need not be asked for.
    for (std::uint64_t id = 2; id <= 5; ++id) {
        of.queue.advance(of.running.in);
        BOOST_TEST(of.start() == id);
        BOOST_TEST(of.asked_for.empty());
    }
    of.queue.advance(of.running.in);
    BOOST_TEST(of.all_asked_for() == (ids{6, 7, 8, 9, 10}), per_element());
}

BOOST_AUTO_TEST_CASE(share_the_places_that_they_keep)
{
    bench of(ordering::by_key);
    std::array<std::string_view, 4> const keys{"a", "b", "c", "d"};
    std::uint64_t id = 0;
    for (auto const key : keys)
        for (int i = 0; i != 6; ++i)
            of.push(++id, key);
    BOOST_TEST(of.start_all().size() == 4);
    of.queue.give_up_places(8);
    BOOST_TEST(of.given_up == 20 - 8);
    of.queue.give_up_places(8);
    BOOST_TEST(of.given_up == 20 - 8);
    of.queue.give_up_places(0);
    BOOST_TEST(of.given_up == 20);
    BOOST_TEST(of.queue.waiting_in_lines() == 20);
}

BOOST_AUTO_TEST_CASE(closing_returns_everything_once_with_the_attempts_of_before)
{
    bench of(ordering::by_key);
    for (auto const id : ids{1, 2, 3})
        of.push(id, "a"); // 1 is ready
    for (auto const id : ids{11, 12, 13})
        of.push(id, "b");
    of.push_found(14, "b", 2);
    of.queue.push_urgent({{0, {21, 0}}, 4});
    BOOST_TEST(of.start() == 21);
    BOOST_TEST(of.start() == 1);
    BOOST_TEST(of.start() == 11);
    of.queue.push_urgent({{0, {22, 0}}, 5});
    // 12 and 13 are on their way, 14 is not.
    of.queue.advance(of.fail().in);
    BOOST_TEST(of.all_asked_for() == (ids{12, 13}), per_element());
    of.push(31);
    of.given_up = 0;

    std::map<std::uint64_t, std::uint32_t> returned;
    auto const all = of.queue.close();
    for (auto const& one : all)
        returned[one.ref.id.ms] = one.attempts;
    BOOST_TEST(all.size() == returned.size());
    BOOST_TEST((returned == std::map<std::uint64_t, std::uint32_t>{{2, 0}, {3, 0}, {14, 2}, {22, 4}, {31, 0}})
    );
    BOOST_TEST(of.given_up == 4);
    BOOST_TEST(of.queue.ready() == 0);
    BOOST_TEST(of.queue.waiting_in_lines() == 0);
    BOOST_TEST(of.seen().empty());
    BOOST_TEST(of.queue.close().empty());
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

/// Does at random what a consumer may do, and knows what must come of it.
class model
{
public:
    model(ordering order, std::uint32_t seed) : order_(order), random_(seed), of_(order) {}

    void step()
    {
        switch (below(20)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            return push();
        case 6:
            return push_found();
        case 7:
        case 8:
        case 9:
        case 10:
            return start();
        case 11:
        case 12:
        case 13:
            return end(below(3) == 0);
        case 14:
        case 15:
        case 16:
            return answer(below(10) == 0);
        case 17:
            return due(below(10) == 0);
        case 18:
            return below(2) == 0 ? get_stuck() : of_.queue.give_up_places(below(20));
        default:
            if (below(5) == 0)
                lose();
        }
    }

    void check()
    {
        ids inside;
        for (auto const& [id, one] : all_)
            if (is_inside(id))
                inside.push_back(id);
        if (of_.seen() != inside)
            BOOST_FAIL("what is inside is another than what was put there and not taken out");
        if (places_inside() > inside.size() ||
            inside.size() - places_inside() != of_.queue.waiting_in_lines())
            BOOST_FAIL("places or bodies are miscounted");
    }

    /// Everything succeeds from now on.
    void drain()
    {
        while (!all_.empty()) {
            auto const before = ended_ + started_ + fetched_;
            while (!retries_.empty())
                due(false);
            while (!of_.asked_for.empty())
                answer(false);
            while (of_.queue.ready() != 0)
                start();
            while (!running_.empty())
                end(false);
            if (before == ended_ + started_ + fetched_)
                BOOST_FAIL("something waits for ever");
        }
        BOOST_TEST(of_.queue.waiting_in_lines() == 0);
        BOOST_TEST(of_.queue.ready() == 0);
        BOOST_TEST(of_.asked_for.empty());
        BOOST_TEST(places_inside() == 0);
        BOOST_TEST(ended_ == pushed_);
    }

    void close()
    {
        auto const outside = running_.size() + retries_.size() + of_.asked_for.size();
        auto const returned = of_.queue.close();
        std::set<std::uint64_t> seen;
        for (auto const& one : returned) {
            auto const id = one.ref.id.ms;
            if (!seen.insert(id).second || !is_inside(id))
                BOOST_FAIL("returned what was not there");
            BOOST_TEST(one.attempts == all_.at(id).attempts);
        }
        BOOST_TEST(returned.size() + outside == all_.size());
        BOOST_TEST(places_inside() == 0);
        BOOST_TEST(of_.queue.waiting_in_lines() == 0);
    }

    std::uint64_t ended() const { return ended_; }

private:
    struct known
    {
        std::string key;
        stream_index stream = 0;
        /// Handlers that started with it.
        std::uint32_t attempts = 0;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    /// Of which one runs at a time.
    std::string line_of(known const& one) const
    {
        if (order_ == ordering::strict)
            return "all";
        if (order_ == ordering::unordered || one.key.empty())
            return "";
        return std::to_string(one.stream) + "/" + one.key;
    }

    bool is_inside(std::uint64_t id) const
    {
        auto const is = [&](auto const& other) { return other.ref.id.ms == id; };
        return all_.contains(id) && std::ranges::none_of(running_, is) &&
               std::ranges::none_of(retries_, is) && std::ranges::none_of(of_.asked_for, is);
    }

    std::size_t places_inside() const { return places_ - of_.given_up; }

    std::uint64_t arrive()
    {
        static constexpr std::array<char const*, 5> keys{"", "a", "b", "c", "d"};
        known one{keys[below(keys.size())], static_cast<stream_index>(below(2))};
        auto const id = ++pushed_;
        if (auto const line = line_of(one); !line.empty())
            lines_[line].push_back(id);
        all_[id] = one;
        return id;
    }

    void push()
    {
        auto const id = arrive();
        ++places_;
        of_.push(id, all_[id].key, all_[id].stream);
    }

    void push_found()
    {
        auto const id = arrive();
        auto& one = all_[id];
        one.attempts = static_cast<std::uint32_t>(below(4));
        waiting found{{}, {one.stream, {id, 0}}, one.attempts, waiting_for::line};
        of_.queue.push_found(found, of_.entry(one.key));
    }

    void start()
    {
        auto const stream = static_cast<stream_index>(below(2));
        auto one = below(2) == 0 ? of_.queue.next_of(stream) : of_.queue.next();
        if (!one)
            return;
        ++started_;
        --places_;
        auto& of = all_.at(one->ref.id.ms);
        BOOST_TEST(one->attempt == of.attempts + 1);
        ++of.attempts;
        if (auto const line = line_of(of); !line.empty()) {
            if (lines_[line].front() != one->ref.id.ms)
                BOOST_FAIL("not in the order they came");
            for (auto const& other : running_)
                if (line_of(all_.at(other.ref.id.ms)) == line)
                    BOOST_FAIL("two of a line at the same time");
        }
        running_.push_back(std::move(*one));
    }

    void remove(std::uint64_t id)
    {
        ++ended_;
        if (auto const line = line_of(all_.at(id)); !line.empty())
            std::erase(lines_[line], id);
        all_.erase(id);
    }

    template <class From>
    static auto take_out(From& from, std::size_t index)
    {
        auto const place = from.begin() + static_cast<std::ptrdiff_t>(index);
        auto one = std::move(*place);
        from.erase(place);
        return one;
    }

    void end(bool fails)
    {
        if (running_.empty())
            return;
        auto const one = take_out(running_, below(running_.size()));
        if (fails) {
            of_.queue.hold_back(one.in);
            retries_.push_back({{}, one.ref, one.attempt, waiting_for::start, false, one.confirmed, one.in});
        }
        else {
            remove(one.ref.id.ms);
            of_.queue.advance(one.in);
        }
    }

    void get_stuck()
    {
        if (!running_.empty())
            of_.queue.hold_back(running_[below(running_.size())].in);
    }

    void due(bool is_lost)
    {
        if (!retries_.empty())
            fetch(take_out(retries_, below(retries_.size())), is_lost);
    }

    void answer(bool is_lost)
    {
        if (!of_.asked_for.empty())
            fetch(take_out(of_.asked_for, below(of_.asked_for.size())), is_lost);
    }

    void fetch(waiting const& one, bool is_lost)
    {
        ++fetched_;
        BOOST_TEST(one.attempts == all_.at(one.ref.id.ms).attempts);
        if (is_lost) {
            remove(one.ref.id.ms);
            of_.queue.forget(one);
        }
        else {
            ++places_;
            of_.bring(one);
        }
    }

    void lose()
    {
        ids lost;
        for (auto const& [id, one] : all_)
            if (below(5) == 0 && is_inside(id))
                lost.push_back(id);
        auto const told = lost;
        for (auto const id : lost)
            remove(id);
        // Also of those outside, which must not mind.
        for (auto const& one : running_)
            lost.push_back(one.ref.id.ms);
        for (auto const& one : of_.asked_for)
            lost.push_back(one.ref.id.ms);
        BOOST_TEST(of_.lose(lost) == told.size());
    }

    ordering order_;
    std::mt19937 random_;
    bench of_;
    /// What has not ended.
    std::map<std::uint64_t, known> all_;
    std::map<std::string, std::deque<std::uint64_t>> lines_;
    std::deque<held> running_;
    /// What failed, and is not due.
    std::deque<waiting> retries_;
    std::uint64_t pushed_ = 0;
    std::uint64_t started_ = 0;
    std::uint64_t fetched_ = 0;
    std::uint64_t ended_ = 0;
    /// Given to the schedule with a body, less those taken out.
    std::size_t places_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(whatever_happens)

BOOST_AUTO_TEST_CASE(order_is_kept_and_nothing_lost_or_twice)
{
    for (auto const order : {ordering::unordered, ordering::by_key, ordering::strict})
        for (std::uint32_t seed = 0; seed != 60; ++seed)
            BOOST_TEST_CONTEXT("order " << static_cast<int>(order) << ", seed " << seed)
            {
                model of(order, seed);
                for (int i = 0; i != 500; ++i) {
                    of.step();
                    of.check();
                }
                BOOST_TEST(of.ended() > 10);
                if (seed % 2 == 0)
                    of.drain();
                else
                    of.close();
            }
}

BOOST_AUTO_TEST_SUITE_END()
