#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <exception>

namespace bench {

/// Events per second.
using rate = double;

using clock = std::chrono::steady_clock;

/// Completion handler of coroutines whose failure ends the program.
inline constexpr auto rethrow = [](std::exception_ptr thrown) {
    if (thrown)
        std::rethrow_exception(thrown);
};

inline double seconds_since(clock::time_point begin)
{
    return std::chrono::duration<double>(clock::now() - begin).count();
}

/// Runs what `start` spawns on a context of its own, to the end.
template <class Start>
rate timed(std::size_t events, Start start)
{
    boost::asio::io_context context(1);
    start(context);
    auto const begin = clock::now();
    context.run();
    return static_cast<double>(events) / seconds_since(begin);
}

} // namespace bench
