#include "publish.hpp"

#include "server.hpp"
#include "suite.hpp"

#include <strandline/codec.hpp>
#include <strandline/error.hpp>

namespace bench {

namespace {

using awaitable = boost::asio::awaitable<void>;

/// Fewer where they are larger, so that the server has place for them and the run is as long.
std::size_t events_of(std::size_t bytes)
{
    return bytes > 4'096 ? 32'768 : bytes > 512 ? 256'000 : 512'000;
}

scenario publishing(
    std::string name, std::size_t events, std::size_t depth, std::vector<std::string> command,
    std::function<awaitable(strandline::broker_ptr, std::size_t)> work, std::optional<demand> asked = {}
)
{
    scenario one;
    one.name = std::move(name);
    one.figures = {{"", "events/s", asked}};
    one.ours = [events, work = std::move(work)](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        auto const count = with.events(events);
        return {on_broker(with.server().port(), count, [&](strandline::broker_ptr broker) {
            return work(std::move(broker), count);
        })};
    };
    one.reference = fmt::format("redis-benchmark -P {} XADD", depth);
    one.reference_run = [=, command = std::move(command)](run& with) -> sample {
        with.server().command({"FLUSHALL"});
        return {redis_benchmark(with.server().port(), depth, with.events(events), command)};
    };
    return one;
}

std::vector<std::string> adding(std::string const& content)
{
    return {"XADD", "s", "*", "body", content};
}

std::string orders_body()
{
    std::string json;
    if (auto why = strandline::encode(some_order, json))
        throw strandline::error(std::move(why));
    // As many bytes, without the quotes and commas that redis-benchmark's report would stumble over.
    return std::string(json.size(), 'x');
}

} // namespace

/// Beside redis-benchmark, which sends as much as there is to be under way in one piece, and does nothing
/// with the answers.
void add_publishing(suite& to)
{
    using strandline::broker_ptr;
    constexpr auto at_least = demand::of::ratio_at_least;

    for (auto const& [in_flight, events] :
         {std::pair<std::size_t, std::size_t>(1, 20'480), {16, 204'800}, {256, 512'000}, {1'024, 524'288}})
        to.add(publishing(
            fmt::format("publish/in-flight/{}", in_flight), events, in_flight, adding(body),
            [depth = in_flight](broker_ptr broker, std::size_t count) {
                return publish(std::move(broker), {"s"}, body, count, depth);
            },
            in_flight == 256 ? std::optional(demand{at_least, 1.1}) : std::nullopt
        ));
    for (auto const size : counts{10, 100, 1'000})
        to.add(publishing(
            fmt::format("publish/batch/{}", size), 512'000, size, adding(body),
            [=](broker_ptr broker, std::size_t count) {
                return publish_batches(std::move(broker), "s", body, count, size);
            },
            size == 1'000 ? std::optional(demand{at_least, 1.0}) : std::nullopt
        ));
    to.add(publishing(
        "publish/structs", 512'000, 256, adding(orders_body()),
        [](broker_ptr broker, std::size_t count) {
            return publish(std::move(broker), {"s"}, some_order, count);
        }
    ));
    to.add(publishing(
        "publish/structs-in-batches", 512'000, 1'000, adding(orders_body()),
        [](broker_ptr broker, std::size_t count) {
            return publish_batches(std::move(broker), "s", some_order, count, 1'000);
        }
    ));
    for (auto const bytes : counts{16, 100, 1'024, 16'384}) {
        std::string const content(bytes, 'x');
        to.add(publishing(
            fmt::format("publish/payload/{}", bytes), events_of(bytes), 256, adding(content),
            [=](broker_ptr broker, std::size_t count) {
                return publish(std::move(broker), {"s"}, content, count);
            }
        ));
    }
    for (auto const streams : counts{1, 8, 64, 512})
        to.add(publishing(
            fmt::format("publish/streams/{}", streams), 512'000, 256,
            {"-r", std::to_string(streams), "XADD", "s:__rand_int__", "*", "body", body},
            [=](broker_ptr broker, std::size_t count) {
                return publish(std::move(broker), stream_names(streams), body, count);
            }
        ));
}

} // namespace bench
