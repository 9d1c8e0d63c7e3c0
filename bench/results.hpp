#pragma once

#include "suite.hpp"

#include <filesystem>
#include <vector>

namespace bench {

/// Writes the rows as JSON.
void write_results(std::vector<row> const& rows, std::filesystem::path const& file);

/// Writes what gnuplot is given into the folder of that file: for each `family/factor` a file of lines, whose
/// points are its values, one block for each figure; for the rest of each family a file of bars, one block
/// for each unit.
void write_plots(std::vector<row> const& rows, std::filesystem::path const& folder);

} // namespace bench
