#pragma once

#include "support/redis_server.hpp"

#include <strandline/redis.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace strandline::testing {

/// The server that the engine under test works on, for tests that look at it or break something; started when
/// it is first asked for.
redis_server& server_under_test();

/// Options of a broker on it.
redis_options options_under_test();

/// Carries out an operation on another broker than the test's.
template <class T>
asio::awaitable<T> on(broker_ptr other, asio::awaitable<T> operation)
{
    co_return co_await asio::co_spawn(other->get_executor(), std::move(operation), asio::use_awaitable);
}

} // namespace strandline::testing
