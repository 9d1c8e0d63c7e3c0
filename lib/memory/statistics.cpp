// What there is to be counted.

#include "memory/engine.hpp"

namespace strandline::memory {

asio::awaitable<result<lock_info>> engine::inspect_lock(std::string_view)
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<server_info>> engine::inspect_server()
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<std::vector<stream_statistics>>> engine::measure(std::span<std::string_view const>)
{
    co_return failure(errc::unavailable);
}

} // namespace strandline::memory
