#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace strandline::tools {

/// Scripts that complete the commands, options and words of the tree, for the shells' own places of such.
std::string bash_completion(CLI::App const& root);
std::string zsh_completion(CLI::App const& root);

} // namespace strandline::tools
