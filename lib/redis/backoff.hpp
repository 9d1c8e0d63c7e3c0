#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace strandline::redis {

/// How long to wait before the next attempt to connect: exponential, with noise, so that the clients of a
/// restarted server do not all come back at once.
class backoff
{
public:
    using duration = std::chrono::milliseconds;

    backoff(duration min, duration max, std::uint32_t seed) : min_(min), max_(max), delay_(min), noise_(seed)
    {}

    /// Between half and the whole of a delay that doubles from `min` to `max`.
    duration next()
    {
        auto const delay = delay_;
        delay_ = std::min(delay_ * 2, max_);
        return duration(std::uniform_int_distribution(delay.count() - delay.count() / 2, delay.count())(noise_
        ));
    }

    void reset() { delay_ = min_; }

private:
    duration min_;
    duration max_;
    duration delay_;
    std::minstd_rand noise_;
};

} // namespace strandline::redis
