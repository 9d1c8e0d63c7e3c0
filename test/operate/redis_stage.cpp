#include "pipeline/stage.hpp"
#include "support/redis_server.hpp"

#include <strandline/redis.hpp>

namespace strandline::testing {

namespace {

struct name_of_the_suite
{
    name_of_the_suite() { boost::unit_test::framework::master_test_suite().p_name.value = "operate/redis"; }
};

BOOST_TEST_GLOBAL_CONFIGURATION(name_of_the_suite);

} // namespace

broker_ptr make_empty_broker(asio::any_io_executor executor)
{
    static redis_server const server;
    server.command({"FLUSHALL"});
    redis_options options;
    options.unix_socket = server.socket();
    return make_redis_broker(std::move(executor), std::move(options));
}

} // namespace strandline::testing
