// How deliveries' ends are told to an engine that takes its time, refuses, or cannot be reached.

#include "consume/settler.hpp"
#include "memory/engine.hpp"
#include "pipeline/stage.hpp"

#include <strandline/detail/utf8.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>

using namespace strandline;
using namespace strandline::consume;
using namespace strandline::testing;

namespace {

/// The engine in memory, but its answers to `settle` come when the test says so, and say what it says.
class slow_engine final : public memory::engine
{
public:
    explicit slow_engine(asio::any_io_executor const& executor)
        : engine(asio::make_strand(executor), {})
        , door_(get_executor())
    {}

    struct call
    {
        std::string stream;
        std::size_t size = 0;
        bool surely_held = false;
        std::vector<std::string> errors;
    };

    /// All that there were.
    std::vector<call> calls;
    std::size_t under_way = 0;
    std::size_t most_under_way = 0;

    /// What a call fails with, where it does.
    std::function<failure(call const&)> fails = [](call const&) { return failure(); };
    /// A failed call has been carried out all the same.
    bool only_answers_get_lost = false;

    /// Ends the calls under way.
    void answer()
    {
        answered_ = calls.size();
        door_.notify();
    }

    /// Ends all calls, also those to come.
    void answer_always()
    {
        answered_ = static_cast<std::size_t>(-1);
        door_.notify();
    }

    asio::awaitable<failure> settle(membership who, std::span<settlement> items, retention limits) override
    {
        auto const number = calls.size();
        call own{std::string(who.stream), items.size(), items.front().surely_held, {}};
        for (auto const& item : items)
            own.errors.emplace_back(item.error);
        calls.push_back(own);
        most_under_way = std::max(most_under_way, ++under_way);
        while (answered_ <= number)
            co_await door_.wait();
        --under_way;
        auto why = fails(own);
        if (why && !only_answers_get_lost)
            co_return why;
        auto const done = co_await engine::settle(who, items, limits);
        co_return why ? why : done;
    }

private:
    condition door_;
    std::size_t answered_ = 0;
};

std::shared_ptr<slow_engine> engine_of(stage const& of)
{
    return std::dynamic_pointer_cast<slow_engine>(of.broker);
}

void check_slow(std::function<asio::awaitable<void>(stage&, slow_engine&)> body)
{
    check_with(
        [](asio::any_io_executor executor) { return std::make_shared<slow_engine>(executor); },
        [body = std::move(body)](stage& of) -> asio::awaitable<void> {
            auto const engine = engine_of(of);
            co_await body(of, *engine);
        }
    );
}

/// A settler that runs, for a consumer of two streams.
struct office
{
    explicit office(stage const& of)
        : engine(engine_of(of))
        , clerk(
              *engine, who, {.lease = 30s},
              {.on_error = [this](failure const& why) { told.push_back(why); }, .progress = [] {}}
          )
    {}

    std::shared_ptr<slow_engine> engine;
    identity who{{"orders", "returns"}, "billing", "clerk", {}};
    std::vector<failure> told;
    settler clerk;

    bool has_told(errc code) const
    {
        return std::ranges::any_of(told, [&](failure const& why) { return why == code; });
    }
};

asio::awaitable<bool> work(std::shared_ptr<office> own)
{
    co_await own->clerk.run();
    co_return true;
}

/// That many deliveries of the stream.
asio::awaitable<std::vector<held>>
deliveries(stage& of, std::shared_ptr<office> own, stream_index stream, std::size_t count)
{
    auto const& name = own->who.streams[stream];
    auto const why = co_await of.broker->ensure_group(name, own->who.group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_await of.publish_numbers(name, count);
    auto const reader = of.broker->make_reader(own->who.group, own->who.consumer);
    std::string_view const names[] = {name};
    std::vector<received> entries;
    auto const confirmed = boot_clock::now();
    BOOST_REQUIRE(!(co_await reader->read(names, count, 0ms, entries)));
    std::vector<held> all;
    for (auto& entry : entries)
        all.push_back({{stream, entry.id}, 1, entry.entry, std::move(entry.owner), confirmed});
    co_return all;
}

/// Everything that can happen now has happened then.
asio::awaitable<void> let_it_work(stage const& of)
{
    for (int i = 0; i != 20; ++i)
        co_await asio::post(of.strand());
}

asio::awaitable<void> until_there_are_calls(stage& of, slow_engine& engine, std::size_t count)
{
    return of.until([&engine, count]() -> asio::awaitable<bool> { co_return engine.calls.size() >= count; });
}

} // namespace

BOOST_AUTO_TEST_SUITE(settling)

BOOST_AUTO_TEST_CASE(several_calls_are_under_way_but_no_more_than_eight)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        for (auto const& one : co_await deliveries(of, own, 0, 10'000))
            own->clerk.acknowledge(one);
        std::size_t round_trips = 0;
        while (own->clerk.unsettled() != 0) {
            co_await let_it_work(of);
            engine.answer();
            co_await let_it_work(of);
            ++round_trips;
        }
        // One, two, four, eight, and what was left.
        BOOST_TEST(engine.calls.size() == 20);
        BOOST_TEST(engine.most_under_way == 8);
        BOOST_TEST(round_trips == 5);
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 10'000);
        BOOST_TEST((co_await of.pending("orders", "billing")).empty());
    });
}

