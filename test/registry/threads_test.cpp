// A registry whose servers are used from many threads at once. The thread sanitizer sees what is not safe.

#include "registry/two_servers.hpp"

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace strandline;
using namespace strandline::testing;

namespace {

constexpr int count = 200;

void publish_many(registry const& known)
{
    producer to(known);
    std::vector<std::jthread> publishers;
    for (auto const* stream : {"orders", "mails"})
        publishers.emplace_back([&to, stream] {
            for (int i = 0; i != count; ++i)
                to.async_publish(stream, std::to_string(i), asio::use_future).get();
        });
}

} // namespace

BOOST_AUTO_TEST_SUITE(registry_threads)

BOOST_AUTO_TEST_CASE(publish_and_handle_on_both_servers)
{
    asio::thread_pool context(4);
    two_servers of(context.get_executor(), "memory:", "memory:");
    consumer billing(of.known, in_group("billing"));
    std::atomic<int> handled = 0;
    auto const handler = [&](delivery const&) -> asio::awaitable<void> {
        if (++handled == 2 * count)
            billing.stop();
        co_return;
    };
    billing.on("orders", handler);
    billing.on("mails", handler);
    auto run = billing.async_run(asio::use_future);
    publish_many(of.known);
    BOOST_TEST(run.get().handled == 2U * count);
    of.known.close();
    context.join();
}

BOOST_AUTO_TEST_CASE(pull_change_limits_and_stop_from_other_threads)
{
    asio::thread_pool context(4);
    two_servers of(context.get_executor(), "memory:", "memory:");
    consumer clerk(of.known, in_group("billing"));
    clerk.pull("orders");
    clerk.pull("mails");
    for (int round = 0; round != 3; ++round) {
        auto run = clerk.async_run(asio::use_future);
        publish_many(of.known);
        std::atomic<int> received = 0;
        {
            std::vector<std::jthread> receivers;
            for (int i = 0; i != 2; ++i)
                receivers.emplace_back([&] {
                    for (int n = 0; n != count; ++n) {
                        auto one = clerk.async_receive(asio::use_future).get();
                        one.extend();
                        one.ack();
                        ++received;
                    }
                });
            receivers.emplace_back([&] {
                for (std::size_t i = 1; i != 50; ++i)
                    clerk.set_limits(i, 100);
            });
        }
        BOOST_TEST(received == 2 * count);
        clerk.stop();
        BOOST_TEST(run.get().handled == 2U * count);
    }
    of.known.close();
    context.join();
}

BOOST_AUTO_TEST_CASE(ask_the_registry_while_it_is_copied_and_closed)
{
    asio::thread_pool context(2);
    two_servers of(context.get_executor(), "memory:", "memory:");
    {
        std::vector<std::jthread> askers;
        for (int i = 0; i != 4; ++i)
            askers.emplace_back([known = of.known] {
                for (int n = 0; n != 100; ++n) {
                    auto const copy = known;
                    if (!copy.broker_of("orders") || copy.check_group("mails", "billing"))
                        std::abort();
                }
                known.close();
            });
    }
    context.join();
}

BOOST_AUTO_TEST_SUITE_END()
