#include "bare.hpp"
#include "consume.hpp"
#include "fill.hpp"
#include "latency.hpp"
#include "publish.hpp"
#include "server.hpp"
#include "suite.hpp"
#include "support/redis_proxy.hpp"

#include <memory>

namespace bench {

namespace {

using strandline::broker_ptr;
using strandline::testing::redis_proxy;

constexpr std::chrono::milliseconds each_way{1};

/// Stands before the scenario's server as long as the scenario runs.
std::uint16_t far_port(run& with, std::shared_ptr<std::unique_ptr<redis_proxy>> const& kept)
{
    *kept = std::make_unique<redis_proxy>(with.server().socket());
    (*kept)->delay_new(each_way);
    return (*kept)->port();
}

using measuring = std::function<sample(run&, std::uint16_t)>;

scenario far_away(
    std::string name, std::vector<figure> figures, std::function<void(run&)> prepare, measuring ours,
    std::string reference, measuring reference_run
)
{
    auto const far = [](measuring measure) {
        return [=, kept = std::make_shared<std::unique_ptr<redis_proxy>>()](run& with) {
            auto values = measure(with, far_port(with, kept));
            kept->reset();
            return values;
        };
    };
    scenario one;
    one.name = "network-1ms/" + std::move(name);
    one.figures = std::move(figures);
    one.prepare = std::move(prepare);
    one.ours = far(std::move(ours));
    one.reference = std::move(reference);
    one.reference_run = far(std::move(reference_run));
    return one;
}

} // namespace

/// Each piece of the bytes arrives a millisecond later, each way. Both sides go through the same proxy.
void add_network(suite& to)
{
    constexpr std::size_t published = 102'400;
    constexpr std::size_t consumed = 204'800;
    std::vector<figure> const events{{"", "events/s"}};
    to.add(far_away(
        "publish-256-in-flight", events, {},
        [](run& with, std::uint16_t port) -> sample {
            return {on_broker(port, with.events(published), [&](broker_ptr broker) {
                return publish(std::move(broker), {"s"}, body, with.events(published));
            })};
        },
        "redis-benchmark -P 256 XADD",
        [](run& with, std::uint16_t port) -> sample {
            return {redis_benchmark(port, 256, with.events(published), {"XADD", "s", "*", "body", body})};
        }
    ));
    to.add(far_away(
        "consume", events, [](run& with) { fill_orders(with.server().port(), {"s"}, with.events(consumed)); },
        [](run& with, std::uint16_t port) -> sample {
            fresh_groups(with.server(), {"s"}, {"g"});
            return {on_broker(port, with.events(consumed), [&](broker_ptr broker) {
                return consume_orders(std::move(broker), everyday_options(), {"s"}, with.events(consumed));
            })};
        },
        "bare loop, 2 x XREADGROUP COUNT 500, XACK",
        [](run& with, std::uint16_t port) -> sample {
            fresh_groups(with.server(), {"s"}, {"g"});
            return {timed(with.events(consumed), [&](boost::asio::io_context& context) {
                consume_bare(context, port, {.events = with.events(consumed)});
            })};
        }
    ));
    constexpr double rate = 1'000;
    to.add(far_away(
        "latency", percentile_figures(), {},
        [](run& with, std::uint16_t port) {
            return hand_over(with.server(), port, rate, with.events(2'000));
        },
        "bare XADD to XREADGROUP",
        [](run& with, std::uint16_t port) {
            return bare_hand_over_of(with.server(), port, rate, with.events(2'000));
        }
    ));
}

} // namespace bench
