#include "consume.hpp"
#include "publish.hpp"
#include "scenarios.hpp"
#include "server.hpp"
#include "timed.hpp"

#include <strandline/open.hpp>

#include <boost/asio/co_spawn.hpp>

namespace bench {

namespace asio = boost::asio;

void consuming(amounts const& amount)
{
    strandline::testing::redis_server server({.tcp = true, .arguments = {}});
    auto const on_server = [&](auto work) {
        return timed(amount.events, [&](asio::io_context& context) {
            auto broker = strandline::open(context.get_executor(), url_of(server));
            auto const strand = broker->get_executor();
            asio::co_spawn(strand, work(std::move(broker)), rethrow);
        });
    };
    auto const fresh_group = [&] {
        server.command({"XGROUP", "DESTROY", "s", "g"});
        server.command({"XGROUP", "CREATE", "s", "g", "0"});
    };
    auto const bare = [&] {
        fresh_group();
        return timed(amount.events, [&](asio::io_context& context) {
            consume_bare(context, server.port(), "s", "g", amount.events);
        });
    };
    constexpr auto reference = "bare Boost.Redis loop, 2 XREADGROUP COUNT 500";

    on_server([&](auto broker) { return publish_orders(std::move(broker), "s", amount.events); });
    compare(
        "consume and acknowledge", reference,
        [&] {
            fresh_group();
            return on_server([&](auto broker) {
                return consume(std::move(broker), "s", "g", amount.events, std::chrono::seconds(0));
            });
        },
        bare, amount.pairs
    );
    compare(
        "the same with JSON decoded and handler_timeout", reference,
        [&] {
            fresh_group();
            return on_server([&](auto broker) {
                return consume_orders(std::move(broker), "s", "g", amount.events);
            });
        },
        bare, amount.pairs
    );

    fresh_group();
    auto const requests = amount.events / 500;
    fmt::print(
        "{:<52} {:>9.0f}/s\n\n", "redis-benchmark -P 1 -c 1 XREADGROUP COUNT 500",
        500 * redis_benchmark(
                  server, {"-P", "1", "-c", "1", "-n", std::to_string(requests), "XREADGROUP", "GROUP", "g",
                           "c", "COUNT", "500", "STREAMS", "s", ">"}
              )
    );
}

} // namespace bench
