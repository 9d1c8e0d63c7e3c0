#pragma once

#include <strandline/config.hpp>

#include <string>
#include <string_view>

namespace strandline::detail {

/// Text from outside in quotes, fit for an error's words: cut after 64 bytes, and control characters, quotes,
/// backslashes and what is not UTF-8 escaped, so that it neither breaks a line of a log nor makes it
/// unreadable.
std::string quoted(std::string_view text);

} // namespace strandline::detail
