#include "suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace bench {

namespace {

constexpr int repeats_where_asked = 9;
constexpr int repeats_where_asked_quickly = 5;

std::string in_words(demand const& asked)
{
    switch (asked.what) {
    case demand::of::ratio_at_least:
        return fmt::format("ratio >= {:g}", asked.bound);
    case demand::of::ratio_at_most:
        return fmt::format("ratio <= {:g}", asked.bound);
    case demand::of::value_at_most:
        return fmt::format("value <= {:g}", asked.bound);
    }
    return {};
}

std::string in_figures(double value)
{
    return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

void print_head()
{
    fmt::print(
        "{:<42} {:>10} {:>10} {:<10} {:>6} {:>13}  {}\n", "scenario", "ours", "reference", "", "ratio",
        "spread", "reference is; asked"
    );
}

void print(row const& one)
{
    auto words = one.reference;
    if (one.asked)
        words += fmt::format(
            "{}{}: {}", words.empty() ? "" : "; ", in_words(*one.asked),
            one.is_reached() ? "reached" : "NOT reached"
        );
    fmt::print(
        "{:<42} {:>10} {:>10} {:<10} {:>6} {:>13}  {}\n", one.name, in_figures(one.value),
        one.reference_value ? in_figures(*one.reference_value) : "", one.unit,
        one.ratio ? fmt::format("{:.2f}", *one.ratio) : "",
        one.spread ? fmt::format("{:.2f} to {:.2f}", one.spread->first, one.spread->second) : "", words
    );
    std::fflush(stdout);
}

sample checked(sample values, scenario const& of)
{
    if (values.size() != of.figures.size())
        throw std::logic_error(of.name + " measures other figures than it says");
    return values;
}

std::vector<row> measure_one(scenario const& what, bool quick, int repeats)
{
    run context(quick);
    if (what.prepare)
        what.prepare(context);
    if (repeats > 1)
        what.ours(context); // warm
    std::vector<sample> ours;
    std::vector<sample> references;
    // Who comes first changes: the second finds the machine as the first has left it.
    for (int i = 0; i != repeats; ++i) {
        if (what.reference_run && i % 2 != 0)
            references.push_back(checked(what.reference_run(context), what));
        ours.push_back(checked(what.ours(context), what));
        if (what.reference_run && i % 2 == 0)
            references.push_back(checked(what.reference_run(context), what));
    }

    std::vector<row> rows;
    for (std::size_t k = 0; k != what.figures.size(); ++k) {
        auto const& figure = what.figures[k];
        auto const each = [&](std::vector<sample> const& samples) {
            std::vector<double> values;
            for (auto const& one : samples)
                values.push_back(one[k]);
            return values;
        };
        auto const values = each(ours);
        row one;
        one.name = figure.name.empty() ? what.name : what.name + ' ' + figure.name;
        one.unit = figure.unit;
        one.value = median(values);
        one.repeats = repeats;
        one.asked = figure.asked;
        if (auto const beside = each(references); !beside.empty()) {
            std::vector<double> ratios;
            // What costs nothing has no ratio.
            for (std::size_t i = 0; i != values.size(); ++i)
                if (beside[i] != 0)
                    ratios.push_back(values[i] / beside[i]);
            one.reference = what.reference;
            one.reference_value = median(beside);
            if (!ratios.empty()) {
                auto const [least, most] = std::ranges::minmax(ratios);
                one.ratio = median(ratios);
                one.spread.emplace(least, most);
            }
        }
        rows.push_back(std::move(one));
    }
    return rows;
}

} // namespace

strandline::testing::redis_server& run::server()
{
    using server = strandline::testing::redis_server;
    return server_ ? *server_ : server_.emplace(server::options{.tcp = true});
}

bool row::is_reached() const
{
    if (!asked)
        return true;
    switch (asked->what) {
    case demand::of::ratio_at_least:
        return ratio && *ratio >= asked->bound;
    case demand::of::ratio_at_most:
        return ratio && *ratio <= asked->bound;
    case demand::of::value_at_most:
        return value <= asked->bound;
    }
    return false;
}

void suite::keep(std::string_view only)
{
    std::erase_if(scenarios_, [&](scenario const& one) { return !one.name.starts_with(only); });
}

void suite::list() const
{
    for (auto const& one : scenarios_)
        fmt::print("{:<42} {}\n", one.name, one.reference);
}

std::vector<row> suite::measure(bool quick, int repeats) const
{
    if (scenarios_.empty())
        throw std::runtime_error("there is no scenario of that name; --list tells them");
    print_head();
    std::vector<row> all;
    for (auto const& one : scenarios_) {
        if (quick && one.long_only)
            continue;
        auto const is_asked =
            std::ranges::any_of(one.figures, [](figure const& each) { return each.asked.has_value(); });
        auto const usual = quick ? repeats_where_asked_quickly : repeats_where_asked;
        auto const times = repeats != 0 ? repeats : is_asked && !one.once ? usual : 1;
        for (auto& each : measure_one(one, quick, one.once ? 1 : times)) {
            print(each);
            all.push_back(std::move(each));
        }
    }
    return all;
}

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

} // namespace bench
