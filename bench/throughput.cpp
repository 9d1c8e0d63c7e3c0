// How many events a second, each figure beside its reference, measured in turn in the same run. See
// scenarios.hpp.

#include "scenarios.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

namespace {

struct scenario
{
    std::string_view name;
    void (*run)(bench::amounts const&);
};

constexpr std::array scenarios{
    scenario{"publish", bench::publishing}, scenario{"consume", bench::consuming},
    scenario{"retry", bench::retrying},     scenario{"promote", bench::promoting},
    scenario{"memory", bench::in_memory},
};

} // namespace

int main(int argc, char** argv)
{
    try {
        bench::amounts amount;
        std::string_view only;
        for (int i = 1; i < argc; ++i) {
            std::string_view const word = argv[i];
            if (word == "--events" && i + 1 < argc)
                amount.events = (std::strtoul(argv[++i], nullptr, 10) / 2560 + 1) * 2560;
            else if (word == "--pairs" && i + 1 < argc)
                amount.pairs = std::max(1, std::atoi(argv[++i]));
            else if (std::ranges::find(scenarios, word, &scenario::name) != scenarios.end())
                only = word;
            else {
                std::cerr
                    << "usage: throughput [--events N] [--pairs N] [publish|consume|retry|promote|memory]\n";
                return 2;
            }
        }
        for (auto const& one : scenarios)
            if (only.empty() || only == one.name)
                one.run(amount);
    }
    catch (std::exception const& thrown) {
        std::cerr << thrown.what() << '\n';
        return 1;
    }
}
