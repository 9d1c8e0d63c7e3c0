#include "redis/trouble.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace strandline::testing {

redis_options impatient(redis_server const& server)
{
    redis_options options;
    options.unix_socket = server.socket();
    options.connect_timeout = 300ms;
    options.health_check_interval = 300ms;
    options.min_reconnect_delay = 5ms;
    options.max_reconnect_delay = 50ms;
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
