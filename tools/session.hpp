#pragma once

#include "standard_output.hpp"

#include <strandline/broker.hpp>

namespace strandline::tools {

/// What a command works with while it runs, on the broker's strand.
struct session
{
    broker_ptr broker;
    standard_output& out;
    /// Whether what is printed is for programs: one JSON value in a line.
    bool json = false;
};

} // namespace strandline::tools
