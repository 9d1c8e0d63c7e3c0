#pragma once

#include <string_view>

/// Standard error, for people. What cannot be written there is lost.
namespace strandline::tools {

void write_error(std::string_view text) noexcept;

/// A line that says who says it.
void tell(std::string_view words) noexcept;

} // namespace strandline::tools
