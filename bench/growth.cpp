#include "consume.hpp"
#include "fill.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"
#include "usage.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>

namespace bench {

namespace asio = boost::asio;

namespace {

constexpr std::size_t handled = 102'400;

struct consuming
{
    std::vector<std::string> streams = {"s"};
    std::vector<std::string> groups = {"g"};
    strandline::consumer_options options = everyday_options();
    /// Each group handles so many.
    std::size_t events = handled;
};

/// What a delivery costs this thread and the server.
sample cost_of(run& with, consuming const& what)
{
    fresh_groups(with.server(), what.streams, what.groups);
    auto const server_before = server_usage::of(with.server());
    auto const before = thread_usage::now();
    timed(1, [&](asio::io_context& context) {
        for (auto const& group : what.groups) {
            auto broker = strandline::open(context.get_executor(), url_of(with.server().port()));
            auto const strand = broker->get_executor();
            auto options = what.options;
            options.group = group;
            asio::co_spawn(
                strand, consume(std::move(broker), std::move(options), what.streams, what.events), rethrow
            );
        }
    });
    auto const client = thread_usage::now() - before;
    auto const server = server_usage::of(with.server()) - server_before;
    auto const deliveries = static_cast<double>(what.events * what.groups.size());
    return {client.cpu * 1e6 / deliveries, server.cpu * 1e6 / deliveries};
}

/// The same with so much of the factor.
using measuring = std::function<sample(run&, std::size_t)>;

void add_growing(
    suite& to, std::string const& factor, std::vector<std::size_t> const& values, measuring measure
)
{
    for (auto const value : values) {
        scenario one;
        one.name = fmt::format("growth/{}/{}", factor, value);
        one.figures = {{"client cpu", "us/event"}, {"server cpu", "us/event"}};
        one.long_only = value >= 1'000'000;
        auto const measured = [=](run& with, std::size_t much) {
            with.server().command({"FLUSHALL"});
            return measure(with, much);
        };
        one.ours = [=](run& with) { return measured(with, value); };
        one.reference = fmt::format("{} of them", values.front());
        one.reference_run = [=, least = values.front()](run& with) { return measured(with, least); };
        to.add(std::move(one));
    }
}

} // namespace

/// How the cost of an event grows with what there is of it; beside the least of each factor, so that a ratio
/// of 1 is a flat line.
void add_growth(suite& to)
{
    add_growing(to, "backlog", {100'000, 300'000, 1'000'000, 3'000'000}, [](run& with, std::size_t backlog) {
        fill_bodies(with.server().port(), {"s"}, backlog, body);
        consuming what;
        what.events = 100'000;
        return cost_of(with, what);
    });
    add_growing(to, "groups", {1, 4, 16, 64}, [](run& with, std::size_t groups) {
        consuming what;
        // Enough of them that what each group costs once does not show.
        what.events = std::max<std::size_t>(handled / groups, 12'800);
        what.groups.clear();
        for (std::size_t i = 0; i != groups; ++i)
            what.groups.push_back("g" + std::to_string(i));
        fill_bodies(with.server().port(), {"s"}, what.events, body);
        return cost_of(with, what);
    });
    add_growing(to, "streams", {1, 8, 64, 512}, [](run& with, std::size_t streams) {
        consuming what;
        what.streams = stream_names(streams);
        what.events = std::max(handled, streams * 1'000);
        fill_bodies(with.server().port(), what.streams, what.events, body);
        return cost_of(with, what);
    });
    add_growing(to, "keys", {1, 10, 100, 1'000, 10'000, 100'000}, [](run& with, std::size_t keys) {
        fill_keyed(with.server().port(), handled, keys);
        consuming what;
        what.options.order = strandline::ordering::by_key;
        return cost_of(with, what);
    });
    add_growing(to, "in-flight", {100, 1'000, 10'000, 100'000}, [](run& with, std::size_t in_flight) {
        fill_bodies(with.server().port(), {"s"}, handled, body);
        consuming what;
        what.options.max_in_flight = in_flight;
        return cost_of(with, what);
    });
}

} // namespace bench
