#include <strandline/version.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>

BOOST_AUTO_TEST_SUITE(version)

BOOST_AUTO_TEST_CASE(library_and_package_tell_the_same_version)
{
    BOOST_TEST(std::string_view{strandline::version()} == PROJECT_VERSION);
}

BOOST_AUTO_TEST_SUITE_END()
