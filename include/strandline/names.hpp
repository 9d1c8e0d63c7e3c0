#pragma once

#include <strandline/error.hpp>

#include <string>
#include <string_view>

namespace strandline {

/// Whether a stream can have this name: it is not empty, and names derived from it can be kept on the same
/// node of a server that spreads its keys, which places `{tag}` in a name by the tag alone. A name with a `}`
/// therefore needs a tag: `{a}b` is good; `a}b` and `{}a}` are not. Fails with `errc::invalid_name`.
failure check_stream_name(std::string_view stream);

/// The name of what belongs to a stream: `{orders}:dead` for `orders`, and `{a}b:dead` for `{a}b`, which has
/// a tag. The stream's name must be a good one.
std::string derived_name(std::string_view stream, std::string_view suffix);

/// Where the dead letters of a stream go.
std::string dead_letter_stream(std::string_view stream);

/// The name of the lock that makes a group of a stream exclusive: `{orders}:lock:billing`.
std::string group_lock(std::string_view stream, std::string_view group);

} // namespace strandline
