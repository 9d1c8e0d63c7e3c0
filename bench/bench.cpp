// Measures this library beside others; see suite.hpp, and doc/benchmarks.md for how to read it.

#include "results.hpp"
#include "suite.hpp"

#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string_view>

namespace {

constexpr std::string_view usage =
    "usage: bench [--quick] [--only NAME] [--repeats N] [--json FILE] [--list]\n"
    "  --quick      an eighth of the events, without what takes long\n"
    "  --only NAME  scenarios whose names begin so\n"
    "  --repeats N  each so often (default: 5 where something is asked, else once)\n"
    "  --json FILE  writes the results there, and beside it what gnuplot is given\n"
    "  --list       names the scenarios and their references, and measures nothing\n";

struct wishes
{
    bool quick = false;
    bool list = false;
    int repeats = 0;
    std::string_view only;
    std::filesystem::path json;
};

bool read(int argc, char** argv, wishes& out)
{
    for (int i = 1; i < argc; ++i) {
        std::string_view const word = argv[i];
        auto const has_value = i + 1 < argc;
        if (word == "--quick")
            out.quick = true;
        else if (word == "--list")
            out.list = true;
        else if (word == "--only" && has_value)
            out.only = argv[++i];
        else if (word == "--json" && has_value)
            out.json = argv[++i];
        else if (word == "--repeats" && has_value) {
            std::string_view const number = argv[++i];
            auto const end = number.data() + number.size();
            if (std::from_chars(number.data(), end, out.repeats).ptr != end || out.repeats < 1)
                return false;
        }
        else
            return false;
    }
    return true;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        wishes wanted;
        if (!read(argc, argv, wanted)) {
            std::cerr << usage;
            return 2;
        }
        bench::suite all;
        for (auto const add :
             {bench::add_publishing, bench::add_consuming, bench::add_in_memory, bench::add_failing,
              bench::add_backlogs, bench::add_lifecycle, bench::add_network, bench::add_latency,
              bench::add_cost, bench::add_growth})
            add(all);
        all.keep(wanted.only);
        if (wanted.list) {
            all.list();
            return 0;
        }
        auto const rows = all.measure(wanted.quick, wanted.repeats);
        if (!wanted.json.empty()) {
            auto const folder = wanted.json.has_parent_path() ? wanted.json.parent_path() : ".";
            std::filesystem::create_directories(folder);
            bench::write_results(rows, wanted.json);
            bench::write_plots(rows, folder);
        }
    }
    catch (std::exception const& thrown) {
        std::cerr << "bench: " << thrown.what() << '\n';
        return 1;
    }
}
