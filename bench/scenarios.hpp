#pragma once

#include <cstddef>

/// Each prints its figures beside those of a reference, measured in turn in the same run.
namespace bench {

struct amounts
{
    std::size_t events = 512'000;
    int pairs = 5;
};

/// Publishing to Redis, beside redis-benchmark.
void publishing(amounts const& amount);

/// Consuming from Redis, beside a bare loop on Boost.Redis.
void consuming(amounts const& amount);

/// Deliveries on Redis that fail until they are dead letters, beside redis-benchmark.
void retrying(amounts const& amount);

/// Delayed events on Redis that are due, moved into their stream, beside redis-benchmark.
void promoting(amounts const& amount);

/// Published and consumed in one process, beside Asio's channel.
void in_memory(amounts const& amount);

} // namespace bench
