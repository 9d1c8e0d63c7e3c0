#pragma once

#include <strandline/config.hpp>

#include <cstddef>
#include <string_view>

namespace strandline::detail {

/// How many bytes from the start on are well-formed UTF-8; all of them in a good text.
std::size_t utf8_prefix(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept
{
    return utf8_prefix(text) == text.size();
}

} // namespace strandline::detail
