#include "publish.hpp"
#include "scenarios.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

#include <stdexcept>
#include <vector>

namespace bench {

namespace asio = boost::asio;

namespace {

/// The contract's limit.
constexpr std::size_t most_in_call = 500;

constexpr std::chrono::milliseconds long_ago{1};
constexpr std::chrono::milliseconds far_away{9'000'000'000'000};

asio::awaitable<void> delay(
    strandline::broker_ptr broker, std::string_view stream, std::size_t count, std::chrono::milliseconds due
)
{
    strandline::appending item;
    item.stream = stream;
    item.entry.body = body;
    item.due.emplace(due);
    while (count != 0) {
        std::vector<strandline::appending> items(std::min<std::size_t>(count, 1000), item);
        co_await broker->append(items);
        for (auto const& one : items)
            (void)one.outcome.value();
        count -= items.size();
    }
    broker->close();
}

asio::awaitable<void> promote(strandline::broker_ptr broker, std::string_view stream, std::size_t count)
{
    while (count != 0) {
        auto const done = (co_await broker->promote_due(stream, most_in_call)).value();
        if (done.moved == 0)
            throw std::runtime_error("nothing was due");
        count -= done.moved;
    }
    broker->close();
}

} // namespace

/// One caller moves what is due. The reference adds as many entries at a time to a stream, and does not have
/// to find, to read and to remove them before. Then the same beside many that are not due.
void promoting(amounts const& amount)
{
    auto const events = std::min<std::size_t>(amount.events, 100'000);
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    auto const on_server = [&](std::size_t count, auto work) {
        return timed(count, [&](asio::io_context& context) {
            auto broker = strandline::open(context.get_executor(), url_of(server));
            auto const strand = broker->get_executor();
            asio::co_spawn(strand, work(std::move(broker)), rethrow);
        });
    };
    auto const promoted = [&](std::string_view stream) {
        server.command({"DEL", stream});
        on_server(events, [&](auto broker) { return delay(std::move(broker), stream, events, long_ago); });
        return on_server(events, [&](auto broker) { return promote(std::move(broker), stream, events); });
    };
    compare(
        "promoted, one caller, 500 a call", "redis-benchmark -P 500 -c 1 XADD", [&] { return promoted("s"); },
        [&] {
            return redis_benchmark(
                server, {"-P", "500", "-c", "1", "-n", std::to_string(events), "XADD", "r", "*", "body", body}
            );
        },
        amount.pairs
    );
    for (auto const& [stream, waiting] : {std::pair("few", 1'000U), std::pair("many", 1'000'000U)})
        on_server(waiting, [&](auto broker) { return delay(std::move(broker), stream, waiting, far_away); });
    compare(
        "promoted beside a million that wait", "beside a thousand", [&] { return promoted("many"); },
        [&] { return promoted("few"); }, amount.pairs
    );
}

} // namespace bench
