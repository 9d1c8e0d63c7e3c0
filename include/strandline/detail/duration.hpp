#pragma once

#include <strandline/error.hpp>

#include <chrono>
#include <string_view>

namespace strandline::detail {

/// A whole number and its unit, as configurations have it: `250ms`, `30s`, `1m`, `2h`. Fails with
/// `invalid_option` and words that show the form, not the text.
result<std::chrono::milliseconds> parse_duration(std::string_view text);

} // namespace strandline::detail
