#pragma once

#include "consume/held.hpp"

#include <strandline/broker.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace strandline::consume {

/// Who a run is to the engine: its streams, its group, its name there, and the token by which its process
/// owns the name.
struct identity
{
    std::vector<std::string> streams;
    std::string group;
    std::string consumer;
    std::string token;

    membership in(stream_index stream) const noexcept { return {streams[stream], group, consumer, token}; }
};

} // namespace strandline::consume
