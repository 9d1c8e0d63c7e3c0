#include "command_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace bench {

namespace {

std::uint64_t number_after(std::string_view line, std::string_view label)
{
    std::uint64_t number = 0;
    if (auto const found = line.find(label); found != line.npos)
        std::from_chars(line.data() + found + label.size(), line.data() + line.size(), number);
    return number;
}

} // namespace

// cmdstat_xack:calls=3,usec=12,usec_per_call=4.00,rejected_calls=0,failed_calls=0
command_counts command_counts::of(strandline::testing::redis_server const& server)
{
    constexpr std::string_view prefix = "cmdstat_";
    command_counts counts;
    auto const text = server.command({"INFO", "commandstats"});
    for (std::string_view rest = text; !rest.empty();) {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (line.starts_with(prefix))
            counts.commands_.push_back(
                {std::string(line.substr(prefix.size(), line.find(':') - prefix.size())),
                 number_after(line, "calls="), number_after(line, "usec=")}
            );
    }
    std::ranges::sort(counts.commands_, std::greater(), &command::calls);
    return counts;
}

void command_counts::print(std::size_t events) const
{
    auto const each = [&](std::uint64_t sum) {
        return static_cast<double>(sum) / static_cast<double>(events);
    };
    fmt::print("{:<24} {:>16} {:>22}\n", "  server command", "calls per event", "microseconds per event");
    std::uint64_t sum = 0;
    for (auto const& [name, calls, microseconds] : commands_) {
        sum += calls;
        if (each(calls) >= 0.001)
            fmt::print("  {:<22} {:>16.3f} {:>22.3f}\n", name, each(calls), each(microseconds));
    }
    fmt::print("  {:<22} {:>16.3f}\n\n", "all", each(sum));
}

} // namespace bench
