#include "registry/two_servers.hpp"

#include "support/redis_server.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <utility>

namespace strandline::testing {

namespace {

registry_options options_of(std::string first_url, std::string second_url)
{
    return {
        {{.name = "first", .url = std::move(first_url), .streams = {{"orders", {"billing", "shipping"}}}},
         {.name = "second", .url = std::move(second_url), .streams = {{"mails", {"billing"}}, {"visits"}}}}
    };
}

} // namespace

two_servers::two_servers(asio::any_io_executor executor, std::string first_url, std::string second_url)
    : known(std::move(executor), options_of(std::move(first_url), std::move(second_url)))
    , first(known.servers()[0].broker)
    , second(known.servers()[1].broker)
{}

asio::awaitable<entry_id> two_servers::publish(std::string stream, std::string body)
{
    producer to(known);
    auto const [why, id] = co_await to.async_publish(stream, body, asio::as_tuple);
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return id;
}

asio::awaitable<std::size_t> two_servers::left(std::string stream, std::string group)
{
    auto const broker = known.broker_of(stream).value();
    auto const groups = co_await asio::co_spawn(broker->get_executor(), broker->inspect_groups(stream));
    BOOST_REQUIRE_MESSAGE(groups.has_value(), groups.error());
    for (auto const& one : *groups)
        if (one.name == group)
            co_return one.pending + one.lag.value_or(0);
    BOOST_FAIL("there is no such group");
    co_return 0;
}

asio::awaitable<std::uint64_t> two_servers::length(stage const& of, std::string stream)
{
    auto const info = co_await asio::co_spawn(of.strand(), of.broker->inspect_stream(stream));
    co_return info ? info->length : 0;
}

void check_on_two(std::function<asio::awaitable<void>(two_servers&)> body)
{
    static redis_server const server;
    auto const database = [](int number) {
        return "unix:" + server.socket() + "?db=" + std::to_string(number);
    };
    for (auto const& [first, second] : {
             std::pair<std::string, std::string>("memory:", "memory:"),
             {"memory:", database(0)},
             {database(0), database(1)},
         })
        BOOST_TEST_CONTEXT(first << " and " << second)
        {
            server.command({"FLUSHALL"});
            asio::io_context context(1);
            auto const of = std::make_shared<two_servers>(context.get_executor(), first, second);
            run(context, of->first.strand(), [of, &body]() -> asio::awaitable<void> {
                struct closing
                {
                    registry of;

                    ~closing() { of.close(); }
                } const at_the_end{of->known};
                co_await body(*of);
            });
        }
}

} // namespace strandline::testing
