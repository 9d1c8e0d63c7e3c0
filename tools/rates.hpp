#pragma once

#include "measurements.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace strandline::tools {

/// Events in a second. Nothing where two measurements do not tell it: the lag was not known exactly, or the
/// stream or the group is a new one.
struct group_rates
{
    std::optional<double> delivered;
    /// Dead ones too.
    std::optional<double> acknowledged;
};

struct stream_rates
{
    std::optional<double> appended;
    /// In the order of the measurement's groups.
    std::vector<group_rates> groups;
};

/// What happens in a second, from the differences of measurements that follow one another. What was trimmed
/// before a group has read it counts as delivered.
class rates
{
public:
    /// Since the measurement before; all nothing with the first one.
    stream_rates update(measurement const& now);

private:
    std::map<std::string, stream_statistics> before_;
};

} // namespace strandline::tools
