#pragma once

#include "redis/connection.hpp"
#include "redis/replies.hpp"

#include <boost/redis/request.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace strandline::redis {

/// Carries out one command whose reply may have any shape. An error that the server answers is the error of
/// the call.
asio::awaitable<result<node_replies>>
ask(std::shared_ptr<connection> connected, boost::redis::request const& command);

/// The same for one that answers a number; `name` is the command's, for the error where it does not.
asio::awaitable<result<std::uint64_t>> ask_for_number(
    std::shared_ptr<connection> connected, boost::redis::request const& command, std::string_view name
);

} // namespace strandline::redis
