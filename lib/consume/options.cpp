#include <strandline/consumer_options.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>

namespace strandline {

namespace {

constexpr std::size_t most = 100'000;

/// Far from where adding it to a time would overflow.
constexpr std::chrono::hours longest{24};

failure invalid(std::string_view member, std::string_view rule)
{
    return {errc::invalid_option, fmt::format("consumer_options::{} {}", member, rule)};
}

} // namespace

failure validate(consumer_options const& options)
{
    using namespace std::chrono_literals;

    if (options.group.empty())
        return invalid("group", "must be set");
    if (options.max_concurrency < 1 || options.max_concurrency > most)
        return invalid(
            "max_concurrency", fmt::format("must be from 1 to {}, and is {}", most, options.max_concurrency)
        );
    if (options.max_in_flight < options.max_concurrency)
        return invalid(
            "max_in_flight", fmt::format(
                                 "must be at least max_concurrency ({}), and is {}", options.max_concurrency,
                                 options.max_in_flight
                             )
        );
    if (options.max_in_flight > most)
        return invalid(
            "max_in_flight", fmt::format("must be at most {}, and is {}", most, options.max_in_flight)
        );
    if (options.read_count < 1 || options.read_count > most)
        return invalid(
            "read_count", fmt::format("must be from 1 to {}, and is {}", most, options.read_count)
        );
    if (options.handler_timeout < 0ms || options.handler_timeout > longest)
        return invalid(
            "handler_timeout",
            fmt::format("must be from 0 (none) to 24 hours, and is {} ms", options.handler_timeout.count())
        );
    if (options.max_attempts < 1)
        return invalid("max_attempts", "must be at least 1, and is 0");
    if (options.retry.first < 1ms)
        return invalid(
            "retry.first", fmt::format("must be at least 1 ms, and is {} ms", options.retry.first.count())
        );
    if (!(options.retry.factor >= 1 && options.retry.factor <= 100))
        return invalid("retry.factor", fmt::format("must be from 1 to 100, and is {}", options.retry.factor));
    if (options.retry.longest < options.retry.first || options.retry.longest > longest)
        return invalid(
            "retry.longest", fmt::format(
                                 "must be from retry.first ({} ms) to 24 hours, and is {} ms",
                                 options.retry.first.count(), options.retry.longest.count()
                             )
        );
    if (options.claim_interval < 10ms || options.claim_interval > longest)
        return invalid(
            "claim_interval",
            fmt::format("must be from 10 ms to 24 hours, and is {} ms", options.claim_interval.count())
        );
    if (options.lease < 100ms || options.lease > longest)
        return invalid(
            "lease", fmt::format("must be from 100 ms to 24 hours, and is {} ms", options.lease.count())
        );
    return {};
}

} // namespace strandline
