#pragma once

#include "descriptor.hpp"

#include <strandline/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace strandline::tools {

namespace asio = boost::asio;

/// Standard output for coroutines of one strand: a reader of the pipe that does not read suspends the one
/// that writes, and no other.
///
/// The descriptor must outlive the run of the executor's context.
class standard_output
{
public:
    explicit standard_output(asio::any_io_executor const& executor);

    standard_output(standard_output const&) = delete;
    standard_output& operator=(standard_output const&) = delete;

    /// Completes when the system has all of the text. Texts of several coroutines follow one another whole,
    /// in the order of the calls. Throws `error` when that is not possible (nobody reads the pipe, the disk
    /// is full), and from then on always. A cancellation ends only the wait.
    asio::awaitable<void> write(std::string_view text);

    /// Ends what is under way.
    void close();

private:
    void write_waiting();
    void wrote(error_code why, std::size_t size);

    descriptor standard_;
    asio::posix::stream_descriptor to_;
    /// Cancelled when more has been written.
    asio::steady_timer progress_;
    std::string waiting_;
    std::string under_way_;
    /// Bytes since the beginning that were given to `write`, and that were written.
    std::uint64_t taken_ = 0;
    std::uint64_t written_ = 0;
    error_code why_;
};

} // namespace strandline::tools
