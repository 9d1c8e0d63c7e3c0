// The one place where Boost.JSON's own source is compiled, so that programs need not link it. Nothing of it
// may be compiled a second time in a program.
#include <boost/json/src.hpp>
