#pragma once

#include <boost/asio/any_io_executor.hpp>

namespace strandline {

/// A new strand of the executor. Where that is a plain `io_context` or `thread_pool`, the strand is made of
/// the concrete type: each hand-over to it then needs no second type erasure, which allocates.
boost::asio::any_io_executor make_strand_of(boost::asio::any_io_executor const& executor);

/// A new strand of the executor of which `make_strand_of` has made that one: what blocks that one does not
/// block it, where there is another thread.
boost::asio::any_io_executor make_strand_beside(boost::asio::any_io_executor const& strand);

} // namespace strandline
