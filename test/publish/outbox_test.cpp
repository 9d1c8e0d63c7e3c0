// What a producer holds back while its engine takes its time, has no connection, or does not answer.

#include "memory/engine.hpp"
#include "pipeline/stage.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <deque>
#include <numeric>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// The engine in memory behind a connection that the test makes and breaks, and that answers when it says so.
class far_engine final : public memory::engine
{
public:
    explicit far_engine(asio::any_io_executor const& executor)
        : engine(asio::make_strand(executor), {})
        , changed_(get_executor())
    {}

    /// Bodies of each call of `append`, in the order of the calls.
    std::vector<std::vector<std::string>> calls;
    std::size_t events_under_way = 0;
    std::size_t most_events = 0;
    std::size_t most_bytes = 0;
    /// How often a connection was asked for.
    std::size_t asked = 0;
    /// So many calls find that the connection is gone once more.
    std::size_t flaps = 0;
    /// What is said instead of a connection.
    failure refusal;
    /// Says nothing of what becomes of the items.
    bool is_silent = false;
    /// Called with items that have been stored.
    std::function<void(std::span<appending>)> after_storing;

    /// Answers the calls under way, or the first so many of them.
    void answer(std::size_t count = 1'000)
    {
        answered_ = std::min(calls.size(), answered_ + count);
        changed_.notify();
    }

    void answer_always()
    {
        answered_ = static_cast<std::size_t>(-1);
        changed_.notify();
    }

    /// What was sent and not answered may have been stored: it was, with `stores`.
    void disconnect(bool stores = false)
    {
        is_connected_ = false;
        lost_ = calls.size();
        stores_lost_ = stores;
        changed_.notify();
    }

    void connect()
    {
        is_connected_ = true;
        changed_.notify();
    }

    void refuse(failure why)
    {
        refusal = std::move(why);
        changed_.notify();
    }

    asio::awaitable<failure> ready(std::chrono::milliseconds wait) override
    {
        ++asked;
        auto const until = std::chrono::steady_clock::now() + wait;
        while (!is_connected_ && !refusal && std::chrono::steady_clock::now() < until)
            co_await changed_.wait_until(until);
        if (refusal)
            co_return refusal;
        co_return is_connected_ ? failure() : failure(errc::unreachable, "the cable is cut");
    }

    asio::awaitable<void> append(std::span<appending> entries, append_mode mode) override
    {
        BOOST_TEST(mode.now_or_never);
        auto& call = calls.emplace_back();
        std::size_t bytes = 0;
        for (auto const& item : entries) {
            call.emplace_back(item.entry.body.value_or(""));
            bytes += call.back().size();
        }
        auto const number = calls.size() - 1;
        if (is_silent) {
            ended_ = number + 1;
            co_return;
        }
        if (!is_connected_ || flaps != 0) {
            flaps -= flaps != 0;
            for (auto& item : entries)
                item.outcome = failure(errc::unreachable);
            ended_ = number + 1;
            co_return;
        }
        most_events = std::max(most_events, events_under_way += entries.size());
        most_bytes = std::max(most_bytes, bytes_under_way_ += bytes);
        // One after another, as on one connection.
        while (ended_ != number || (answered_ <= number && lost_ <= number))
            co_await changed_.wait();
        ++ended_;
        changed_.notify();
        events_under_way -= entries.size();
        bytes_under_way_ -= bytes;
        auto const lost = answered_ <= number;
        if (!lost || stores_lost_)
            co_await engine::append(entries, mode);
        if (after_storing)
            after_storing(entries);
        if (lost)
            for (auto& item : entries)
                item.outcome = failure(errc::connection_lost);
    }

private:
    condition changed_;
    std::size_t answered_ = 0;
    std::size_t lost_ = 0;
    std::size_t ended_ = 0;
    std::size_t bytes_under_way_ = 0;
    bool is_connected_ = true;
    bool stores_lost_ = false;
};

/// Publishes beside the test, and what became of that.
struct desk
{
    desk(stage const& of, producer_options options)
        : engine(std::dynamic_pointer_cast<far_engine>(of.broker))
        , to(of.broker, std::move(options))
        , done(of.make_tally())
    {}

