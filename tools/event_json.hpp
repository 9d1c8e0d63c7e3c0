#pragma once

#include <strandline/entry.hpp>
#include <strandline/event.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace strandline::tools {

/// A line of JSON about an event, as all commands print it: the given members, and then
///
/// - `type` and `key`, null where it has no such header;
/// - `headers`, all of them; of those of the same name the first one counts;
/// - `body`: where it is JSON as it is, else as a string, and where it is not UTF-8 as `body_base64` instead;
///   neither where there is none.
///
/// What is not UTF-8 in a header is replaced by U+FFFD.
std::string event_line(boost::json::object about, entry_view const& event);
std::string event_line(boost::json::object about, event const& of);

/// Adds `type`, `key` and `body` as texts, for a table; what there is none of is left out.
void add_texts(boost::json::object& to, event const& of);

} // namespace strandline::tools
