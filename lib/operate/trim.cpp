#include <strandline/names.hpp>
#include <strandline/trim.hpp>

namespace strandline::detail {

asio::awaitable<result<std::uint64_t>> trim(broker& of, std::string_view stream, retention keep)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    co_return co_await of.trim(stream, keep);
}

} // namespace strandline::detail
