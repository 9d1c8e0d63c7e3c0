#include "bare.hpp"
#include "consume.hpp"
#include "fill.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"

#include <strandline/consumer.hpp>

#include <stdexcept>

namespace bench {

namespace {

using strandline::broker_ptr;

constexpr std::size_t usual_backlog = 100'000;

/// Everything that waits in the stream, by a new group.
rate drain(run& with, std::string const& stream, std::size_t events)
{
    fresh_groups(with.server(), {stream}, {"g"});
    return on_broker(with.server().port(), events, [&](broker_ptr broker) {
        return consume(std::move(broker), everyday_options(), {stream}, events);
    });
}

scenario draining(std::size_t events)
{
    constexpr std::size_t huge = 10'000'000;
    scenario one;
    one.name = fmt::format("drain/backlog/{}", events);
    one.figures = {{"", "events/s"}};
    one.long_only = events >= 1'000'000;
    one.once = events == huge;
    if (one.once)
        one.figures[0].asked = demand{demand::of::ratio_at_least, 0.95};
    one.prepare = [=](run& with) {
        fill_bodies(with.server().port(), {"s"}, events, body);
        fill_bodies(with.server().port(), {"usual"}, usual_backlog, body);
    };
    one.ours = [=](run& with) -> sample { return {drain(with, "s", events)}; };
    one.reference = fmt::format("a backlog of {}", usual_backlog);
    one.reference_run = [](run& with) -> sample { return {drain(with, "usual", usual_backlog)}; };
    return one;
}

/// Entries of the stream become pending for that consumer.
void leave_pending(run& with, std::string const& stream, std::string const& consumer, std::size_t count)
{
    constexpr std::size_t most = 10'000;
    for (std::size_t left = count; left != 0;) {
        auto const some = std::min(left, most);
        // The reply has no use; inside of a script it is not sent.
        with.server().command(
            {"EVAL",
             "redis.call('XREADGROUP', 'GROUP', 'g', ARGV[1], 'COUNT', ARGV[2], 'STREAMS', KEYS[1], '>')",
             "1", stream, consumer, std::to_string(some)}
        );
        left -= some;
    }
}

/// What a consumer had pending when its process ended, handled by the next process of its name.
scenario recovering(std::size_t pending)
{
    scenario one;
    one.name = fmt::format("pending/own/{}", pending);
    one.figures = {{"", "events/s"}};
    one.long_only = pending >= 1'000'000;
    one.prepare = [=](run& with) { fill_bodies(with.server().port(), {"s"}, pending, body); };
    one.ours = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        leave_pending(with, "s", "c", pending);
        auto options = everyday_options();
        options.name = "c";
        return {on_broker(with.server().port(), pending, [&](broker_ptr broker) {
            return consume(std::move(broker), options, {"s"}, pending);
        })};
    };
    one.reference = "bare loop, XREADGROUP COUNT 500 from 0, XACK";
    one.reference_run = [=](run& with) -> sample {
        fresh_groups(with.server(), {"s"}, {"g"});
        leave_pending(with, "s", "c", pending);
        return {timed(pending, [&](boost::asio::io_context& context) {
            consume_bare(context, with.server().port(), {.events = pending, .readers = 1, .from = "0"});
        })};
    };
    return one;
}

/// New entries, while so many others are pending for another consumer of the group.
scenario consuming_beside(std::size_t pending)
{
    constexpr std::size_t fewest = 100;
    auto const measure = [](run& with, std::size_t beside) -> sample {
        with.server().command({"FLUSHALL"});
        fill_bodies(with.server().port(), {"s"}, beside + usual_backlog, body);
        fresh_groups(with.server(), {"s"}, {"g"});
        leave_pending(with, "s", "other", beside);
        return {on_broker(with.server().port(), usual_backlog, [&](broker_ptr broker) {
            return consume(std::move(broker), everyday_options(), {"s"}, usual_backlog);
        })};
    };
    scenario one;
    one.name = fmt::format("pending/of-others/{}", pending);
    one.figures = {{"", "events/s"}};
    one.long_only = pending >= 1'000'000;
    one.ours = [=](run& with) { return measure(with, pending); };
    one.reference = fmt::format("beside {} of them", fewest);
    one.reference_run = [=](run& with) { return measure(with, fewest); };
    return one;
}

} // namespace

void add_backlogs(suite& to)
{
    for (auto const events : counts{10'000, 100'000, 1'000'000, 10'000'000})
        to.add(draining(events));
    for (auto const pending : counts{100, 10'000, 1'000'000})
        to.add(recovering(pending));
    for (auto const pending : counts{100, 1'000, 10'000, 100'000, 1'000'000})
        to.add(consuming_beside(pending));
}

} // namespace bench
