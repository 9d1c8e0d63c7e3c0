// Operations that look after streams.

#include "memory/engine.hpp"

namespace strandline::memory {

asio::awaitable<failure> engine::replay(std::string_view, std::span<replaying>)
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<transferred>> engine::transfer(
    std::string_view, std::string_view, std::string_view, std::string_view, bool, entry_id, std::size_t
)
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<collection>>
engine::collect(std::string_view, std::span<std::string_view const>, std::size_t)
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<std::size_t>> engine::remove(std::string_view, std::span<entry_id const>)
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<bool>> engine::remove_group(std::string_view, std::string_view)
{
    co_return failure(errc::unavailable);
}

std::unique_ptr<stream_reader> engine::make_follower(start_position)
{
    return nullptr;
}

asio::awaitable<result<std::vector<std::string>>> engine::list_streams()
{
    co_return failure(errc::unavailable);
}

asio::awaitable<result<std::vector<listed_entry>>>
engine::inspect_entries(std::string_view, entry_id, std::size_t)
{
    co_return failure(errc::unavailable);
}

} // namespace strandline::memory
