#include "core/strand.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

namespace strandline {

namespace asio = boost::asio;

asio::any_io_executor make_strand_of(asio::any_io_executor const& executor)
{
    if (auto const* const context = executor.target<asio::io_context::executor_type>())
        return asio::make_strand(*context);
    if (auto const* const pool = executor.target<asio::thread_pool::executor_type>())
        return asio::make_strand(*pool);
    return asio::make_strand(executor);
}

} // namespace strandline
