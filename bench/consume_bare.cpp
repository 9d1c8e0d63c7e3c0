#include "consume.hpp"
#include "redis/batch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/request.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace bench {

namespace asio = boost::asio;
namespace redis = boost::redis;

namespace {

using connection = redis::basic_connection<asio::any_io_executor>;

struct bare
{
    connection on;
    std::string stream;
    std::string group;
    std::size_t missing;
    int readers = 2;
};

asio::awaitable<void> read_and_acknowledge(std::shared_ptr<bare> self)
{
    std::vector<std::string_view> const streams{self->stream};
    std::vector<strandline::received> entries;
    std::size_t block = 64 * 1024;
    while (self->missing != 0) {
        redis::request read;
        read.push("XREADGROUP", "GROUP", self->group, "c", "COUNT", "500", "STREAMS", self->stream, ">");
        entries.clear();
        strandline::redis::read_reply reply(streams, block, entries);
        co_await self->on.async_exec(read, reply.adapter());
        if (reply.error())
            throw std::runtime_error(reply.error().message());
        if (entries.empty())
            break; // the other one has the rest
        block = reply.size() + reply.size() / 8;
        std::vector<std::string> ids;
        ids.reserve(entries.size());
        for (auto const& entry : entries)
            ids.push_back(entry.id.to_string());
        redis::request acknowledge;
        std::vector<std::string_view> arguments{self->stream, self->group};
        arguments.insert(arguments.end(), ids.begin(), ids.end());
        acknowledge.push_range("XACK", arguments);
        self->missing -= entries.size();
        co_await self->on.async_exec(acknowledge, redis::any_adapter{});
    }
    if (--self->readers == 0)
        self->on.cancel();
}

} // namespace

void consume_bare(
    asio::io_context& context, std::uint16_t port, std::string stream, std::string group, std::size_t events
)
{
    auto const self = std::make_shared<bare>(
        connection(context.get_executor(), redis::logger(redis::logger::level::disabled)), std::move(stream),
        std::move(group), events
    );
    redis::config config;
    config.addr = {"127.0.0.1", std::to_string(port)};
    config.read_buffer_append_size = 64 * 1024;
    self->on.async_run(config, [self](boost::system::error_code) {});
    auto const rethrow = [](std::exception_ptr thrown) {
        if (thrown)
            std::rethrow_exception(thrown);
    };
    asio::co_spawn(context, read_and_acknowledge(self), rethrow);
    asio::co_spawn(context, read_and_acknowledge(self), rethrow);
}

} // namespace bench
