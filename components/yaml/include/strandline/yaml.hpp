#pragma once

#include <strandline/registry.hpp>

#include <filesystem>
#include <string_view>

namespace strandline {

/// Reads servers, their streams and the groups of these, in the form
///
/// ```yaml
/// shop:                                   # the server's name
///   url: redis://localhost:6379/1         # as for `open`; "memory:" in quotes, for the colon at its end
///   connect_timeout: 2s                   # as 250ms, 30s, 1m or 2h; may be left out
///   health_check_interval: 10s            # the same
///   streams:                              # may be left out
///     orders: [billing, shipping]         # the stream and its groups
///     visits: []
/// ```
///
/// Nothing else is accepted: a member that is not known, one that occurs twice, and all that `validate` finds
/// are errors. The words begin with the place, as in `line 3, column 20: shop.connect_timeout: …`; both are
/// counted from 1, columns in bytes. No URL is repeated in them.
///
/// Errors: `invalid_option`, `invalid_name`, `invalid_url`.
result<registry_options> parse_yaml(std::string_view text);

/// The same of a file; the words begin with its name. Blocks while it reads. Error: also
/// `boost::system::errc` ones, when it cannot be read.
result<registry_options> load_yaml(std::filesystem::path const& file);

} // namespace strandline
