#pragma once

#include <string>
#include <string_view>

namespace strandline::tools {

/// The text with what stands between `//` and `@` in its URLs left out: users and passwords, and the values
/// of parameters whose name has `password` in it.
std::string without_secrets(std::string_view text);

} // namespace strandline::tools