BOOST_AUTO_TEST_CASE(a_call_beside_another_one_is_full)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        auto const all = co_await deliveries(of, own, 0, 1'000);
        auto next = all.begin();
        auto const end_some = [&](std::size_t count) -> asio::awaitable<void> {
            for (; count != 0; --count)
                own->clerk.acknowledge(*next++);
            co_await let_it_work(of);
        };
        std::vector<std::size_t> const expected{1, 100, 500, 3};
        co_await end_some(1);
        co_await end_some(100);
        BOOST_TEST(engine.calls.size() == 1);
        engine.answer();
        co_await let_it_work(of);
        co_await end_some(499);
        BOOST_TEST(engine.calls.size() == 2);
        co_await end_some(1);
        BOOST_TEST(engine.calls.size() == 3);
        co_await end_some(3);
        BOOST_TEST(engine.calls.size() == 3);
        engine.answer_always();
        co_await let_it_work(of);
        BOOST_REQUIRE(engine.calls.size() == 4);
        for (std::size_t i = 0; i != expected.size(); ++i)
            BOOST_TEST(engine.calls[i].size == expected[i]);
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 604);
    });
}

BOOST_AUTO_TEST_CASE(all_streams_get_their_turn)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        for (auto const& one : co_await deliveries(of, own, 0, 5'000))
            own->clerk.acknowledge(one);
        for (auto const& one : co_await deliveries(of, own, 1, 1))
            own->clerk.acknowledge(one);
        engine.answer_always();
        co_await let_it_work(of);
        BOOST_REQUIRE(engine.calls.size() >= 2);
        BOOST_TEST(engine.calls[1].stream == "returns");
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 5'001);
    });
}

BOOST_AUTO_TEST_CASE(what_had_no_answer_is_told_again_and_checked)
{
    for (auto const carried_out : {true, false})
        check_slow([carried_out](stage& of, slow_engine& engine) -> asio::awaitable<void> {
            auto const own = std::make_shared<office>(of);
            started<bool> run(of.strand(), work(own));
            engine.only_answers_get_lost = carried_out;
            engine.fails = [](auto const&) { return errc::connection_lost; };
            for (auto const& one : co_await deliveries(of, own, 0, 10))
                own->clerk.acknowledge(one);
            co_await let_it_work(of);
            engine.answer();
            co_await let_it_work(of);
            engine.fails = [](auto const&) { return failure(); };
            engine.answer_always();
            BOOST_TEST(own->clerk.unsettled() == 10);
            co_await of.until([&]() -> asio::awaitable<bool> { co_return own->clerk.unsettled() == 0; });
            BOOST_REQUIRE(engine.calls.size() == 2);
            BOOST_TEST(engine.calls[0].surely_held);
            BOOST_TEST(!engine.calls[1].surely_held);
            own->clerk.close();
            co_await run.get();
            BOOST_TEST(own->clerk.so_far().handled == 10);
            BOOST_TEST(own->clerk.so_far().lost == 0);
            BOOST_TEST((co_await of.pending("orders", "billing")).empty());
        });
}

