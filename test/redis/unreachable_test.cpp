// Servers that are not there, or refuse who comes.

#include "redis/scripts.hpp"
#include "redis/trouble.hpp"

#include <strandline/open.hpp>

#include <boost/asio/io_context.hpp>

#include <filesystem>

using namespace strandline;
using namespace strandline::testing;

namespace {

/// The outcome of publishing to "orders".
asio::awaitable<failure> publish(stage& of)
{
    producer to(of.broker, {.timeout = 100ms});
    auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
    co_return std::get<0>(end);
}

bool holds(failure const& why, std::string_view text)
{
    return why.words().find(text) != std::string_view::npos;
}

/// A consumer of "orders" that counts what it handled.
std::shared_ptr<consumer>
make_counting(stage const& of, std::shared_ptr<tally> handled, std::shared_ptr<troubles> told)
{
    auto made = of.make_consumer(telling("billing", std::move(told)));
    made->on("orders", [handled](delivery const&) -> asio::awaitable<void> {
        handled->add();
        co_return;
    });
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(unreachable)

BOOST_AUTO_TEST_CASE(is_said_of_urls_that_are_wrong)
{
    asio::io_context context(1);
    for (auto const url :
         {"", "redis", "http://localhost", "redis://", "redis://localhost:0", "unix:", "memory:x"})
    {
        failure why;
        BOOST_TEST(!open(context.get_executor(), url, why));
        BOOST_TEST((why == errc::invalid_url), url);
        BOOST_TEST(!why.words().empty());
        BOOST_CHECK_THROW(open(context.get_executor(), url), error);
    }
    failure why = errc::closed;
    BOOST_TEST(open(context.get_executor(), "memory:", why));
    BOOST_TEST(!why);
    BOOST_TEST(open(context.get_executor(), "redis://localhost:1/0", why));
}

BOOST_AUTO_TEST_CASE(ends_publishes_and_names_the_address)
{
    redis_options options;
    options.unix_socket = "/nowhere/at all/redis.sock";
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(is_retryable(why.code()));
        BOOST_TEST(holds(why, "/nowhere/at all/redis.sock"), why);
        BOOST_TEST(holds(why, "100 ms"), why);
        // Why not, as the system says it.
        BOOST_TEST(holds(why, "No such file or directory"), why);
        BOOST_TEST(((co_await publish(of)) == errc::unreachable));
    });

    std::uint16_t port = 0;
    {
        redis_server server({.tcp = true, .arguments = {}});
        port = server.port();
    }
    options.unix_socket.clear();
    options.addresses = {{"127.0.0.1", port}};
    check_on(options, [port](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(holds(why, "127.0.0.1:" + std::to_string(port)), why);
        BOOST_TEST(holds(why, "Connection refused"), why);
    });

    options.addresses = {{"no-such-host.invalid"}};
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::unreachable), why);
        BOOST_TEST(holds(why, "no-such-host.invalid"), why);
    });
}

BOOST_AUTO_TEST_CASE(ends_every_operation_of_the_engine)
{
    redis_options options;
    options.connect_timeout = 20ms;
    options.unix_socket = "/nowhere/redis.sock";
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto& broker = *of.broker;
        membership const who{"orders", "g", "c"};
        auto const told = [](failure const& why) { BOOST_TEST((why == errc::unreachable), why); };
        told(co_await broker.ensure_group("orders", "g", {}));
        auto const reader = broker.make_reader("g", "c");
        std::string_view const names[] = {"orders"};
        std::vector<received> entries;
        told(co_await reader->read(names, 10, 1h, entries));
        told((co_await broker.backlog(who, {}, 10)).error());
        told((co_await broker.claim(who, 1s, {}, 10)).error());
        taking wanted;
        told(co_await broker.take(who, {&wanted, 1}));
        auto state = holding::held;
        told(co_await broker.renew(who, {&wanted.id, 1}, {&state, 1}));
        for (auto const sure : {false, true}) {
            settlement done;
            done.surely_held = sure;
            told(co_await broker.settle(who, {&done, 1}));
        }
        told((co_await broker.inspect_stream("orders")).error());
        told((co_await broker.inspect_groups("orders")).error());
        told((co_await broker.inspect_consumers("orders", "g")).error());
        told((co_await broker.inspect_pending("orders", "g", {}, 10)).error());
    });
}

BOOST_AUTO_TEST_CASE(publishes_that_wait_can_be_cancelled_and_are_not_sent)
{
    redis_server server;
    server.stop();
    auto options = impatient(server);
    options.connect_timeout = 30s;
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        producer to(of.broker);
        std::size_t cancelled = 0;
        // More than travel at the same time.
        std::vector<asio::cancellation_signal> signals(1'000);
        for (std::size_t i = 0; i != signals.size(); ++i)
            to.async_publish(
                "orders", std::to_string(i),
                asio::bind_cancellation_slot(
                    signals[i].slot(),
                    [&](failure const& why, entry_id) {
                        if (why.code() == asio::error::operation_aborted)
                            ++cancelled;
                        else
                            BOOST_TEST(!why, why);
                        done->add();
                    }
                )
            );
        co_await asio::post(of.strand());
        for (auto& signal : signals)
            signal.emit(asio::cancellation_type::terminal);
        co_await done->reach(signals.size());
        BOOST_TEST(cancelled == signals.size());
        server.start();
        co_await of.publish("orders", "x");
        BOOST_TEST(server.command({"XLEN", "orders"}) == "1");
    });
}

