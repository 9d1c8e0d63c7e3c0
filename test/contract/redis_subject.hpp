#pragma once

#include "support/redis_server.hpp"

namespace strandline::testing {

/// The server that the engine under test works on, for tests that look at it or break something; started when
/// it is first asked for.
redis_server& server_under_test();

} // namespace strandline::testing
