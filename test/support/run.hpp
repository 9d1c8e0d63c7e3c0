#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>

namespace strandline::testing {

/// Far more than any test needs; whoever is still at it then hangs.
inline constexpr std::chrono::seconds guard{30};

/// Runs the body on the executor, which is one of the context's, until it has returned and the context has
/// nothing left to do; passes on what it threw. A body, or anything it left behind, that goes on until the
/// guard fails the test.
template <class Body>
void run(boost::asio::io_context& context, boost::asio::any_io_executor const& executor, Body body)
{
    std::exception_ptr thrown;
    auto returned = false;
    boost::asio::co_spawn(executor, std::move(body), [&](std::exception_ptr failure) {
        thrown = std::move(failure);
        returned = true;
    });
    context.restart();
    context.run_for(guard);
    if (thrown)
        std::rethrow_exception(thrown);
    if (!returned)
        throw std::runtime_error("the test's body hangs");
    if (!context.stopped())
        throw std::runtime_error("the test's body returned, but something that it started hangs");
}

} // namespace strandline::testing
