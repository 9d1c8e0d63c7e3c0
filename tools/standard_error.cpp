#include "standard_error.hpp"

#include <cstdio>

namespace strandline::tools {

void write_error(std::string_view text) noexcept
{
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void tell(std::string_view words) noexcept
{
    std::fprintf(stderr, "strandline: %.*s\n", static_cast<int>(words.size()), words.data());
}

} // namespace strandline::tools
