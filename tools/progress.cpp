#include "progress.hpp"

#include "standard_error.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace strandline::tools {

namespace {

constexpr std::chrono::milliseconds interval{200};

std::optional<std::uint64_t> size_of_input()
{
    struct stat what{};
    if (::fstat(STDIN_FILENO, &what) != 0 || !S_ISREG(what.st_mode) || what.st_size == 0)
        return std::nullopt;
    return static_cast<std::uint64_t>(what.st_size);
}

std::string bar(std::uint64_t part, std::uint64_t whole)
{
    constexpr std::size_t width = 30;
    auto const share = std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
    auto const full = static_cast<std::size_t>(share * width);
    return fmt::format(
        "[{}{}] {:3.0f} %  ", std::string(full, '#'), std::string(width - full, '.'), share * 100
    );
}

} // namespace

progress::progress(bool prints)
    : shown_(
          ::isatty(STDERR_FILENO) == 1 && ::isatty(STDIN_FILENO) != 1 &&
          (!prints || ::isatty(STDOUT_FILENO) != 1)
      )
    , size_(size_of_input())
{}

void progress::update(std::uint64_t events, std::uint64_t bytes)
{
    if (!shown_)
        return;
    auto const now = clock::now();
    if (now - updated_ < interval)
        return;
    updated_ = now;
    auto const seconds = std::chrono::duration<double>(now - began_).count();
    write_error(fmt::format(
        "\r\033[K{}{} events, {:.0f}/s", size_ ? bar(bytes, *size_) : std::string(), events,
        static_cast<double>(events) / seconds
    ));
}

void progress::clear() const
{
    if (shown_)
        write_error("\r\033[K");
}

} // namespace strandline::tools
