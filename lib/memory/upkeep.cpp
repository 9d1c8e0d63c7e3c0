// Operations that look after streams.

#include "memory/engine.hpp"

namespace strandline::memory {} // namespace strandline::memory
