#include "latency.hpp"

#include "fill.hpp"
#include "publish.hpp"
#include "redis/batch.hpp"
#include "server.hpp"

#include <strandline/consumer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/redis/connection.hpp>

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>

namespace bench {

namespace asio = boost::asio;
namespace redis = boost::redis;

namespace {

using microseconds = std::chrono::duration<double, std::micro>;
using connection = redis::basic_connection<asio::any_io_executor>;

/// Events that are due at fixed times, whatever becomes of those before: a time counts from when its event
/// should have been sent, so that a delay shows in all that came behind it.
class timetable
{
public:
    timetable(double rate, std::size_t events) : between_(1 / rate), late_(events) {}

    std::size_t events() const noexcept { return late_.size(); }

    /// Calls `send` with each body when it is due.
    asio::awaitable<void> follow(std::function<void(std::string)> send)
    {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        begin_ = clock::now() + std::chrono::milliseconds(50);
        for (std::size_t i = 0; i != events(); ++i) {
            if (due(i) > clock::now()) {
                timer.expires_at(due(i));
                co_await timer.async_wait();
            }
            else if (i % 64 == 0)
                co_await asio::post(asio::use_awaitable); // the others of this thread come to their turn
            auto content = body;
            std::memcpy(content.data(), &i, sizeof i);
            send(std::move(content));
        }
    }

    /// Returns whether it was the last one.
    bool arrived(std::string_view content)
    {
        std::size_t number = 0;
        std::memcpy(&number, content.data(), sizeof number);
        late_.at(number) = microseconds(clock::now() - due(number)).count();
        return ++arrived_ == events();
    }

    /// Of all but the first tenth, while which connections are made and memory is found.
    sample percentiles()
    {
        std::vector<double> times(late_.begin() + static_cast<std::ptrdiff_t>(events() / 10), late_.end());
        std::ranges::sort(times);
        sample result;
        for (auto const part : {0.5, 0.9, 0.99, 0.999})
            result.push_back(times[static_cast<std::size_t>(static_cast<double>(times.size()) * part)]);
        result.push_back(times.back());
        return result;
    }

private:
    clock::time_point due(std::size_t number) const
    {
        return begin_ + std::chrono::duration_cast<clock::duration>(between_ * static_cast<double>(number));
    }

    std::chrono::duration<double> between_;
    clock::time_point begin_;
    std::vector<double> late_;
    std::size_t arrived_ = 0;
};

/// The library's two ends, with timeouts, in one thread.
asio::awaitable<void> publish_and_handle(strandline::broker_ptr broker, timetable& table)
{
    strandline::consumer_options options;
    options.group = "g";
    options.handler_timeout = std::chrono::seconds(3);
    strandline::consumer consumer{broker, options};
    consumer.on("s", [&](strandline::delivery const& what) -> asio::awaitable<void> {
        if (table.arrived(what.body().value()))
            consumer.stop();
        co_return;
    });
    strandline::producer producer{broker};
    asio::co_spawn(
        broker->get_executor(), table.follow([&](std::string content) {
            producer.async_publish("s", content, [](strandline::failure why, strandline::entry_id) {
                if (why)
                    throw strandline::error(std::move(why));
            });
        }),
        rethrow
    );
    co_await consumer.async_run();
}

/// XADD on one connection, XREADGROUP on another, which waits; the entries are acknowledged on the first one,
/// and the next read does not wait for that.
struct bare_hand_over
{
    explicit bare_hand_over(asio::io_context& context, std::uint16_t port)
        : commands(context.get_executor(), redis::logger(redis::logger::level::disabled))
        , reading(context.get_executor(), redis::logger(redis::logger::level::disabled))
    {
        redis::config config;
        config.addr = {"127.0.0.1", std::to_string(port)};
        config.read_buffer_append_size = 64 * 1024;
        for (auto* const one : {&commands, &reading})
            one->async_run(config, [](boost::system::error_code) {});
    }

    void send(redis::request what)
    {
        auto const kept = std::make_shared<redis::request>(std::move(what));
        ++under_way;
        commands.async_exec(
            *kept, redis::any_adapter{},
            [this, kept](boost::system::error_code why, std::size_t) {
                if (why)
                    throw boost::system::system_error(why);
                --under_way;
                end_if_done();
            }
        );
    }

    void end_if_done()
    {
        if (is_done && under_way == 0) {
            commands.cancel();
            reading.cancel();
        }
    }

    asio::awaitable<void> handle(timetable& table)
    {
        std::vector<std::string_view> const streams{"s"};
        std::vector<strandline::received> entries;
        redis::request read;
        read.push("XREADGROUP", "GROUP", "g", "c", "COUNT", "500", "BLOCK", "1000", "STREAMS", "s", ">");
        while (!is_done) {
            entries.clear();
            strandline::redis::read_reply reply(streams, 64 * 1024, entries);
            co_await reading.async_exec(read, reply.adapter());
            std::vector<std::string> acknowledging{"s", "g"};
            for (auto const& entry : entries) {
                if (table.arrived(entry.entry.body.value()))
                    is_done = true;
                acknowledging.push_back(entry.id.to_string());
            }
            if (!entries.empty()) {
                redis::request acknowledge;
                acknowledge.push_range("XACK", acknowledging);
                send(std::move(acknowledge));
            }
        }
        end_if_done();
    }

