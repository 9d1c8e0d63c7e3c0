#pragma once

#include "support/redis_server.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

/// What a server has done since the last CONFIG RESETSTAT, by its INFO commandstats.
class command_counts
{
public:
    static command_counts of(strandline::testing::redis_server const& server);

    /// Calls and server time for each of so many events: those of clients and those within scripts.
    void print(std::size_t events) const;

private:
    struct command
    {
        std::string name;
        std::uint64_t calls = 0;
        std::uint64_t microseconds = 0;
    };

    std::vector<command> commands_;
};

} // namespace bench
