#include "configure/times.hpp"

#include <fmt/format.h>

namespace strandline::configure {

namespace {

using std::chrono::milliseconds;

failure check(milliseconds value, milliseconds least)
{
    if (value >= least && value <= std::chrono::hours(24))
        return {};
    return {
        errc::invalid_option,
        fmt::format("must be from {} ms to 24 hours, and is {} ms", least.count(), value.count())
    };
}

} // namespace

failure check_connect_timeout(milliseconds value)
{
    return check(value, milliseconds(1));
}

failure check_health_check_interval(milliseconds value)
{
    return check(value, milliseconds(100));
}

} // namespace strandline::configure