    void publish(std::string body, publish_options with = {}, asio::cancellation_slot slot = {})
    {
        auto const number = outcomes.size();
        outcomes.emplace_back();
        to.async_publish(
            "orders", body, std::move(with),
            asio::bind_cancellation_slot(
                slot,
                [this, number](failure const& why, entry_id) {
                    outcomes[number] = why;
                    done->add();
                }
            )
        );
    }

    void publish_numbers(std::size_t count)
    {
        for (std::size_t i = 0; i != count; ++i)
            publish(std::to_string(outcomes.size()));
    }

    std::size_t count(errc code) const
    {
        return static_cast<std::size_t>(std::ranges::count(outcomes, make_error_code(code), &failure::code));
    }

    std::size_t count_good() const
    {
        return static_cast<std::size_t>(std::ranges::count(outcomes, error_code(), &failure::code));
    }

    std::shared_ptr<far_engine> engine;
    producer to;
    std::shared_ptr<tally> done;
    /// A deque: handlers refer to it while it grows.
    std::deque<failure> outcomes;
};

void check_far(producer_options const& options, std::function<asio::awaitable<void>(stage&, desk&)> body)
{
    check_with(
        [](asio::any_io_executor executor) { return std::make_shared<far_engine>(executor); },
        [&](stage& of) -> asio::awaitable<void> {
            // Shared, because a test that fails leaves operations behind.
            auto const own = std::make_shared<desk>(of, options);
            co_await body(of, *own);
        }
    );
}

/// Until the outbox has done what it can.
asio::awaitable<void> settled(stage& of)
{
    for (int i = 0; i != 20; ++i)
        co_await asio::post(of.strand());
}

std::vector<std::string> numbers(std::size_t begin, std::size_t end)
{
    std::vector<std::string> all;
    for (; begin != end; ++begin)
        all.push_back(std::to_string(begin));
    return all;
}

std::vector<std::string> joined(std::vector<std::vector<std::string>> const& calls)
{
    std::vector<std::string> all;
    for (auto const& call : calls)
        all.insert(all.end(), call.begin(), call.end());
    return all;
}

asio::awaitable<std::vector<std::string>> bodies_in(stage& of, std::string stream)
{
    std::vector<std::string> bodies;
    for (auto const& one : co_await of.stored_in(stream))
        bodies.push_back(one.body.value_or("(none)"));
    co_return bodies;
}

/// Each publishes again as soon as it has published.
struct publishing
{
    producer to;
    std::size_t left;