BOOST_AUTO_TEST_CASE(publishes_wait_for_the_server_and_are_stored_in_their_order)
{
    redis_server server;
    server.stop();
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const done = of.make_tally();
        producer to(of.broker);
        for (int i = 0; i != 1'000; ++i)
            to.async_publish("orders", std::to_string(i), [done](failure const& why, entry_id) {
                BOOST_TEST(!why, why);
                done->add();
            });
        // For longer than an operation waits for a connection.
        co_await pass(400ms);
        BOOST_TEST(done->count() == 0);
        server.start();
        co_await done->reach(1'000);
        auto const all = co_await of.stored_in("orders");
        BOOST_REQUIRE(all.size() == 1'000);
        for (int i = 0; i != 1'000; ++i)
            BOOST_TEST((all[static_cast<std::size_t>(i)].body == std::to_string(i)));
    });
}

BOOST_AUTO_TEST_CASE(is_told_by_a_consumer_that_works_as_soon_as_there_is_a_server)
{
    redis_server server;
    server.stop();
    check_on(impatient(server), [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        auto const billing = make_counting(of, handled, told);
        auto run = of.start(billing);
        co_await told->until(errc::unreachable);
        BOOST_TEST(holds(told->all().front(), server.socket()));
        server.start();
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(does_not_keep_a_consumer_from_stopping)
{
    redis_options options;
    options.connect_timeout = 24h;
    options.unix_socket = "/nowhere/redis.sock";
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const billing = make_counting(of, of.make_tally(), told);
        auto run = of.start(billing);
        co_await asio::post(of.strand());
        billing->stop();
        co_await of.good_end(run);
        // What still waits for the connection would wait for a day.
        of.broker->close();
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused)

BOOST_AUTO_TEST_CASE(with_the_words_of_the_server_and_without_the_password)
{
    redis_server const server({.tcp = false, .arguments = {"--requirepass", "open sesame"}});
    auto const check_refused = [&](redis_options const& options, std::string_view words) {
        check_on(options, [&](stage& of) -> asio::awaitable<void> {
            auto const why = co_await publish(of);
            BOOST_TEST((why == errc::refused), why);
            BOOST_TEST(!is_retryable(why.code()));
            BOOST_TEST(holds(why, words), why);
            BOOST_TEST(holds(why, server.socket()), why);
            BOOST_TEST(why.message().find("sesame") == std::string::npos);
            BOOST_TEST(why.message().find("swordfish") == std::string::npos);
        });
    };
    auto options = impatient(server);
    check_refused(options, "NOAUTH");
    options.password = "swordfish";
    check_refused(options, "WRONGPASS");
    options.user = "nobody";
    check_refused(options, "WRONGPASS");
    options.user.clear();
    options.password = "open sesame";
    options.database = 99;
    check_refused(options, "DB index is out of range");
    options.database = 3;
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });
    options.user = "default";
    check_on(options, [](stage& of) -> asio::awaitable<void> { BOOST_TEST(!(co_await publish(of))); });
}

BOOST_AUTO_TEST_CASE(consumers_go_on_trying_until_they_are_let_in)
{
    redis_server const server;
    server.command({"ACL", "SETUSER", "clerk", "on", ">open sesame", "~*", "+@all"});
    auto options = impatient(server);
    options.user = "clerk";
    options.password = "swordfish";
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        auto const billing = make_counting(of, handled, told);
        auto run = of.start(billing);
        co_await told->reach(3);
        for (auto const& why : told->all()) {
            BOOST_TEST((why == errc::refused), why);
            BOOST_TEST(why.message().find("swordfish") == std::string::npos);
        }
        server.command({"ACL", "SETUSER", "clerk", ">swordfish"});
        server.command({"XADD", "orders", "*", "body", "x"});
        co_await handled->reach(1);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
    });
}

BOOST_AUTO_TEST_CASE(users_without_a_permission_are_told_so)
{
    redis_server const server;
    server.command({"ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@all", "-xadd"});
    auto options = impatient(server);
    options.user = "reader";
    options.password = "pw";
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == errc::not_permitted), why);
        BOOST_TEST(holds(why, "xadd"), why);
    });
}

BOOST_AUTO_TEST_CASE(users_need_neither_client_commands_nor_loading_of_scripts)
{
    redis_server const server;
    server.command({"ACL", "SETUSER", "modest", "on", ">pw", "~*", "+@all", "-client", "-script"});
    auto options = impatient(server);
    options.user = "modest";
    options.password = "pw";
    check_on(options, [](stage& of) -> asio::awaitable<void> {
        auto const told = std::make_shared<troubles>(of.strand());
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(telling("billing", told));
        billing->on("orders", [handled](delivery const& what) -> asio::awaitable<void> {
            if (what.attempt() == 1)
                throw std::runtime_error("once");
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await of.publish("orders", "x");
        co_await handled->reach(1);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 1);
        for (auto const& why : told->all())
            BOOST_TEST(false, why);
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(scripts)

BOOST_AUTO_TEST_CASE(have_the_hash_that_the_server_gives_them)
{
    redis_server const server;
    for (auto const* script : redis::scripts::all())
        BOOST_TEST(server.command({"SCRIPT", "LOAD", script->text()}) == script->hash());
}

BOOST_AUTO_TEST_SUITE_END()