BOOST_AUTO_TEST_CASE(an_engine_that_cannot_be_reached_is_asked_by_one_call_at_a_time)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        for (auto const& one : co_await deliveries(of, own, 0, 10'000))
            own->clerk.acknowledge(one);
        for (auto const calls : {1U, 2U, 4U, 8U}) {
            co_await let_it_work(of);
            BOOST_REQUIRE(engine.under_way == calls);
            if (calls != 8)
                engine.answer();
        }
        engine.fails = [](auto const&) { return errc::connection_lost; };
        engine.answer();
        co_await let_it_work(of);
        BOOST_TEST(engine.under_way == 0);
        BOOST_TEST(own->told.size() == 1);

        engine.fails = [](auto const&) { return errc::unreachable; };
        for (std::size_t tried = 1; tried != 3; ++tried) {
            auto const before = engine.calls.size();
            co_await until_there_are_calls(of, engine, before + 1);
            for (auto const& one : co_await deliveries(of, own, 1, 2'000))
                own->clerk.acknowledge(one);
            co_await let_it_work(of);
            BOOST_TEST(engine.under_way == 1);
            BOOST_TEST(engine.calls.size() == before + 1);
            engine.answer();
            co_await let_it_work(of);
            BOOST_TEST(own->told.size() == 1 + tried);
        }

        engine.fails = [](auto const&) { return failure(); };
        engine.answer_always();
        co_await of.until([&]() -> asio::awaitable<bool> { co_return own->clerk.unsettled() == 0; });
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 14'000);
        BOOST_TEST(own->clerk.so_far().lost == 0);
    });
}

BOOST_AUTO_TEST_CASE(after_a_pause_one_call_finds_out_whether_there_is_an_engine)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.answer_always();
        for (auto const& one : co_await deliveries(of, own, 0, 10'000))
            own->clerk.acknowledge(one);
        co_await of.until([&]() -> asio::awaitable<bool> { co_return own->clerk.unsettled() == 0; });
        engine.most_under_way = 0;
        engine.calls.clear();
        engine.answer();
        for (auto const& one : co_await deliveries(of, own, 0, 10'000))
            own->clerk.acknowledge(one);
        co_await let_it_work(of);
        BOOST_TEST(engine.under_way == 1);
        engine.answer_always();
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 20'000);
    });
}

BOOST_AUTO_TEST_CASE(a_stream_that_refuses_does_not_hold_up_another)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.answer_always();
        auto refuses = true;
        engine.fails = [&](slow_engine::call const& one) {
            return refuses && one.stream == "orders" ? failure(errc::wrong_type) : failure();
        };
        for (auto const& one : co_await deliveries(of, own, 0, 10))
            own->clerk.acknowledge(one);
        for (auto const& one : co_await deliveries(of, own, 1, 1'000))
            own->clerk.acknowledge(one);
        co_await let_it_work(of);
        BOOST_TEST(own->clerk.so_far().handled == 1'000);
        BOOST_TEST(own->clerk.unsettled() == 10);
        BOOST_TEST(own->has_told(errc::wrong_type));
        auto const calls = engine.calls.size();
        co_await until_there_are_calls(of, engine, calls + 1);
        refuses = false;
        co_await of.until([&]() -> asio::awaitable<bool> { co_return own->clerk.unsettled() == 0; });
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 1'010);
    });
}

BOOST_AUTO_TEST_CASE(refusals_that_go_on_do_not_put_off_the_next_attempt)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.answer_always();
        std::size_t most = 0;
        engine.fails = [&](slow_engine::call const& one) {
            most = std::max(most, one.size);
            return failure(errc::out_of_memory);
        };
        // Faster than refused ones are tried again.
        asio::steady_timer breath(of.strand());
        for (auto const& one : co_await deliveries(of, own, 0, 60)) {
            own->clerk.bury(one.ref, 1, "rejected", "no");
            breath.expires_after(10ms);
            co_await breath.async_wait();
        }
        BOOST_TEST(most > 1);
        own->clerk.close();
        co_await run.get();
        BOOST_TEST(own->clerk.unsettled() == 60);
    });
}

