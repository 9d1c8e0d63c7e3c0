#pragma once

#include <boost/version.hpp>

// Every public header includes this file, so that an older Boost met first on the include path is named as
// the cause before anything else fails.
#if BOOST_VERSION < 109200
#error "strandline needs Boost 1.92 or newer, and an older one comes first on the include path. \
Run ./scripts/setup, or name another with BOOST_ROOT or CMAKE_PREFIX_PATH."
#endif
