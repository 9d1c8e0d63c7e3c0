#pragma once

#include <strandline/broker.hpp>

#include <chrono>
#include <functional>

namespace strandline {

struct memory_options
{
    /// Tells the time by which ids are made and leases counted; called on the broker's strand. Default: the
    /// system's clock. It may stand still or go back; ids rise all the same.
    std::function<std::chrono::system_clock::time_point()> now;
};

/// A broker whose streams live in this process and end with it: for trying, for programs of one process and
/// for tests. A server's rules hold, its persistence does not.
broker_ptr make_memory_broker(asio::any_io_executor executor, memory_options options = {});

} // namespace strandline
