#include "redis/ask.hpp"

#include <utility>

namespace strandline::redis {

asio::awaitable<result<node_replies>>
ask(std::shared_ptr<connection> connected, boost::redis::request const& command)
{
    node_replies replies;
    if (auto broken = co_await connected->exec(command, replies))
        co_return broken;
    if (auto refused = replies.error(0))
        co_return refused;
    co_return replies;
}

asio::awaitable<result<std::uint64_t>> ask_for_number(
    std::shared_ptr<connection> connected, boost::redis::request const& command, std::string_view name
)
{
    auto const replies = co_await ask(std::move(connected), command);
    if (!replies)
        co_return replies.error();
    node_walk walk(replies->reply(0));
    auto const number = walk.number();
    if (!walk.ok())
        co_return unexpected_reply(name);
    co_return number;
}

} // namespace strandline::redis
