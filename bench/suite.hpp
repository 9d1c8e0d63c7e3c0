#pragma once

#include "support/redis_server.hpp"

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The benchmark suite.
///
/// A scenario measures one thing and, where there is something to compare with, its reference, in turn and in
/// the same run: a machine whose speed drifts slows both halves of a pair. What is told is the median of each
/// side, the median of the pairs' ratios, and the least and the greatest of these. A scenario of which
/// something is asked is measured nine times (quickly: five), the others once.
///
/// Scenarios of a family differ from its base case in one factor. Their names are `family/scenario`, or
/// `family/factor/value`, which makes them the points of a line.
namespace bench {

/// What a figure is asked to be.
struct demand
{
    enum class of
    {
        ratio_at_least,
        ratio_at_most,
        value_at_most
    };

    of what = of::ratio_at_least;
    double bound = 0;
};

struct figure
{
    /// Empty where a scenario has no other.
    std::string name;
    std::string unit;
    std::optional<demand> asked = {};
};

/// One value for each figure of a scenario.
using sample = std::vector<double>;

/// The values of a factor.
using counts = std::initializer_list<std::size_t>;

/// What a scenario is given while it runs.
class run
{
public:
    explicit run(bool quick) : quick_(quick) {}

    /// Started when it is asked for first, gone with the scenario.
    strandline::testing::redis_server& server();

    /// An eighth of them in a quick run.
    std::size_t events(std::size_t whole) const { return quick_ ? whole / 8 : whole; }

private:
    bool quick_;
    std::optional<strandline::testing::redis_server> server_;
};

struct scenario
{
    std::string name;
    std::vector<figure> figures;
    std::function<void(run&)> prepare = {};
    std::function<sample(run&)> ours;
    /// In words; empty where there is none.
    std::string reference = {};
    std::function<sample(run&)> reference_run = {};
    /// Too long for a quick run.
    bool long_only = false;
    /// Measured a single time, whatever is asked of it.
    bool once = false;
};

/// What the table and the file of results say of one figure.
struct row
{
    std::string name;
    std::string unit;
    double value = 0;
    std::string reference;
    std::optional<double> reference_value;
    std::optional<double> ratio;
    std::optional<std::pair<double, double>> spread;
    int repeats = 1;
    std::optional<demand> asked;

    bool is_reached() const;
};

class suite
{
public:
    void add(scenario one) { scenarios_.push_back(std::move(one)); }

    /// Those whose names begin with `only`.
    void keep(std::string_view only);

    void list() const;

    /// Runs them, printing each row as soon as it is known. `repeats` is for all; 0: as described above.
    std::vector<row> measure(bool quick, int repeats) const;

private:
    std::vector<scenario> scenarios_;
};

double median(std::vector<double> values);

// One for each family.
void add_publishing(suite& to);
void add_consuming(suite& to);
void add_in_memory(suite& to);
void add_failing(suite& to);
void add_backlogs(suite& to);
void add_lifecycle(suite& to);
void add_network(suite& to);
void add_latency(suite& to);
void add_cost(suite& to);
void add_growth(suite& to);

} // namespace bench
