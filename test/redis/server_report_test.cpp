#include "redis/server_report.hpp"

#include <boost/test/unit_test.hpp>

using namespace strandline;
using strandline::redis::read_server_report;

BOOST_AUTO_TEST_SUITE(a_servers_report)

BOOST_AUTO_TEST_CASE(of_redis_tells_all)
{
    auto const info = read_server_report(
        "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n\r\n"
        "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:2097152\r\n"
        "maxmemory_policy:allkeys-lru\r\n\r\n# Replication\r\nrole:slave\r\nmaster_host:a:b\r\n"
    );
    BOOST_TEST(info.version == "redis 7.0.15");
    BOOST_TEST((info.role == server_role::replica));
    BOOST_TEST(info.used_memory == 1'048'576U);
    BOOST_TEST(info.max_memory == 2'097'152U);
    BOOST_TEST(info.memory_policy == "allkeys-lru");
}

BOOST_AUTO_TEST_CASE(of_valkey_names_it_and_not_the_redis_that_it_is_like)
{
    auto const info =
        read_server_report("# Server\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nredis_version:7.2.4\r\n"
        );
    BOOST_TEST(info.version == "valkey 8.0.1");
}

BOOST_AUTO_TEST_CASE(may_lack_everything)
{
    for (auto const* const report :
         {"", "\r\n\r\n", "# Server", "used_memory:\r\nmaxmemory:x\r\nrole:master"})
    {
        auto const info = read_server_report(report);
        BOOST_TEST(info.version.empty());
        BOOST_TEST((info.role == server_role::primary));
        BOOST_TEST(info.used_memory == 0U);
        BOOST_TEST(info.max_memory == 0U);
        BOOST_TEST(info.memory_policy.empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
