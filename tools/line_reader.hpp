#pragma once

#include "descriptor.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strandline::tools {

namespace asio = boost::asio;

/// The lines of standard input, one after another. Where there is nothing yet only the coroutine that asks
/// waits.
class line_reader
{
public:
    explicit line_reader(asio::any_io_executor const& executor);

    line_reader(line_reader const&) = delete;
    line_reader& operator=(line_reader const&) = delete;

    /// The next line without its end, which is LF or CRLF, valid until the next call; nothing at the end of
    /// the input. A mark of the byte order before the first one is left out. Throws std::runtime_error when
    /// it cannot be read, or is longer than 64 MiB.
    asio::awaitable<std::optional<std::string_view>> next();

    /// From now on there is no next line. Safe while somebody waits for one.
    void stop();

    /// Of the line that `next` gave, from 1.
    std::uint64_t number() const noexcept { return number_; }

    /// Bytes that were read so far.
    std::uint64_t size() const noexcept { return size_; }

private:
    asio::awaitable<void> read_more();

    descriptor standard_;
    asio::posix::stream_descriptor from_;
    std::string buffer_;
    std::size_t begin_ = 0;
    /// Before this there is no end of a line.
    std::size_t searched_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t size_ = 0;
    bool ended_ = false;
};

} // namespace strandline::tools
