#pragma once

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace strandline {

/// How a producer treats the events of one stream.
struct outlet_options
{
    /// What the stream is trimmed to with each event, whether somebody has read the rest or not. Default:
    /// nothing is removed.
    retention keep = {};
};

struct producer_options
{
    /// How many events are on their way to the engine at the same time; further ones wait, in order. From 1
    /// to 1 000 000.
    std::size_t max_in_flight = 8'192;

    /// How many bytes of bodies and headers are on their way at the same time. An event that is larger goes
    /// alone. At least 1.
    std::size_t max_bytes_in_flight = 16 * 1024 * 1024;

    /// How long a publish may take. While there is no connection events wait for it, in order, and fail with
    /// `unreachable` when this time has passed; with `timed_out` when they waited behind others; with
    /// `outcome_unknown` when they were sent and no answer came. From 1 ms to 24 hours.
    std::chrono::milliseconds timeout{30'000};

    /// What differs for single streams.
    std::map<std::string, outlet_options, std::less<>> streams = {};
};

/// Checks ranges and names; the words name the member.
failure validate(producer_options const& options);

} // namespace strandline