    void start(std::shared_ptr<publishing> const& self)
    {
        if (left == 0)
            return;
        --left;
        to.async_publish("orders", "x", [self](failure const&, entry_id) { self->start(self); });
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(outbox)

BOOST_AUTO_TEST_CASE(has_no_more_events_on_their_way_than_it_may)
{
    check_far({.max_in_flight = 100}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish_numbers(1'000);
        co_await settled(of);
        BOOST_TEST(own.engine->events_under_way == 100);
        own.engine->answer(1);
        co_await settled(of);
        BOOST_TEST(own.engine->events_under_way == 100);
        own.engine->answer_always();
        co_await own.done->reach(1'000);
        BOOST_TEST(own.engine->most_events == 100);
        BOOST_TEST(own.count_good() == 1'000);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 1'000), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(has_no_more_bytes_on_their_way_than_it_may_but_for_an_event_that_is_alone)
{
    check_far({.max_bytes_in_flight = 1'000}, [](stage& of, desk& own) -> asio::awaitable<void> {
        for (int i = 0; i != 10; ++i)
            own.publish(std::string(300, 'x'));
        own.publish(std::string(5'000, 'y'));
        own.publish("z");
        co_await settled(of);
        BOOST_TEST(own.engine->events_under_way == 3);
        for (std::size_t i = 0; i != 3; ++i) {
            BOOST_TEST(own.engine->most_bytes == 900);
            own.engine->answer();
            co_await settled(of);
        }
        // The last of the small ones, alone, because the large one must be.
        BOOST_TEST(own.engine->events_under_way == 1);
        own.engine->answer();
        co_await settled(of);
        BOOST_TEST(own.engine->events_under_way == 1);
        BOOST_TEST(own.engine->most_bytes == 5'000);
        own.engine->answer_always();
        co_await own.done->reach(12);
        BOOST_TEST(own.count_good() == 12);
    });
}

BOOST_AUTO_TEST_CASE(keeps_a_batch_to_the_limits_and_in_its_place)
{
    check_far({.max_in_flight = 100}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("0");
        auto batch = own.to.batch();
        for (int i = 1; i != 500; ++i)
            batch.add("orders", std::to_string(i));
        auto const flushed = of.make_tally();
        batch.async_flush([flushed](failure const& why, std::vector<entry_id> const& ids) {
            BOOST_TEST(!why, why);
            BOOST_TEST(ids.size() == 499);
            BOOST_TEST(std::ranges::is_sorted(ids));
            flushed->add();
        });
        own.publish("500");
        own.engine->answer_always();
        co_await flushed->reach(1);
        co_await own.done->reach(2);
        BOOST_TEST(own.engine->most_events <= 100);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 501), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(waits_for_a_connection_and_keeps_the_order)
{
    check_far({}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.engine->disconnect();
        own.publish_numbers(700);
        co_await settled(of);
        BOOST_TEST(own.engine->calls.empty());
        own.engine->connect();
        own.publish_numbers(700);
        own.engine->answer_always();
        co_await own.done->reach(1'400);
        BOOST_TEST(own.count_good() == 1'400);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 1'400), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(keeps_the_order_of_what_could_not_be_sent)
{
    check_far({}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("first");
        own.engine->answer_always();
        co_await own.done->reach(1);
        // The outbox does not know it yet.
        own.engine->disconnect();
        own.publish_numbers(700);
        co_await settled(of);
        own.publish_numbers(10);
        co_await settled(of);
        // The refused calls are not made again and again.
        BOOST_TEST(own.engine->calls.size() <= 9);
        own.engine->connect();
        co_await own.done->reach(711);
        BOOST_TEST(own.count_good() == 711);
        auto stored = co_await bodies_in(of, "orders");
        stored.erase(stored.begin());
        BOOST_TEST(stored == numbers(1, 711), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(forgets_nothing_when_the_connection_goes_as_soon_as_it_comes)
{
    check_far({}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.engine->disconnect();
        own.publish_numbers(3);
        co_await settled(of);
        own.engine->flaps = 5;
        own.engine->connect();
        own.engine->answer_always();
        co_await own.done->reach(3);
        BOOST_TEST(own.count_good() == 3);
        BOOST_TEST(own.engine->flaps == 0);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 3), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(tells_of_nothing_as_stored_that_the_engine_says_nothing_of)
{
    check_far({}, [](stage&, desk& own) -> asio::awaitable<void> {
        own.engine->is_silent = true;
        own.publish_numbers(2);
        co_await own.done->reach(2);
        BOOST_TEST(own.count(errc::outcome_unknown) == 2);
        auto batch = own.to.batch();
        batch.add("orders", "x");
        auto const [why, ids] = co_await batch.async_flush(asio::as_tuple);
        BOOST_TEST((why == errc::outcome_unknown), why);
    });
}

BOOST_AUTO_TEST_CASE(does_not_know_of_what_may_be_stored_whatever_keeps_it_from_asking_again)
{
    check_far({}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("x", {.idempotency_key = "k"});
        co_await settled(of);
        own.engine->disconnect(true);
        co_await settled(of);
        own.publish("y", {.idempotency_key = "l"});
        own.engine->refuse(errc::closed);
        co_await own.done->reach(2);
        BOOST_TEST((own.outcomes[0] == errc::outcome_unknown));
        BOOST_TEST((own.outcomes[1] == errc::closed));
        BOOST_TEST((co_await bodies_in(of, "orders")).size() == 1);
    });
}

BOOST_AUTO_TEST_CASE(never_sends_again_what_may_be_stored_unless_it_has_a_key)
{
    for (auto const stored : {false, true})
        check_far({}, [stored](stage& of, desk& own) -> asio::awaitable<void> {
            own.publish("plain");
            own.publish("keyed", {.idempotency_key = "k"});
            own.publish("plain too");
            co_await settled(of);
            own.engine->disconnect(stored);
            co_await own.done->reach(2);
            BOOST_TEST(own.count(errc::connection_lost) == 2);
            own.engine->answer_always();
            own.engine->connect();
            co_await own.done->reach(3);
            BOOST_TEST(!own.outcomes[1], own.outcomes[1]);
            BOOST_TEST(own.engine->calls.back() == std::vector<std::string>{"keyed"});
        });
}

BOOST_AUTO_TEST_CASE(sends_a_batch_again_only_if_all_of_it_has_keys)
{
    for (auto const all : {false, true})
        check_far({}, [all](stage& of, desk& own) -> asio::awaitable<void> {
            auto batch = own.to.batch();
            for (auto const* name : {"a", "b", "c"})
                batch.add("orders", name, {.idempotency_key = all || *name != 'b' ? name : ""});
            auto const flushed = of.make_tally();
            failure outcome;
            batch.async_flush([&, flushed](failure const& why, std::vector<entry_id> const& ids) {
                outcome = why;
                BOOST_TEST(ids.size() == (why ? 0 : 3));
                flushed->add();
            });
            co_await settled(of);
            own.engine->disconnect();
            co_await settled(of);
            own.engine->answer_always();
            own.engine->connect();
            co_await flushed->reach(1);
            BOOST_TEST(own.engine->calls.size() == (all ? 2 : 1));
            BOOST_TEST((all ? !outcome : outcome == errc::connection_lost), outcome);
            BOOST_TEST(batch.count() == (all ? 0 : 3));
        });
}

BOOST_AUTO_TEST_CASE(tells_what_it_waited_for_in_vain)
{
    check_far({.timeout = 20ms}, [](stage&, desk& own) -> asio::awaitable<void> {
        own.engine->disconnect();
        own.publish_numbers(3);
        co_await own.done->reach(3);
        BOOST_TEST(own.count(errc::unreachable) == 3);
        BOOST_TEST(own.outcomes[0].words() == "the cable is cut");
        BOOST_TEST(own.engine->calls.empty());
        // It is asked for with each new publish.
        own.engine->connect();
        own.engine->answer_always();
        own.publish("x");
        co_await own.done->reach(4);
        BOOST_TEST(!own.outcomes[3]);
    });
}

BOOST_AUTO_TEST_CASE(tells_apart_what_was_not_sent_in_time_and_what_was_not_answered)
{
    check_far({.max_in_flight = 2, .timeout = 20ms}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("a body that is too long for a string without memory of its own");
        own.publish("1");
        own.publish("2");
        own.publish("3");
        co_await own.done->reach(4);
        BOOST_TEST((own.outcomes[0] == errc::outcome_unknown), own.outcomes[0]);
        BOOST_TEST((own.outcomes[1] == errc::outcome_unknown), own.outcomes[1]);
        BOOST_TEST((own.outcomes[2] == errc::timed_out), own.outcomes[2]);
        BOOST_TEST((own.outcomes[3] == errc::timed_out), own.outcomes[3]);
        BOOST_TEST(is_outcome_unknown(own.outcomes[0].code()));
        BOOST_TEST(!is_outcome_unknown(own.outcomes[2].code()));
        // The engine still has them; it stores what the caller has given up.
        own.engine->answer_always();
        co_await settled(of);
        own.publish("4");
        co_await own.done->reach(5);
        BOOST_TEST(
            (co_await bodies_in(of, "orders")) ==
                (std::vector<std::string>{
                    "a body that is too long for a string without memory of its own", "1", "4"
                }),
            boost::test_tools::per_element()
        );
    });
}

BOOST_AUTO_TEST_CASE(lets_go_of_a_batch_that_is_not_answered)
{
    check_far({.timeout = 20ms}, [](stage& of, desk& own) -> asio::awaitable<void> {
        auto batch = std::make_unique<publish_batch>(own.to.batch());
        for (int i = 0; i != 3'000; ++i)
            batch->add("orders", std::to_string(i), {.key = "k"});
        auto const why = std::get<0>(co_await batch->async_flush(asio::as_tuple));
        BOOST_TEST((why == errc::outcome_unknown), why);
        BOOST_TEST(batch->count() == 3'000);
        BOOST_TEST(batch->outcomes().size() == 3'000);
        batch->add("orders", "more");
        batch->clear();
        batch.reset();
        own.engine->answer_always();
        co_await settled(of);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 3'000), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(does_not_know_of_what_was_lost_and_could_not_be_sent_again_in_time)
{
    check_far({.timeout = 1s}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("x", {.idempotency_key = "k"});
        co_await settled(of);
        own.engine->disconnect();
        co_await own.done->reach(1);
        BOOST_TEST((own.outcomes[0] == errc::outcome_unknown), own.outcomes[0]);
        BOOST_TEST(own.outcomes[0].words().find("the cable is cut") != std::string_view::npos);
    });
}

BOOST_AUTO_TEST_CASE(does_not_send_again_when_the_window_of_the_key_is_over)
{
    check_far({}, [](stage& of, desk& own) -> asio::awaitable<void> {
        own.publish("x", {.idempotency_key = "k", .idempotency_window = 1ms});
        own.publish("y", {.idempotency_key = "l"});
        co_await settled(of);
        own.engine->disconnect(true);
        co_await settled(of);
        asio::steady_timer window(of.strand(), 10ms);
        co_await window.async_wait();
        own.engine->answer_always();
        own.engine->connect();
        co_await own.done->reach(2);
        BOOST_TEST((own.outcomes[0] == errc::outcome_unknown), own.outcomes[0]);
        BOOST_TEST(!own.outcomes[1], own.outcomes[1]);
        BOOST_TEST((co_await bodies_in(of, "orders")) == (std::vector<std::string>{"x", "y"}));
    });
}

BOOST_AUTO_TEST_CASE(goes_on_with_timeouts_when_all_under_way_have_timed_out)
{
    check_far({.max_in_flight = 2, .timeout = 20ms}, [](stage&, desk& own) -> asio::awaitable<void> {
        own.publish("0");
        co_await own.done->reach(1);
        own.publish("1");
        own.publish("2");
        co_await own.done->reach(3);
        BOOST_TEST((own.outcomes[1] == errc::outcome_unknown), own.outcomes[1]);
        BOOST_TEST((own.outcomes[2] == errc::timed_out), own.outcomes[2]);
        own.engine->answer_always();
    });
}

BOOST_AUTO_TEST_CASE(knows_what_the_server_has_said_of_a_batch_of_which_more_was_lost)
{
    check_far({.max_in_flight = 10'000}, [](stage& of, desk& own) -> asio::awaitable<void> {
        auto batch = own.to.batch();
        for (int i = 0; i != 2'000; ++i)
            batch.add("orders", std::to_string(i));
        own.engine->after_storing = [](std::span<appending> items) {
            items[0].outcome = failure(errc::server_error, "ERR no");
        };
        auto const flushed = of.make_tally();
        batch.async_flush([flushed](failure const&, std::vector<entry_id> const&) { flushed->add(); });
        co_await settled(of);
        BOOST_REQUIRE(own.engine->calls.size() == 2);
        own.engine->answer(1);
        co_await settled(of);
        own.engine->disconnect();
        co_await flushed->reach(1);
        BOOST_TEST((batch.outcomes()[0].error() == errc::server_error));
        BOOST_TEST(batch.outcomes()[1].has_value());
        BOOST_TEST((batch.outcomes()[1'500].error() == errc::connection_lost));
    });
}

BOOST_AUTO_TEST_CASE(does_not_know_only_of_what_was_sent_of_a_batch)
{
    check_far({.max_in_flight = 2}, [](stage& of, desk& own) -> asio::awaitable<void> {
        auto batch = own.to.batch();
        for (int i = 0; i != 4; ++i)
            batch.add("orders", std::to_string(i));
        auto const flushed = of.make_tally();
        batch.async_flush([flushed](failure const& why, std::vector<entry_id> const&) {
            BOOST_TEST((why == errc::connection_lost), why);
            flushed->add();
        });
        co_await settled(of);
        own.engine->disconnect();
        co_await flushed->reach(1);
        BOOST_TEST((batch.outcomes()[1].error() == errc::connection_lost));
        BOOST_TEST((batch.outcomes()[2].error() == errc::unreachable));
    });
}

BOOST_AUTO_TEST_CASE(forgets_what_is_cancelled_while_it_waits)
{
    check_far({.max_in_flight = 1}, [](stage& of, desk& own) -> asio::awaitable<void> {
        asio::cancellation_signal sent;
        asio::cancellation_signal waiting;
        own.publish("sent", {}, sent.slot());
        own.publish("waiting", {}, waiting.slot());
        own.publish("next");
        co_await settled(of);
        sent.emit(asio::cancellation_type::total);
        waiting.emit(asio::cancellation_type::total);
        co_await own.done->reach(1);
        BOOST_TEST((own.outcomes[1].code() == asio::error::operation_aborted));
        own.engine->answer_always();
        co_await own.done->reach(3);
        BOOST_TEST(joined(own.engine->calls) == (std::vector<std::string>{"sent", "next"}));
    });
}

BOOST_AUTO_TEST_CASE(sends_nothing_more_of_a_batch_that_is_cancelled)
{
    check_far({.max_in_flight = 10}, [](stage& of, desk& own) -> asio::awaitable<void> {
        auto batch = own.to.batch();
        for (int i = 0; i != 25; ++i)
            batch.add("orders", std::to_string(i));
        asio::cancellation_signal cancel;
        auto const flushed = of.make_tally();
        failure outcome;
        batch.async_flush(asio::bind_cancellation_slot(
            cancel.slot(),
            [&, flushed](failure const& why, std::vector<entry_id> const&) {
                outcome = why;
                flushed->add();
            }
        ));
        co_await settled(of);
        cancel.emit(asio::cancellation_type::terminal);
        co_await settled(of);
        BOOST_TEST(flushed->count() == 0);
        own.engine->answer_always();
        co_await flushed->reach(1);
        BOOST_TEST((outcome == errc::partly_stored), outcome);
        BOOST_TEST(outcome.words().find("of 25 events these were stored: 0-9; event 10") == 0, outcome);
        BOOST_TEST(batch.outcomes()[9].has_value());
        BOOST_TEST((batch.outcomes()[10].error().code() == asio::error::operation_aborted));
        // Another flush sends the rest.
        auto const ids = co_await batch.async_flush();
        BOOST_TEST(ids.size() == 25);
        BOOST_TEST((co_await bodies_in(of, "orders")) == numbers(0, 25), boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(leaves_others_their_turn_where_each_event_is_stored_at_once)
{
    asio::io_context context(1);
    auto const broker = make_memory_broker(context.get_executor());
    constexpr std::size_t publishers = 256;
    auto const all = std::make_shared<publishing>(producer(broker), 100'000);
    for (std::size_t i = 0; i != publishers; ++i)
        all->start(all);
    std::size_t most = 0;
    auto neighbour = [&]() -> asio::awaitable<void> {
        while (all->left != 0) {
            auto const before = all->left;
            co_await asio::post(broker->get_executor());
            most = std::max(most, before - all->left);
        }
    };
    asio::co_spawn(broker->get_executor(), neighbour(), asio::use_future);
    context.run();
    BOOST_TEST(most <= publishers);
}

BOOST_AUTO_TEST_CASE(goes_away_with_its_context_whatever_it_holds)
{
    for (auto const connected : {false, true}) {
        auto context = std::make_unique<asio::io_context>(1);
        auto const alive = std::make_shared<int>();
        {
            auto const engine = std::make_shared<far_engine>(context->get_executor());
            if (!connected)
                engine->disconnect();
            producer to(engine, {.max_in_flight = 50});
            auto batch = to.batch();
            for (int i = 0; i != 100; ++i)
                batch.add("orders", std::to_string(i));
            to.async_publish("orders", "x", [alive, to](failure const&, entry_id) {});
            batch.async_flush([alive, to](failure const&, std::vector<entry_id> const&) {});
            to.async_publish("orders", "x", [alive, to](failure const&, entry_id) {});
        }
        context->poll();
        BOOST_TEST(alive.use_count() == 4);
        context.reset();
        BOOST_TEST(alive.use_count() == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
