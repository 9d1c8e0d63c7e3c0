#include "contract/redis_subject.hpp"

#include "contract/bed.hpp"

#include <strandline/redis.hpp>

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

broker_ptr make_empty_broker(asio::any_io_executor executor)
{
    auto& server = server_under_test();
    server.command({"FLUSHALL"});
    redis_options options;
    options.unix_socket = server.socket();
    // Reads wait longer than the guard of a test, so that one that is not woken is seen.
    options.health_check_interval = 60s;
    return make_redis_broker(std::move(executor), std::move(options));
}

} // namespace strandline::testing
