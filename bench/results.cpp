#include "results.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace bench {

namespace json = boost::json;

namespace {

std::ofstream open(std::filesystem::path const& file)
{
    std::ofstream out(file);
    if (!out)
        throw std::runtime_error("cannot write " + file.string());
    return out;
}

json::value or_null(std::optional<double> const& number)
{
    return number ? json::value(*number) : json::value(nullptr);
}

/// `family/factor/value figure`, taken apart.
struct point
{
    std::string_view family;
    std::string_view factor;
    std::optional<double> value;
    /// What stands behind the family.
    std::string_view label;
    std::string_view figure;
};

point taken_apart(std::string_view name)
{
    point result;
    auto const space = std::min(name.find(' '), name.size());
    result.figure = name.substr(std::min(space + 1, name.size()));
    auto const first = name.find('/');
    result.family = name.substr(0, first);
    result.label = name.substr(first + 1);
    auto const path = name.substr(0, space);
    auto const last = path.rfind('/');
    double value = 0;
    if (last != first) {
        auto const [end, error] = std::from_chars(path.data() + last + 1, path.data() + path.size(), value);
        if (error == std::errc() && end == path.data() + path.size()) {
            result.factor = path.substr(first + 1, last - first - 1);
            result.value = value;
        }
    }
    return result;
}

} // namespace

void write_results(std::vector<row> const& rows, std::filesystem::path const& file)
{
    auto out = open(file);
    out << "[";
    for (auto const& one : rows) {
        json::object object;
        object["name"] = one.name;
        object["value"] = one.value;
        object["unit"] = one.unit;
        object["reference"] = one.reference.empty() ? json::value(nullptr) : json::value(one.reference);
        object["reference_value"] = or_null(one.reference_value);
        object["ratio"] = or_null(one.ratio);
        object["repeats"] = one.repeats;
        object["spread"] = one.spread ? json::value(json::array{one.spread->first, one.spread->second})
                                      : json::value(nullptr);
        if (one.asked)
            object["reached"] = one.is_reached();
        out << (&one == &rows.front() ? "\n" : ",\n") << json::serialize(object);
    }
    out << "\n]\n";
}

void write_plots(std::vector<row> const& rows, std::filesystem::path const& folder)
{
    // The blocks of each file in the order of the rows: title and lines of text.
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> files;
    auto const lines_of = [&](std::string const& file, std::string const& title) -> std::string& {
        auto& blocks = files[file];
        auto const found = std::ranges::find(blocks, title, &std::pair<std::string, std::string>::first);
        return found == blocks.end() ? blocks.emplace_back(title, "").second : found->second;
    };
    for (auto const& one : rows) {
        auto const at = taken_apart(one.name);
        auto const beside = one.reference_value ? fmt::format("{}", *one.reference_value) : "NaN";
        if (at.value) {
            auto const block = at.figure.empty() ? one.unit : fmt::format("{}, {}", at.figure, one.unit);
            lines_of(fmt::format("{}-{}.lines", at.family, at.factor), block) +=
                fmt::format("{} {} {}\n", *at.value, one.value, beside);
        }
        else {
            auto& block = lines_of(fmt::format("{}.bars", at.family), one.unit);
            block += fmt::format(
                "\"{}\" {} {} {}\n", at.label, std::ranges::count(block, '\n'), one.value, beside
            );
        }
    }
    for (auto const& [name, blocks] : files) {
        auto out = open(folder / name);
        // gnuplot knows a block by two empty lines before it, and its title by its first line.
        std::string_view before;
        for (auto const& [title, text] : blocks) {
            out << before << '"' << title << "\"\n" << text;
            before = "\n\n";
        }
    }
}

} // namespace bench
