#pragma once

#include "pairs.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <exception>

namespace bench {

/// Completion handler of coroutines whose failure ends the program.
inline constexpr auto rethrow = [](std::exception_ptr thrown) {
    if (thrown)
        std::rethrow_exception(thrown);
};

/// Runs what `start` spawns on a context of its own, to the end.
template <class Start>
rate timed(std::size_t events, Start start)
{
    boost::asio::io_context context(1);
    start(context);
    auto const begin = std::chrono::steady_clock::now();
    context.run();
    auto const took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin);
    return static_cast<double>(events) / took.count();
}

} // namespace bench
