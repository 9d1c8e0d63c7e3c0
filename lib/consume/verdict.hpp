#pragma once

#include "consume/held.hpp"

#include <strandline/consumer_options.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <string_view>

namespace strandline::consume {

/// What becomes of a delivery whose handler has ended.
struct verdict
{
    enum class kind : std::uint8_t
    {
        acknowledge,
        retry,
        dead,
        release,
        /// Nothing is to be told to the engine.
        forget,
    };

    kind what = kind::acknowledge;
    /// Retry: how long it waits.
    std::chrono::milliseconds delay{0};
    /// Dead: the header `dead-reason`.
    std::string_view reason;
};

/// The rules by which a failed delivery is tried again or given up.
class judge
{
public:
    judge(std::uint32_t max_attempts, retry_options const& retry, std::uint32_t seed)
        : max_attempts_(max_attempts)
        , retry_(retry)
        , noise_(seed)
    {}

    verdict after(outcome const& how, std::uint32_t attempt)
    {
        switch (how.how) {
        case ended::returned:
            return {verdict::kind::acknowledge, {}, {}};
        case ended::released:
        case ended::cancelled:
            return {verdict::kind::release, {}, {}};
        case ended::lost:
            return {verdict::kind::forget, {}, {}};
        case ended::rejected:
            return {verdict::kind::dead, {}, "rejected"};
        case ended::undecodable:
            return {verdict::kind::dead, {}, "undecodable"};
        case ended::gave_up:
            return {verdict::kind::dead, {}, "exhausted"};
        case ended::threw:
        case ended::timed_out:
            break;
        }
        if (attempt >= max_attempts_)
            return {verdict::kind::dead, {}, "exhausted"};
        return {verdict::kind::retry, how.delay.value_or(delay_after(attempt)), {}};
    }

    /// One that would go to the dead letters, and is to be tried all the same.
    verdict reprieve() const { return {verdict::kind::retry, retry_.longest, {}}; }

    /// A delivery found pending, with this count, that no handler of this process has. A count of 1 can mean
    /// that it was read and never started, so it runs once more whatever the limit.
    bool is_exhausted(std::uint32_t recovered_with) const
    {
        return recovered_with > 1 && recovered_with >= max_attempts_;
    }

private:
    std::chrono::milliseconds delay_after(std::uint32_t attempt)
    {
        auto const longest = static_cast<double>(retry_.longest.count());
        auto const grown = static_cast<double>(retry_.first.count()) * std::pow(retry_.factor, attempt - 1.0);
        auto const whole = static_cast<std::int64_t>(std::min(grown, longest));
        return std::chrono::milliseconds(std::uniform_int_distribution(whole - whole / 2, whole)(noise_));
    }

    std::uint32_t max_attempts_;
    retry_options retry_;
    std::minstd_rand noise_;
};

} // namespace strandline::consume
