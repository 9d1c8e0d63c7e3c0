#pragma once

#include <strandline/detail/json_shape.hpp>
#include <strandline/error.hpp>

#include <string_view>

namespace strandline::detail {

/// Fills the target from MessagePack.
failure msgpack_decode(std::string_view body, json_slot target);

} // namespace strandline::detail
