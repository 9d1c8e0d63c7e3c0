#include <strandline/version.hpp>

#define STRANDLINE_TEXT(x) #x
#define STRANDLINE_DOTTED(a, b, c) STRANDLINE_TEXT(a) "." STRANDLINE_TEXT(b) "." STRANDLINE_TEXT(c)

namespace strandline {

char const* version() noexcept
{
    return STRANDLINE_DOTTED(STRANDLINE_VERSION_MAJOR, STRANDLINE_VERSION_MINOR, STRANDLINE_VERSION_PATCH);
}

} // namespace strandline
