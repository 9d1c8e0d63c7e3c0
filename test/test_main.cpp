#define BOOST_TEST_MODULE strandline
#include <boost/test/included/unit_test.hpp>
