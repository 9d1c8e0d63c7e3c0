#pragma once

#include <strandline/error.hpp>
#include <strandline/registry.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace strandline::detail {

/// A place in `registry_options`, as far down as it is known. Each source of options has its own way to name
/// one: code the member, a file the line and the column.
struct registry_place
{
    std::optional<std::size_t> server = {};
    std::optional<std::size_t> stream = {};
    std::optional<std::size_t> group = {};
    /// Of the server, where neither stream nor group is meant: `name`, `url`, `times.connect_timeout`,
    /// `times.health_check_interval`.
    std::string_view member = {};
};

struct registry_mistake
{
    registry_place where;
    /// The words do not name the place.
    failure what;
};

/// The first mistake, if there is one.
std::optional<registry_mistake> find_mistake(registry_options const& options);

} // namespace strandline::detail
