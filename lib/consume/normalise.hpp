#pragma once

#include "consume/held.hpp"

#include <strandline/wire_format.hpp>

#include <string_view>

namespace strandline::consume {

/// Makes of the delivery's entry the event that the stream's format says, in memory of its own. After a
/// failure the delivery is as it was.
failure normalise(held& delivery, std::string_view stream, wire_format const& format);

} // namespace strandline::consume
