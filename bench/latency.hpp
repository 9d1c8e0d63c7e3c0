#pragma once

#include "support/redis_server.hpp"

namespace bench {

/// How long one publish takes when nothing else is under way, beside the same XADD on a bare Boost.Redis
/// connection: medians, in turn.
void compare_latency(strandline::testing::redis_server const& server, int pairs);

} // namespace bench
