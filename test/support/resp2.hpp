#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strandline::testing::resp2 {

/// Sends one command through a UNIX socket and reads its reply: the elements of arrays one in a line, errors
/// with their leading dash, null as nothing. Blocks; throws boost::system::system_error.
std::string command(std::string const& socket, std::span<std::string_view const> words);

} // namespace strandline::testing::resp2
