#include "descriptor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace strandline::tools {

namespace {

bool can_be_opened_again(int standard)
{
    struct stat what{};
    return ::fstat(standard, &what) == 0 && (S_ISFIFO(what.st_mode) || ::isatty(standard) == 1);
}

} // namespace

descriptor::descriptor(int standard) : standard_(standard), flags_(::fcntl(standard, F_GETFL))
{
    if (can_be_opened_again(standard)) {
        // Fails where the terminal is another user's, and where a pipe has no reader any more.
        auto const path = fmt::format("/proc/self/fd/{}", standard);
        own_ = ::open(path.c_str(), (flags_ & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (own_ < 0)
        own_ = ::fcntl(standard, F_DUPFD_CLOEXEC, 3);
    if (own_ < 0)
        throw std::system_error(
            errno, std::generic_category(), standard == STDIN_FILENO ? "standard input" : "standard output"
        );
}

descriptor::~descriptor()
{
    ::fcntl(standard_, F_SETFL, flags_);
}

} // namespace strandline::tools
