#include "pipeline/stage.hpp"

#include <strandline/memory.hpp>

namespace strandline::testing {

namespace {

struct name_of_the_suite
{
    name_of_the_suite() { boost::unit_test::framework::master_test_suite().p_name.value = "operate/memory"; }
};

BOOST_TEST_GLOBAL_CONFIGURATION(name_of_the_suite);

} // namespace

broker_ptr make_empty_broker(asio::any_io_executor executor)
{
    return make_memory_broker(std::move(executor));
}

} // namespace strandline::testing
