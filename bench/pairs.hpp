#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string_view>
#include <vector>

namespace bench {

/// Events per second of one run.
using rate = double;

inline double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Runs ours and its reference in turn, and prints the medians and the median of the pairs' ratios: a machine
/// whose speed drifts slows both halves of a pair.
inline double compare(
    std::string_view name, std::string_view reference_name, std::function<rate()> const& ours,
    std::function<rate()> const& reference, int pairs
)
{
    std::vector<double> our_rates;
    std::vector<double> reference_rates;
    std::vector<double> ratios;
    ours(); // warm
    for (int i = 0; i != pairs; ++i) {
        our_rates.push_back(ours());
        reference_rates.push_back(reference());
        ratios.push_back(our_rates.back() / reference_rates.back());
    }
    auto const [least, most] = std::ranges::minmax(ratios);
    fmt::print("{:<52} {:>9.0f}/s\n", name, median(our_rates));
    fmt::print("{:<52} {:>9.0f}/s\n", reference_name, median(reference_rates));
    fmt::print(
        "{:<52} {:>9.2f}   ({:.2f} to {:.2f}, {} pairs)\n\n", "  ratio", median(ratios), least, most, pairs
    );
    std::fflush(stdout);
    return median(ratios);
}

} // namespace bench