    connection commands;
    connection reading;
    std::size_t under_way = 0;
    bool is_done = false;
};

std::vector<double> sorted_times(std::vector<double> times)
{
    std::ranges::sort(times);
    return times;
}

/// Times of what is done once and again.
template <class Once>
asio::awaitable<void> repeat(std::size_t events, std::vector<double>& times, Once once)
{
    co_await once(); // connects
    for (std::size_t i = 0; i != events; ++i) {
        auto const begin = clock::now();
        co_await once();
        times.push_back(microseconds(clock::now() - begin).count());
    }
}

sample median_and_tail(std::vector<double> times)
{
    auto const all = sorted_times(std::move(times));
    return {all[all.size() / 2], all[all.size() * 99 / 100]};
}

asio::awaitable<void>
publish_in_turn(strandline::broker_ptr broker, std::size_t events, std::vector<double>& times)
{
    strandline::producer producer{broker};
    co_await repeat(events, times, [&] { return producer.async_publish("s", body, asio::use_awaitable); });
}

asio::awaitable<void> add_in_turn(connection& on, std::size_t events, std::vector<double>& times)
{
    co_await repeat(events, times, [&]() -> asio::awaitable<void> {
        redis::request add;
        add.push("XADD", "s", "*", "body", body);
        redis::response<std::string> id;
        co_await on.async_exec(add, id);
    });
    on.cancel();
}

scenario one_at_a_time()
{
    constexpr std::size_t publishes = 5'000;
    scenario one;
    one.name = "latency/publish-one-at-a-time";
    one.figures = {{"p50", "us"}, {"p99", "us"}};
    one.ours = [](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        std::vector<double> times;
        on_broker(with.server().port(), 1, [&](strandline::broker_ptr broker) {
            return publish_in_turn(std::move(broker), with.events(publishes), times);
        });
        return median_and_tail(std::move(times));
    };
    one.reference = "bare Boost.Redis exec of the same XADD";
    one.reference_run = [](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        std::vector<double> times;
        asio::io_context context(1);
        connection on(context.get_executor(), redis::logger(redis::logger::level::disabled));
        redis::config config;
        config.addr = {"127.0.0.1", std::to_string(with.server().port())};
        on.async_run(config, [](boost::system::error_code) {});
        asio::co_spawn(context, add_in_turn(on, with.events(publishes), times), rethrow);
        context.run();
        return median_and_tail(std::move(times));
    };
    return one;
}

} // namespace

std::vector<figure> percentile_figures()
{
    return {{"p50", "us"}, {"p90", "us"}, {"p99", "us"}, {"p99.9", "us"}, {"max", "us"}};
}

sample hand_over(redis_server const& server, std::uint16_t port, double rate, std::size_t events)
{
    server.command({"FLUSHALL"});
    timetable table(rate, events);
    on_broker(port, events, [&](strandline::broker_ptr broker) {
        return publish_and_handle(std::move(broker), table);
    });
    return table.percentiles();
}

sample bare_hand_over_of(redis_server const& server, std::uint16_t port, double rate, std::size_t events)
{
    server.command({"FLUSHALL"});
    fresh_groups(server, {"s"}, {"g"});
    timetable table(rate, events);
    asio::io_context context(1);
    bare_hand_over bare(context, port);
    asio::co_spawn(context, bare.handle(table), rethrow);
    asio::co_spawn(
        context, table.follow([&](std::string content) {
            redis::request add;
            add.push("XADD", "s", "*", "body", content);
            bare.send(std::move(add));
        }),
        rethrow
    );
    context.run();
    return table.percentiles();
}

/// From when an event should have been sent to when its handler starts, publisher and consumer in one thread.
void add_latency(suite& to)
{
    to.add(one_at_a_time());
    for (auto const rate : counts{1'000, 10'000, 50'000, 100'000, 200'000}) {
        auto const events = rate * 2;
        auto const per_second = static_cast<double>(rate);
        scenario one;
        one.name = fmt::format("latency/rate/{}", rate);
        one.figures = percentile_figures();
        if (rate == 1'000) {
            one.figures[0].asked = demand{demand::of::ratio_at_most, 1.15};
            one.figures[2].asked = demand{demand::of::ratio_at_most, 1.3};
        }
        one.ours = [=](run& with) {
            return hand_over(with.server(), with.server().port(), per_second, with.events(events));
        };
        one.reference = "bare XADD to XREADGROUP";
        one.reference_run = [=](run& with) {
            return bare_hand_over_of(with.server(), with.server().port(), per_second, with.events(events));
        };
        to.add(std::move(one));
    }
}

} // namespace bench
