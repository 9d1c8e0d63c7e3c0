// What there is to be counted.

#include "memory/engine.hpp"

namespace strandline::memory {

namespace {

asio::awaitable<result<std::vector<stream_statistics>>>
measure_all(std::shared_ptr<core> engine, std::span<std::string_view const> streams)
{
    if (engine->closed)
        co_return failure(errc::closed);
    auto const now = engine->now();
    std::vector<stream_statistics> all;
    for (auto const stream : streams)
        all.push_back(engine->streams.measure(stream, now));
    co_return all;
}

asio::awaitable<result<server_info>> inspect(std::shared_ptr<core> engine)
{
    if (engine->closed)
        co_return failure(errc::closed);
    co_return server_info{.version = "memory"};
}

} // namespace

asio::awaitable<result<std::vector<stream_statistics>>>
engine::measure(std::span<std::string_view const> streams)
{
    return measure_all(core_, streams);
}

asio::awaitable<result<server_info>> engine::inspect_server()
{
    return inspect(core_);
}

} // namespace strandline::memory
