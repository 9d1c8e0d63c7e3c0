#include "command/terminal.hpp"

#include "support/run.hpp"

#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>

namespace strandline::testing {

terminal::terminal()
{
    winsize const size{.ws_row = 10, .ws_col = 60, .ws_xpixel = 0, .ws_ypixel = 0};
    int ours = -1;
    int theirs = -1;
    if (::openpty(&ours, &theirs, nullptr, nullptr, &size) != 0)
        throw std::runtime_error("there is no terminal to be had");
    ours_ = owned_descriptor(ours);
    theirs_ = owned_descriptor(theirs);
}

std::string terminal::read_until(std::string_view words) const
{
    std::string text;
    while (text.find(words) == text.npos) {
        pollfd waiting{ours_.get(), POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(guard).count())) <= 0)
            throw std::runtime_error("this was never written: " + std::string(words) + "; but " + text);
        std::array<char, 4096> part;
        auto const size = ::read(ours_.get(), part.data(), part.size());
        if (size <= 0)
            throw std::runtime_error("the terminal has ended");
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    return text;
}

bool terminal::is_as_usual() const
{
    termios how{};
    ::tcgetattr(theirs_.get(), &how);
    return (how.c_lflag & ICANON) != 0 && (how.c_lflag & ECHO) != 0;
}

} // namespace strandline::testing
