#include "core/refusals.hpp"

#include <strandline/detail/quoted.hpp>
#include <strandline/names.hpp>
#include <strandline/producer_options.hpp>

#include <fmt/format.h>

namespace strandline {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_in_flight = 1'000'000;
constexpr std::chrono::hours longest_timeout{24};

failure invalid(std::string_view member, std::string_view rule)
{
    return {errc::invalid_option, fmt::format("producer_options::{} {}", member, rule)};
}

} // namespace

failure validate(producer_options const& options)
{
    if (options.max_in_flight < 1 || options.max_in_flight > most_in_flight)
        return invalid(
            "max_in_flight",
            fmt::format("must be from 1 to {}, and is {}", most_in_flight, options.max_in_flight)
        );
    if (options.max_bytes_in_flight < 1)
        return invalid("max_bytes_in_flight", "must be at least 1, and is 0");
    if (options.timeout < milliseconds(1) || options.timeout > longest_timeout)
        return invalid(
            "timeout", fmt::format("must be from 1 ms to 24 hours, and is {} ms", options.timeout.count())
        );
    for (auto const& [stream, of] : options.streams) {
        if (auto const why = check_stream_name(stream))
            return invalid("streams", fmt::format("has a name that no stream can have: {}", why.words()));
        if (auto const why = check_retention(of.keep))
            return invalid("streams", fmt::format("[{}].keep: {}", detail::quoted(stream), why.words()));
    }
    return {};
}

} // namespace strandline
