// Operations that look after streams.

#include "redis/engine.hpp"

namespace strandline::redis {} // namespace strandline::redis
