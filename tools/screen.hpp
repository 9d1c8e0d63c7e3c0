#pragma once

#include "descriptor.hpp"
#include "standard_output.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <termios.h>

#include <string>
#include <string_view>

namespace strandline::tools {

/// The whole terminal, for a command that draws on it again and again. What stood there, and how it takes
/// keys, is restored when this ends.
class screen
{
public:
    /// Whether standard input and output are a terminal.
    static bool is_there();

    /// Throws std::system_error.
    explicit screen(standard_output& out, asio::any_io_executor const& executor);
    ~screen();

    screen(screen const&) = delete;
    screen& operator=(screen const&) = delete;

    /// Shows the lines instead of those before; what has no room is left out. Fails as
    /// `standard_output::write` does.
    asio::awaitable<void> draw(std::string_view text);

    /// The next key. Throws boost::system::system_error when there is no terminal any more.
    asio::awaitable<char> key();

private:
    standard_output& out_;
    termios before_{};
    descriptor standard_;
    asio::posix::stream_descriptor keys_;
    bool drawn_ = false;
};

} // namespace strandline::tools
