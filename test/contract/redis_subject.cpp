#include "contract/redis_subject.hpp"

#include "contract/bed.hpp"

namespace strandline::testing {

namespace {

struct name_of_the_suite
{
    name_of_the_suite() { boost::unit_test::framework::master_test_suite().p_name.value = "contract/redis"; }
};

BOOST_TEST_GLOBAL_CONFIGURATION(name_of_the_suite);

} // namespace

redis_server& server_under_test()
{
    static redis_server server;
    return server;
}

redis_options options_under_test()
{
    redis_options options;
    options.unix_socket = server_under_test().socket();
    // Reads wait longer than the guard of a test, so that one that is not woken is seen.
    options.health_check_interval = 60s;
    return options;
}

broker_ptr make_empty_broker(asio::any_io_executor executor)
{
    server_under_test().command({"FLUSHALL"});
    return make_redis_broker(std::move(executor), options_under_test());
}

} // namespace strandline::testing
