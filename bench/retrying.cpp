#include "command_counts.hpp"
#include "fail.hpp"
#include "publish.hpp"
#include "scenarios.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

namespace bench {

namespace asio = boost::asio;

/// There is no other program to compare with. The reference is what every way to a dead letter needs at the
/// least, with nothing around it: an XADD and an XACK for each, pipelined. (The entries acknowledged are not
/// pending, so that it is quicker than the truth.)
void retrying(amounts const& amount)
{
    auto const events = std::min<std::size_t>(amount.events, 100'000);
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    auto const on_server = [&](auto work) {
        return timed(events, [&](asio::io_context& context) {
            auto broker = strandline::open(context.get_executor(), url_of(server));
            auto const strand = broker->get_executor();
            asio::co_spawn(strand, work(std::move(broker)), rethrow);
        });
    };
    auto const number = std::to_string(events);
    command_counts counts;
    compare(
        "three failed attempts, then a dead letter", "redis-benchmark -P 256 -c 1 XADD, then XACK",
        [&] {
            server.command({"FLUSHALL"});
            on_server([&](auto broker) { return publish_orders(std::move(broker), "s", events); });
            server.command({"CONFIG", "RESETSTAT"});
            auto const measured =
                on_server([&](auto broker) { return fail_all(std::move(broker), "s", "g", events); });
            counts = command_counts::of(server);
            return measured;
        },
        [&] {
            server.command({"FLUSHALL"});
            server.command({"XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"});
            auto const added = redis_benchmark(
                server, {"-P", "256", "-c", "1", "-n", number, "XADD", "s", "*", "body", body}
            );
            auto const acknowledged = redis_benchmark(
                server, {"-P", "256", "-c", "1", "-n", number, "XACK", "s", "g", "1700000000000-0"}
            );
            return 1 / (1 / added + 1 / acknowledged);
        },
        amount.pairs
    );
    counts.print(events);
}

} // namespace bench
