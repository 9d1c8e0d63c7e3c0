#include "core/strand.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

namespace strandline {

namespace asio = boost::asio;

namespace {

template <class Executor>
auto const* strand_in(asio::any_io_executor const& executor)
{
    return executor.target<asio::strand<Executor>>();
}

} // namespace

asio::any_io_executor make_strand_of(asio::any_io_executor const& executor)
{
    if (auto const* const context = executor.target<asio::io_context::executor_type>())
        return asio::make_strand(*context);
    if (auto const* const pool = executor.target<asio::thread_pool::executor_type>())
        return asio::make_strand(*pool);
    return asio::make_strand(executor);
}

asio::any_io_executor make_strand_beside(asio::any_io_executor const& strand)
{
    if (auto const* const of_context = strand_in<asio::io_context::executor_type>(strand))
        return asio::make_strand(of_context->get_inner_executor());
    if (auto const* const of_pool = strand_in<asio::thread_pool::executor_type>(strand))
        return asio::make_strand(of_pool->get_inner_executor());
    if (auto const* const of_other = strand_in<asio::any_io_executor>(strand))
        return asio::make_strand(of_other->get_inner_executor());
    return make_strand_of(strand);
}

} // namespace strandline
