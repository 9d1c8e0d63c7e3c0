#pragma once

#include <algorithm>
#include <cstddef>

namespace strandline::consume {

/// The places for deliveries with bodies. Whoever is about to get one reserves first: a read under way holds
/// a place for each entry that it may bring.
class slots
{
public:
    explicit slots(std::size_t limit) : limit_(limit) {}

    std::size_t limit() const noexcept { return limit_; }

    std::size_t taken() const noexcept { return taken_; }

    std::size_t free() const noexcept { return limit_ - std::min(limit_, taken_); }

    void set_limit(std::size_t limit) noexcept { limit_ = limit; }

    void reserve(std::size_t count) noexcept { taken_ += count; }

    void release(std::size_t count) noexcept { taken_ -= count; }

private:
    std::size_t limit_;
    std::size_t taken_ = 0;
};

} // namespace strandline::consume
