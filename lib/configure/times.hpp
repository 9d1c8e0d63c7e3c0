#pragma once

#include <strandline/error.hpp>

#include <chrono>

namespace strandline::configure {

/// The words say the rule, and do not name the place.
failure check_connect_timeout(std::chrono::milliseconds value);

failure check_health_check_interval(std::chrono::milliseconds value);

} // namespace strandline::configure