BOOST_AUTO_TEST_CASE(after_the_close_all_is_tried_once_more)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.fails = [](slow_engine::call const& one) {
            return one.stream == "orders" ? failure(errc::wrong_type) : failure(errc::unreachable);
        };
        for (auto const& one : co_await deliveries(of, own, 0, 1'000))
            own->clerk.acknowledge(one);
        for (auto const& one : co_await deliveries(of, own, 1, 1'000))
            own->clerk.acknowledge(one);
        // All have failed once, or are about to.
        while (!own->has_told(errc::unreachable)) {
            co_await let_it_work(of);
            engine.answer();
        }
        co_await let_it_work(of);
        own->clerk.close();
        co_await let_it_work(of);
        BOOST_TEST(!own->clerk.finished());
        engine.fails = [](slow_engine::call const& one) {
            return one.stream == "orders" ? failure(errc::wrong_type) : failure();
        };
        engine.calls.clear();
        engine.answer_always();
        co_await run.get();
        BOOST_TEST(own->clerk.so_far().handled == 1'000);
        BOOST_TEST(own->clerk.unsettled() == 1'000);
        // Those under way at the close are not counted: the list was cleared.
        BOOST_TEST(engine.calls.size() <= 4);
    });
}

BOOST_AUTO_TEST_CASE(after_the_close_one_call_finds_out_that_there_is_no_engine)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.fails = [](auto const&) { return errc::unreachable; };
        for (auto const& one : co_await deliveries(of, own, 0, 5'000))
            own->clerk.acknowledge(one);
        own->clerk.close();
        engine.answer_always();
        co_await run.get();
        // One that was under way already, and the last one.
        BOOST_TEST(engine.calls.size() <= 2);
        BOOST_TEST(own->clerk.unsettled() == 5'000);
    });
}

BOOST_AUTO_TEST_CASE(what_is_held_can_be_found_wherever_it_is)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        auto const all = co_await deliveries(of, own, 0, 2'000);
        for (auto const& one : all)
            own->clerk.acknowledge(one);
        co_await let_it_work(of);
        BOOST_TEST(engine.under_way == 1);
        std::vector<entry_ref> seen;
        own->clerk.for_each([&](entry_ref ref, boot_clock::time_point&) { seen.push_back(ref); });
        std::ranges::sort(seen);
        BOOST_REQUIRE(seen.size() == all.size());
        for (std::size_t i = 0; i != all.size(); ++i)
            BOOST_REQUIRE((seen[i] == all[i].ref));
        engine.answer_always();
        own->clerk.close();
        co_await run.get();
    });
}

BOOST_AUTO_TEST_CASE(an_error_is_not_cut_within_a_character)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto const own = std::make_shared<office>(of);
        started<bool> run(of.strand(), work(own));
        engine.answer_always();
        auto const x = [](std::size_t count) { return std::string(count, 'x'); };
        std::vector<std::pair<std::string, std::size_t>> const texts{
            {x(4096), 4096},
            {x(4097), 4096},
            {x(4094) + "é", 4096},
            {x(4095) + "é", 4095},
            {x(4093) + "\U0001F600", 4093},
            {x(4095) + "\U0001F600 and more", 4095},
            {x(4092) + "\U0001F600 and more", 4096},
            // Not UTF-8 at all.
            {std::string(5'000, '\xA9'), 4096},
        };
        auto const all = co_await deliveries(of, own, 0, texts.size());
        for (std::size_t i = 0; i != all.size(); ++i)
            own->clerk.bury(all[i].ref, 1, "rejected", texts[i].first);
        own->clerk.close();
        co_await run.get();
        std::vector<std::string> errors;
        for (auto const& one : engine.calls)
            errors.insert(errors.end(), one.errors.begin(), one.errors.end());
        BOOST_REQUIRE(errors.size() == texts.size());
        for (std::size_t i = 0; i != errors.size(); ++i) {
            BOOST_TEST(errors[i].size() == texts[i].second);
            BOOST_TEST(texts[i].first.starts_with(errors[i]));
            BOOST_TEST(detail::is_utf8(errors[i]) == detail::is_utf8(texts[i].first));
        }
        BOOST_TEST(own->clerk.so_far().dead == texts.size());
    });
}

BOOST_AUTO_TEST_CASE(a_consumer_handles_each_event_once_while_calls_fail)
{
    check_slow([](stage& of, slow_engine& engine) -> asio::awaitable<void> {
        auto options = in_group("billing");
        options.max_in_flight = 8'000;
        auto const billing = of.make_consumer(options);
        std::size_t runs = 0;
        auto const handled = of.make_tally();
        billing->on("orders", [&](delivery const&) -> asio::awaitable<void> {
            ++runs;
            handled->add();
            co_return;
        });
        for (int i = 0; i != 10; ++i)
            co_await of.publish_numbers("orders", 1'000);
        // Every fifth answer gets lost; half of those calls have been carried out.
        std::size_t answers = 0;
        engine.fails = [&](auto const&) {
            ++answers;
            engine.only_answers_get_lost = answers % 2 == 0;
            return answers % 5 == 0 ? failure(errc::connection_lost) : failure();
        };
        auto run = of.start(billing);
        while (handled->count() != 10'000) {
            co_await let_it_work(of);
            engine.answer();
        }
        engine.answer_always();
        co_await of.until_pending("orders", "billing", 0);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 10'000);
        BOOST_TEST(runs == 10'000);
        BOOST_TEST(engine.most_under_way > 1);
        BOOST_TEST(engine.most_under_way <= 8);
    });
}

BOOST_AUTO_TEST_SUITE_END()
