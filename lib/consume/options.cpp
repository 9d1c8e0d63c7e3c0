#include <strandline/consumer_options.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string_view>

namespace strandline {

namespace {

constexpr std::size_t most = 100'000;

/// Far from where adding it to a time would overflow.
constexpr std::chrono::hours longest{24};

constexpr std::size_t most_waiting = 10'000'000;

failure invalid_of(std::string_view of, std::string_view member, std::string_view rule)
{
    return {errc::invalid_option, fmt::format("{}::{} {}", of, member, rule)};
}

failure invalid(std::string_view member, std::string_view rule)
{
    return invalid_of("consumer_options", member, rule);
}

failure check(std::string_view of, retry_options const& retry)
{
    using namespace std::chrono_literals;

    if (retry.first < 1ms)
        return invalid_of(
            of, "retry.first", fmt::format("must be at least 1 ms, and is {} ms", retry.first.count())
        );
    if (!(retry.factor >= 1 && retry.factor <= 100))
        return invalid_of(of, "retry.factor", fmt::format("must be from 1 to 100, and is {}", retry.factor));
    if (retry.longest < retry.first || retry.longest > longest)
        return invalid_of(
            of, "retry.longest",
            fmt::format(
                "must be from retry.first ({} ms) to 24 hours, and is {} ms", retry.first.count(),
                retry.longest.count()
            )
        );
    return {};
}

} // namespace

failure validate_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    if (max_concurrency < 1 || max_concurrency > most)
        return invalid(
            "max_concurrency", fmt::format("must be from 1 to {}, and is {}", most, max_concurrency)
        );
    if (max_in_flight < max_concurrency)
        return invalid(
            "max_in_flight",
            fmt::format("must be at least max_concurrency ({}), and is {}", max_concurrency, max_in_flight)
        );
    if (max_in_flight > most)
        return invalid("max_in_flight", fmt::format("must be at most {}, and is {}", most, max_in_flight));
    return {};
}

failure validate(consumer_options const& options)
{
    using namespace std::chrono_literals;

    if (options.group.empty())
        return invalid("group", "must be set");
    if (auto wrong = validate_limits(options.max_concurrency, options.max_in_flight))
        return wrong;
    if (options.read_count < 1 || options.read_count > most)
        return invalid(
            "read_count", fmt::format("must be from 1 to {}, and is {}", most, options.read_count)
        );
    if (options.handler_timeout < 0ms || options.handler_timeout > longest)
        return invalid(
            "handler_timeout",
            fmt::format("must be from 0 (none) to 24 hours, and is {} ms", options.handler_timeout.count())
        );
    if (options.max_waiting < 1 || options.max_waiting > most_waiting)
        return invalid(
            "max_waiting", fmt::format("must be from 1 to {}, and is {}", most_waiting, options.max_waiting)
        );
    if (options.max_attempts < 1)
        return invalid("max_attempts", "must be at least 1, and is 0");
    if (auto wrong = check("consumer_options", options.retry))
        return wrong;
    if (options.at_most_once && options.delete_handled)
        return invalid("delete_handled", "is not possible with at_most_once");
    if (options.at_most_once && (options.on_dead || options.on_undecodable))
        return invalid(
            options.on_dead ? "on_dead" : "on_undecodable",
            "is not possible with at_most_once: nothing goes to the dead letters"
        );
    if (options.dead_letters.age < 0ms)
        return invalid(
            "dead_letters.age",
            fmt::format("must be at least 0, and is {} ms", options.dead_letters.age.count())
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

failure validate(stream_options const& options)
{
    if (options.max_attempts && *options.max_attempts < 1)
        return invalid_of("stream_options", "max_attempts", "must be at least 1, and is 0");
    return options.retry ? check("stream_options", *options.retry) : failure();
}

} // namespace strandline
