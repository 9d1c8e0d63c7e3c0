#include "publish.hpp"
#include "scenarios.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

namespace bench {

void publishing(amounts const& amount)
{
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    compare(
        "publish, 256 coroutines, 100 bytes", "redis-benchmark -P 256 -c 1 XADD",
        [&] {
            server.command({"FLUSHALL"});
            return timed(amount.events, [&](boost::asio::io_context& context) {
                auto broker = strandline::open(context.get_executor(), url_of(server));
                auto const strand = broker->get_executor();
                boost::asio::co_spawn(strand, publish(std::move(broker), "s", amount.events), rethrow);
            });
        },
        [&] {
            server.command({"FLUSHALL"});
            return redis_benchmark(
                server,
                {"-P", "256", "-c", "1", "-n", std::to_string(amount.events), "XADD", "s", "*", "body", body}
            );
        },
        amount.pairs
    );
}

} // namespace bench
