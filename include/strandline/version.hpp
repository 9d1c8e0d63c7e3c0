#pragma once

#include <strandline/config.hpp>

#define STRANDLINE_VERSION_MAJOR 0
#define STRANDLINE_VERSION_MINOR 1
#define STRANDLINE_VERSION_PATCH 0

namespace strandline {

/// The version of the library that the program runs with, as "0.1.0"; the macros above tell which one it was
/// compiled with. They can differ when the library is shared.
char const* version() noexcept;

} // namespace strandline
