#pragma once

#include <strandline/broker.hpp>

#include <string_view>

namespace strandline::redis {

/// Reads what INFO answers: lines `name:value`. What is not there keeps its default.
server_info read_server_report(std::string_view report);

} // namespace strandline::redis
