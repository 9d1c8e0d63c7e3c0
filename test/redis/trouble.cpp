#include "redis/trouble.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace strandline::testing {

namespace {

redis_options impatient()
{
    redis_options options;
    options.connect_timeout = 300ms;
    options.health_check_interval = 300ms;
    options.min_reconnect_delay = 5ms;
    options.max_reconnect_delay = 50ms;
    return options;
}

} // namespace

redis_options impatient(redis_server const& server)
{
    auto options = impatient();
    options.unix_socket = server.socket();
    return options;
}

redis_options impatient(redis_proxy const& proxy)
{
    auto options = impatient();
    options.addresses = {{"127.0.0.1", proxy.port()}};
    return options;
}

void check_on(redis_options const& options, std::function<asio::awaitable<void>(stage&)> body)
{
    check_with(
        [&](asio::any_io_executor executor) { return make_redis_broker(std::move(executor), options); },
        std::move(body)
    );
}

bool troubles::has(errc code) const
{
    return std::ranges::any_of(all_, [=](failure const& why) { return why == code; });
}

asio::awaitable<void> troubles::until(errc code)
{
    for (std::size_t seen = 0; !has(code); ++seen)
        co_await told_.reach(seen + 1);
}

consumer_options telling(std::string group, std::shared_ptr<troubles> to)
{
    auto options = in_group(std::move(group));
    options.on_error = [to = std::move(to)](failure const& why) { to->tell(why); };
    return options;
}

consumer_options leased(std::string name, std::shared_ptr<troubles> to, std::chrono::milliseconds lease)
{
    auto options = telling("billing", std::move(to));
    options.name = std::move(name);
    options.lease = lease;
    options.claim_interval = 10ms;
    return options;
}

waiting_consumer::waiting_consumer(stage const& of, consumer_options options)
    : doors(of.make_gate())
    , cancelled(of.make_tally())
    , clerk(of.make_consumer(std::move(options)))
{
    clerk->on("orders", [to = doors, out = cancelled](delivery const&) -> asio::awaitable<void> {
        try {
            co_await to->pass();
        }
        catch (boost::system::system_error const&) {
            out->add();
            throw;
        }
    });
}

void publish_to(redis_server const& server, std::size_t count)
{
    server.command(
        {"EVAL",
         "for i = 1, ARGV[1] do redis.call('XADD', 'orders', '*', 'body', string.rep('x', i % 100)) end", "0",
         std::to_string(count)}
    );
}

std::size_t count_pending(redis_server const& server, std::string_view consumer)
{
    auto const text = server.command({"XPENDING", "orders", "billing", "-", "+", "100000", consumer});
    // An id, its consumer, its idle time, its count.
    return static_cast<std::size_t>(std::ranges::count(text, '\n') + 1) / 4;
}

asio::awaitable<void> until_readers_wait(stage& of, redis_server const& server, std::size_t count)
{
    co_await of.until([&, count]() -> asio::awaitable<bool> {
        auto const clients = server.command({"CLIENT", "LIST"});
        std::size_t blocked = 0;
        for (auto at = clients.find(" flags=b"); at != clients.npos; at = clients.find(" flags=b", at + 1))
            ++blocked;
        co_return blocked >= count;
    });
}

// Not by WAIT, which knows of the writes of its own connection only.
asio::awaitable<void> until_replicated(stage& of, redis_server const& master, redis_server const& replica)
{
    auto const offset_of = [](redis_server const& server, std::string_view name) {
        auto const state = server.command({"INFO", "replication"});
        auto const found = state.find(name);
        BOOST_REQUIRE(found != state.npos);
        return std::stoll(state.substr(found + name.size()));
    };
    // Before its first synchronisation the replica has an offset, too.
    co_await of.until([&]() -> asio::awaitable<bool> {
        co_return replica.command({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
    });
    auto const wanted = offset_of(master, "master_repl_offset:");
    co_await of.until([&]() -> asio::awaitable<bool> {
        co_return offset_of(replica, "slave_repl_offset:") >= wanted;
    });
}

std::vector<std::string> connections_in(redis_server const& server, std::string_view command)
{
    std::vector<std::string> ids;
    std::istringstream lines(server.command({"CLIENT", "LIST"}));
    auto const wanted = " cmd=" + std::string(command) + " ";
    for (std::string line; std::getline(lines, line);)
        if (line.find(wanted) != line.npos)
            ids.push_back(line.substr(3, line.find(' ') - 3));
    return ids;
}

long count_commands(redis_server const& server, std::string_view command)
{
    auto const wanted = command.empty() ? std::string("total_commands_processed:")
                                        : "cmdstat_" + std::string(command) + ":calls=";
    auto const info = server.command({"INFO", command.empty() ? "stats" : "commandstats"});
    auto const found = info.find(wanted);
    return found == info.npos ? 0 : std::stol(info.substr(found + wanted.size()));
}

asio::awaitable<void> pass(std::chrono::milliseconds time)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait();
}

} // namespace strandline::testing
