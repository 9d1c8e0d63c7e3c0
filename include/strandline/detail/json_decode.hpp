#pragma once

#include <strandline/detail/json_shape.hpp>
#include <strandline/error.hpp>

#include <string_view>

namespace strandline::detail {

/// Fills the target from JSON text.
failure json_decode(std::string_view body, json_slot target);

/// Reads any JSON, with the same limits and the same words.
failure json_decode_document(std::string_view body, json::value& out);

} // namespace strandline::detail
