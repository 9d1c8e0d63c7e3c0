// What happens to a server while events flow: nothing is lost but what the server itself has lost, and no
// handler runs again whose process lives.

#include "redis/trouble.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// The ids and bodies of all that the stream holds.
std::map<entry_id, std::string> entries_in(redis_server const& server)
{
    std::istringstream lines(server.command(
        {"EVAL",
         "local all = {} "
         "for _, entry in ipairs(redis.call('XRANGE', 'orders', '-', '+')) do "
         "all[#all + 1] = entry[1] all[#all + 1] = entry[2][2] end "
         "return all",
         "0"}
    ));
    std::map<entry_id, std::string> entries;
    std::string body;
    for (std::string id; std::getline(lines, id) && std::getline(lines, body);)
        entries[*entry_id::parse(id)] = body;
    return entries;
}

/// What flows.
class flow
{
public:
    explicit flow(stage& of, consumer_options options)
        : handled(of.make_tally())
        , billing(of.make_consumer(std::move(options)))
        , of_(of)
    {
        billing->on("orders", [this](delivery const& what) -> asio::awaitable<void> {
            auto const id = what.id();
            ++begun[id];
            if (id.seq % 3 == 0)
                co_await pass(1ms);
            if (id.seq % 5 == 0 && begun[id] == 1)
                throw std::runtime_error("again");
            if (what.body() == "bad")
                throw reject("it is bad");
            ++ended[id];
            handled->add();
        });
    }

    void start()
    {
        run_.emplace(of_.start(billing));
        for (int i = 0; i != 4; ++i)
            publishing_.emplace_back(of_.strand(), publish(of_.broker, goes_on_));
    }

    asio::awaitable<void> stop_publishing()
    {
        *goes_on_ = false;
        for (auto& one : publishing_)
            co_await one.get();
        co_await of_.until_pending("orders", "billing", 0);
        // Nothing is left to be read either.
        co_await of_.until([this]() -> asio::awaitable<bool> {
            auto const groups = co_await of_.broker->inspect_groups("orders");
            auto const stream = co_await of_.broker->inspect_stream("orders");
            co_return groups&& stream && groups->size() == 1 &&
                (!stream->last || groups->front().last_delivered == stream->last) &&
                groups->front().pending == 0;
        });
    }

    asio::awaitable<ending> stop()
    {
        billing->stop();
        return run_->get();
    }

    /// Of those that did not fail.
    std::size_t count_begun_again() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(begun, [](auto const& one) {
            return one.second > (one.first.seq % 5 == 0 ? 2 : 1);
        }));
    }

    std::map<entry_id, int> begun;
    std::map<entry_id, int> ended;
    std::shared_ptr<tally> handled;
    std::shared_ptr<consumer> billing;

private:
    /// At a pace that a slow machine keeps.
    static asio::awaitable<bool> publish(broker_ptr to, std::shared_ptr<bool> goes_on)
    {
        producer out(to);
        while (*goes_on) {
            for (auto const* body : {"good", "bad", "good", "good"})
                out.async_publish("orders", std::string(body), [](failure const& why, entry_id) {
                    BOOST_TEST((!why || is_retryable(why.code())), why);
                });
            co_await pass(2ms);
        }
        co_return true;
    }

    stage& of_;
    std::shared_ptr<bool> goes_on_ = std::make_shared<bool>(true);
    std::optional<started<ending>> run_;
    std::vector<started<bool>> publishing_;
};

consumer_options under_load(std::shared_ptr<troubles> told)
{
    auto options = telling("billing", std::move(told));
    options.max_concurrency = 10;
    options.max_in_flight = 200;
    // An answer that gets lost can be that of an attempt that was counted.
    options.max_attempts = 1'000;
    return options;
}

using happening = std::function<asio::awaitable<void>(redis_server const&, troubles&)>;

