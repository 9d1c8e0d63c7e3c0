#pragma once

#include <strandline/registry.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace strandline {

/// Looks up a variable; nothing where it is not set.
using environment = std::function<std::optional<std::string>(std::string const& name)>;

/// The variables of this process, by `getenv`: not to be called while another thread changes them.
std::optional<std::string> process_environment(std::string const& name);

/// A server as variables tell it, whose names begin with the prefix: for `APP`
///
/// - `APP_URL`, as for `open`. When it is set the next four are not looked at.
/// - `APP_HOSTS`: `host` or `host:port`, several separated by commas; they are tried in turn.
/// - `APP_USER`, `APP_PASSWORD`: as they are, not percent-encoded.
/// - `APP_DATABASE`: a number.
/// - `APP_CONNECT_TIMEOUT`, `APP_HEALTH_CHECK_INTERVAL`: `connection_times`, as `250ms`, `30s`, `1m`, `2h`.
///
/// One that is empty counts as not set. The server's name is the prefix, its streams are for the program to
/// add.
///
/// Errors: `invalid_url`, `invalid_option`; the words name the variable and do not repeat its value.
result<server_options>
server_from_environment(std::string_view prefix, environment const& look_up = process_environment);

} // namespace strandline
