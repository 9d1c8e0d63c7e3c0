#include "screen.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <limits>
#include <system_error>
#include <utility>

namespace strandline::tools {

namespace {

// Control sequences that every terminal of today knows: another screen than that of the shell, with its
// cursor hidden, and back.
constexpr std::string_view enter = "\x1B[?1049h\x1B[?25l";
constexpr std::string_view leave = "\x1B[?25h\x1B[?1049l";
constexpr std::string_view to_top = "\x1B[H";
constexpr std::string_view clear_line = "\x1B[K";
constexpr std::string_view clear_below = "\x1B[J";

struct extent
{
    std::size_t rows = std::numeric_limits<std::size_t>::max();
    std::size_t columns = std::numeric_limits<std::size_t>::max();
};

extent size_of_terminal()
{
    winsize told{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &told) != 0 || told.ws_row == 0 || told.ws_col == 0)
        return {};
    return {told.ws_row, told.ws_col};
}

/// At most so many code points.
std::string_view cut(std::string_view line, std::size_t columns)
{
    std::size_t end = 0;
    for (; end != line.size(); ++end) {
        auto const begins = (static_cast<unsigned char>(line[end]) & 0xC0U) != 0x80U;
        if (begins && columns-- == 0)
            break;
    }
    return line.substr(0, end);
}

} // namespace

bool screen::is_there()
{
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

screen::screen(standard_output& out, asio::any_io_executor const& executor)
    : out_(out)
    , standard_(STDIN_FILENO)
    , keys_(executor, standard_.get())
{
    if (::tcgetattr(STDIN_FILENO, &before_) != 0)
        throw std::system_error(errno, std::generic_category(), "terminal");
    auto now = before_;
    // Keys come at once and are not shown; those that stop or break a program do not leave it like that.
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VSUSP] = _POSIX_VDISABLE;
    now.c_cc[VQUIT] = _POSIX_VDISABLE;
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &now) != 0)
        throw std::system_error(errno, std::generic_category(), "terminal");
}

screen::~screen()
{
    // Neither fails but where there is no terminal any more.
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    if (drawn_) [[maybe_unused]]
        auto const size = ::write(STDOUT_FILENO, leave.data(), leave.size());
}

asio::awaitable<void> screen::draw(std::string_view text)
{
    auto const size = size_of_terminal();
    std::string drawn(std::exchange(drawn_, true) ? "" : enter);
    drawn += to_top;
    for (std::size_t row = 0; row != size.rows && !text.empty(); ++row) {
        auto const end = text.find('\n');
        if (row != 0)
            drawn += '\n';
        drawn += cut(text.substr(0, end), size.columns);
        drawn += clear_line;
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    drawn += clear_below;
    co_await out_.write(drawn);
}

asio::awaitable<char> screen::key()
{
    char pressed = 0;
    co_await keys_.async_read_some(asio::buffer(&pressed, 1), asio::use_awaitable);
    co_return pressed;
}

} // namespace strandline::tools