/// Lets it happen again and again; all that the server still has is handled, or dead when it is bad.
void check_under_load(
    int rounds, happening const& happen, bool removes_groups, std::vector<errc> const& expected
)
{
    redis_server const server;
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        flow all(of, under_load(told));
        all.start();
        for (int round = 0; round != rounds; ++round) {
            co_await all.handled->reach(all.handled->count() + 50);
            co_await happen(server, *told);
        }
        co_await all.handled->reach(all.handled->count() + 50);
        co_await all.stop_publishing();
        auto const end = co_await all.stop();
        BOOST_TEST(!end.why, end.why);
        BOOST_TEST(end.report.unsettled == 0);
        BOOST_TEST(end.report.gone == 0);

        std::size_t lost = 0;
        std::size_t bad = 0;
        auto const left = entries_in(server);
        for (auto const& [id, body] : left) {
            bad += body == "bad" ? 1 : 0;
            lost += body == "bad" || all.ended.contains(id) ? 0 : 1;
        }
        BOOST_TEST(lost == 0);
        BOOST_TEST(left.size() != 0);
        if (!removes_groups) {
            BOOST_TEST(end.report.lost == 0);
            BOOST_TEST(all.count_begun_again() == 0);
            BOOST_TEST(end.report.dead == bad);
            BOOST_TEST((co_await of.dead_letters("orders")).size() == bad);
        }
        BOOST_TEST(told->has(expected.front()));
        for (auto const& why : told->all())
            BOOST_TEST(std::ranges::any_of(expected, [&](errc one) { return why == one; }), why);
        BOOST_TEST_MESSAGE(
            left.size() << " events in the stream, " << all.begun.size() << " handled, "
                        << all.count_begun_again() << " of them again"
        );
    });
}

/// The same for a command that the consumer is told of.
void check_command(std::initializer_list<std::string_view> words)
{
    check_under_load(
        5,
        [&](redis_server const& server, troubles& told) -> asio::awaitable<void> {
            auto const before = told.all().size();
            server.command(words);
            co_await told.reach(before + 1);
        },
        true, {errc::no_group}
    );
}

} // namespace

BOOST_AUTO_TEST_SUITE(under_load)

BOOST_AUTO_TEST_CASE(killed_connections_lose_nothing_and_repeat_nothing)
{
    std::mt19937 from(std::random_device{}());
    check_under_load(
        30,
        [&](redis_server const& server, troubles&) -> asio::awaitable<void> {
            // The one that reads, the one for commands, or both.
            auto const which = from() % 3;
            std::istringstream lines(server.command({"CLIENT", "LIST"}));
            for (std::string line; std::getline(lines, line);) {
                auto const reads = line.find(" cmd=xreadgroup ") != line.npos;
                if (line.find(" name=strandline ") != line.npos && which != (reads ? 1 : 0))
                    server.command({"CLIENT", "KILL", "ID", line.substr(3, line.find(' ') - 3)});
            }
            co_return;
        },
        false, {errc::connection_lost, errc::unreachable}
    );
}

BOOST_AUTO_TEST_CASE(a_flushed_server_loses_nothing_that_comes_after)
{
    check_command({"FLUSHALL"});
}

BOOST_AUTO_TEST_CASE(a_removed_stream_loses_nothing_that_comes_after)
{
    check_command({"DEL", "orders"});
}

BOOST_AUTO_TEST_CASE(a_removed_group_loses_nothing)
{
    check_command({"XGROUP", "DESTROY", "orders", "billing"});
}

BOOST_AUTO_TEST_CASE(full_memory_loses_nothing_that_was_stored)
{
    check_under_load(
        3,
        [](redis_server const& server, troubles& told) -> asio::awaitable<void> {
            auto const before = told.all().size();
            server.command({"XADD", "orders", "*", "body", "bad"});
            // This thread has not heard of it: its dead letter is the first that is refused.
            server.command({"CONFIG", "SET", "maxmemory", "1"});
            co_await told.reach(before + 1);
            server.command({"CLIENT", "KILL", "TYPE", "normal"});
            co_await told.reach(before + 2);
            server.command({"CONFIG", "SET", "maxmemory", "0"});
        },
        false, {errc::out_of_memory, errc::connection_lost, errc::unreachable}
    );
}

BOOST_AUTO_TEST_SUITE_END()
