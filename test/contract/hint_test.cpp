// W1: hints.

#include "contract/bed.hpp"

using namespace strandline;
using namespace strandline::testing;

namespace {

membership const alice{"orders", "g", "alice"};

/// Counts how often it was told.
class listening
{
public:
    listening(broker& of, std::string_view stream, std::string_view group)
        : interest_(of.watch(stream, group, [state = state_] { ++state->told; }))
    {}

    int told() const noexcept { return state_->told; }

    void end() { interest_.reset(); }

private:
    struct state
    {
        int told = 0;
    };

    std::shared_ptr<state> state_ = std::make_shared<state>();
    std::unique_ptr<watching> interest_;
};

settlement release(entry_id id)
{
    auto item = ending(id, settle_as::released);
    item.attempts = 1;
    return item;
}

/// Releases until it has been told: the interest takes its time to reach a server.
asio::awaitable<void> until_told(bed& of, listening const& by, entry_id id, membership who = alice)
{
    for (auto const before = by.told(); by.told() == before;) {
        co_await of.settle(who, release(id));
        co_await of.round_trip();
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(W1_hints)

BOOST_AUTO_TEST_CASE(tell_of_released_deliveries)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 2);
        listening const by(*of.broker, "orders", "g");
        co_await until_told(of, by, ids[0]);
        co_await until_told(of, by, ids[1]);
    });
}

BOOST_AUTO_TEST_CASE(are_of_one_stream_and_one_group)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        co_await of.ensure_group("orders", "h");
        listening const other_group(*of.broker, "orders", "h");
        listening const other_stream(*of.broker, "users", "g");
        listening const by(*of.broker, "orders", "g");
        listening const second(*of.broker, "orders", "g");
        for (int i = 0; i != 3; ++i)
            co_await until_told(of, by, ids[0]);
        BOOST_TEST(second.told() == by.told());
        BOOST_TEST(other_group.told() == 0);
        BOOST_TEST(other_stream.told() == 0);
        // They would have been told, too.
        (void)co_await of.read_now("orders", "h", "alice");
        co_await until_told(of, other_group, ids[0], {"orders", "h", "alice"});
    });
}

BOOST_AUTO_TEST_CASE(are_not_sent_by_other_ends)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 4);
        listening const by(*of.broker, "orders", "g");
        co_await until_told(of, by, ids[0]);
        // What was told before this one has arrived by now; the next one is the next told.
        co_await of.round_trip();
        auto const before = by.told();
        co_await of.settle(alice, ending(ids[1]));
        co_await of.settle(alice, ending(ids[2], settle_as::dead));
        co_await of.settle(alice, release(entry_id::max()));
        co_await of.settle({"orders", "g", "stranger"}, release(ids[3]));
        co_await of.round_trip();
        BOOST_TEST(by.told() == before);
        co_await of.settle(alice, release(ids[3]));
        co_await of.round_trip();
        BOOST_TEST(by.told() == before + 1);
    });
}

BOOST_AUTO_TEST_CASE(end_with_the_interest)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        listening first(*of.broker, "orders", "g");
        listening const by(*of.broker, "orders", "g");
        co_await until_told(of, by, ids[0]);
        auto const before = first.told();
        auto settling = of.start(of.settle(alice, release(ids[0])));
        first.end();
        (void)co_await settling.get();
        co_await until_told(of, by, ids[0]);
        BOOST_TEST(first.told() == before);
        // And can begin again.
        listening const again(*of.broker, "orders", "g");
        co_await until_told(of, again, ids[0]);
    });
}

BOOST_AUTO_TEST_CASE(may_end_their_own_interest)
{
    check([](bed& of) -> asio::awaitable<void> {
        auto const ids = co_await of.deliver(alice, 1);
        listening const by(*of.broker, "orders", "g");
        auto const own = std::make_shared<std::unique_ptr<watching>>();
        auto const told = std::make_shared<int>(0);
        *own = of.broker->watch("orders", "g", [=] {
            ++*told;
            own->reset();
        });
        while (*told == 0)
            co_await until_told(of, by, ids[0]);
        co_await until_told(of, by, ids[0]);
        BOOST_TEST(*told == 1);
    });
}

BOOST_AUTO_TEST_CASE(and_interests_outlive_the_broker)
{
    check([](bed& of) -> asio::awaitable<void> {
        listening by(*of.broker, "orders", "g");
        co_await of.ensure_group("orders", "g");
        of.broker->close();
        listening const late(*of.broker, "orders", "g");
        of.broker.reset();
        by.end();
    });
}

BOOST_AUTO_TEST_SUITE_END()
