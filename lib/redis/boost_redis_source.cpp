// The one translation unit that holds Boost.Redis' own code.
#include <boost/redis/src.hpp>
