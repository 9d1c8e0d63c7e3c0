#include <strandline/detail/duration.hpp>

#include <charconv>
#include <cstdint>
#include <limits>

namespace strandline::detail {

namespace {

/// In milliseconds; 0: there is no such unit.
std::int64_t unit(std::string_view name)
{
    if (name == "ms")
        return 1;
    if (name == "s")
        return 1'000;
    if (name == "m")
        return 60'000;
    return name == "h" ? 3'600'000 : 0;
}

} // namespace

result<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    failure const malformed(errc::invalid_option, "expected a time as 250ms, 30s, 1m or 2h");
    std::uint64_t number = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, status] = std::from_chars(text.data(), last, number);
    auto const factor = unit({end, last});
    if (status != std::errc() || factor == 0)
        return malformed;
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / factor))
        return malformed;
    return std::chrono::milliseconds(static_cast<std::int64_t>(number) * factor);
}

} // namespace strandline::detail
