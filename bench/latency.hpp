#pragma once

#include "suite.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// p50, p90, p99, p99.9 and the greatest.
std::vector<figure> percentile_figures();

/// Events at a fixed rate, published and handled by the library on that port of the server, or of what stands
/// before it. Microseconds from when each should have been sent to when its handler starts.
sample hand_over(
    strandline::testing::redis_server const& server, std::uint16_t port, double rate, std::size_t events
);

/// The same by bare connections.
sample bare_hand_over_of(
    strandline::testing::redis_server const& server, std::uint16_t port, double rate, std::size_t events
);

} // namespace bench
