#pragma once

#include "support/redis_server.hpp"

#include <cstddef>
#include <cstdint>

namespace bench {

/// What a server has used so far, by its INFO.
struct server_usage
{
    /// Of clients, and within scripts.
    double commands = 0;
    /// Seconds of its processor time.
    double cpu = 0;

    /// Without the asking itself.
    static server_usage of(strandline::testing::redis_server const& server);

    server_usage operator-(server_usage const& before) const
    {
        return {commands - before.commands, cpu - before.cpu};
    }
};

/// What this thread has used so far.
struct thread_usage
{
    /// Seconds of processor time.
    double cpu = 0;
    double context_switches = 0;
    /// Counted by this program's own `operator new`.
    double allocations = 0;

    static thread_usage now();

    thread_usage operator-(thread_usage const& before) const
    {
        return {
            cpu - before.cpu, context_switches - before.context_switches, allocations - before.allocations
        };
    }
};

/// Bytes that this program has allocated and not freed, as the allocator rounds them.
std::int64_t heap_bytes() noexcept;

} // namespace bench
