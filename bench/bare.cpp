#include "bare.hpp"

#include "redis/batch.hpp"
#include "timed.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/request.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace bench {

namespace asio = boost::asio;
namespace redis = boost::redis;

namespace {

using connection = redis::basic_connection<asio::any_io_executor>;

struct bare
{
    bare(asio::io_context& context, bare_loop what, int coroutines)
        : on(context.get_executor(), redis::logger(redis::logger::level::disabled))
        , loop(std::move(what))
        , missing(loop.events)
        , running(coroutines)
    {}

    void end_one()
    {
        if (--running == 0)
            on.cancel();
    }

    connection on;
    bare_loop loop;
    std::size_t missing;
    int running;
};

void connect(std::shared_ptr<bare> const& self, std::uint16_t port)
{
    redis::config config;
    config.addr = {"127.0.0.1", std::to_string(port)};
    config.read_buffer_append_size = 64 * 1024;
    self->on.async_run(config, [self](boost::system::error_code) {});
}

redis::request reading(bare_loop const& loop)
{
    redis::request read;
    auto const count = std::to_string(loop.count);
    std::vector<std::string_view> arguments{"GROUP", loop.group, "c", "COUNT", count};
    if (loop.waits)
        arguments.insert(arguments.end(), {"BLOCK", "1000"});
    if (!loop.acknowledges)
        arguments.push_back("NOACK");
    arguments.push_back("STREAMS");
    arguments.insert(arguments.end(), loop.streams.begin(), loop.streams.end());
    arguments.insert(arguments.end(), loop.streams.size(), loop.from);
    read.push_range("XREADGROUP", arguments);
    return read;
}

/// One XACK for the entries of each stream, which stand together.
redis::request acknowledging(bare_loop const& loop, std::vector<strandline::received> const& entries)
{
    std::vector<std::string> ids;
    ids.reserve(entries.size());
    for (auto const& entry : entries)
        ids.push_back(entry.id.to_string());
    redis::request acknowledge;
    std::vector<std::string_view> arguments;
    for (std::size_t first = 0; first != entries.size();) {
        arguments.assign({loop.streams[entries[first].stream], loop.group});
        auto last = first;
        while (last != entries.size() && entries[last].stream == entries[first].stream)
            arguments.push_back(ids[last++]);
        acknowledge.push_range("XACK", arguments);
        first = last;
    }
    return acknowledge;
}

asio::awaitable<void> read_and_acknowledge(std::shared_ptr<bare> self)
{
    auto const& loop = self->loop;
    std::vector<std::string_view> const streams(loop.streams.begin(), loop.streams.end());
    std::vector<strandline::received> entries;
    std::size_t block = 64 * 1024;
    while (self->missing != 0) {
        auto const read = reading(loop);
        entries.clear();
        strandline::redis::read_reply reply(streams, block, entries);
        auto const [broken, size] = co_await self->on.async_exec(read, reply.adapter(), asio::as_tuple);
        if (broken)
            throw boost::system::system_error(broken);
        if (reply.error())
            throw std::runtime_error(reply.error().message());
        if (entries.empty()) {
            if (loop.waits)
                continue;
            break; // the other one has the rest
        }
        block = reply.size() + reply.size() / 8;
        self->missing -= entries.size();
        if (loop.seen)
            loop.seen(entries.size());
        if (loop.acknowledges)
            co_await self->on.async_exec(acknowledging(loop, entries), redis::any_adapter{});
    }
    self->end_one();
}

asio::awaitable<void>
add(std::shared_ptr<bare> self, std::string stream, std::string content, std::size_t events)
{
    constexpr std::size_t at_once = 64;
    while (events != 0) {
        redis::request adding;
        auto const some = std::min(events, at_once);
        for (std::size_t i = 0; i != some; ++i)
            adding.push("XADD", stream, "*", "body", content);
        co_await self->on.async_exec(adding, redis::any_adapter{});
        events -= some;
    }
    self->end_one();
}

} // namespace

void consume_bare(asio::io_context& context, std::uint16_t port, bare_loop loop)
{
    auto const readers = loop.readers;
    auto const self = std::make_shared<bare>(context, std::move(loop), readers);
    connect(self, port);
    for (int i = 0; i != readers; ++i)
        asio::co_spawn(context, read_and_acknowledge(self), rethrow);
}

void publish_bare(
    asio::io_context& context, std::uint16_t port, std::string stream, std::string content, std::size_t events
)
{
    constexpr int writers = 8;
    auto const self = std::make_shared<bare>(context, bare_loop{}, writers);
    connect(self, port);
    for (int i = 0; i != writers; ++i)
        asio::co_spawn(context, add(self, stream, content, events / writers), rethrow);
}

} // namespace bench
