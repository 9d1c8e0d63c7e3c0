#pragma once

#include "pairs.hpp"
#include "support/redis_server.hpp"

#include <string>
#include <vector>

namespace bench {

/// Runs redis-benchmark against the server and returns the requests per second that it measured. Throws what
/// it said when it failed.
rate redis_benchmark(
    strandline::testing::redis_server const& server, std::vector<std::string> const& arguments
);

inline std::string url_of(strandline::testing::redis_server const& server)
{
    return fmt::format("redis://127.0.0.1:{}", server.port());
}

} // namespace bench
