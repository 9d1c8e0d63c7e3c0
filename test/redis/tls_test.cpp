// Servers that speak TLS.

#include "redis/trouble.hpp"
#include "support/certificates.hpp"

#include <strandline/open.hpp>

#include <filesystem>
#include <fstream>

using namespace strandline;
using namespace strandline::testing;

namespace {

constexpr auto this_machine = "DNS:localhost,IP:127.0.0.1";

/// Files of an authority, and of a server and a client that have certificates of it.
struct papers
{
    temporary_folder folder;
    authority ours{folder, "ours"};
    authority::identity server = ours.issue("server", this_machine);
    authority::identity client = ours.issue("client", "DNS:client");

    redis_server::options of_server() const { return of_server(server); }

    redis_server::options of_server(authority::identity const& with) const
    {
        return {.tcp = true, .tls = redis_server::tls_files{with.certificate, with.key}};
    }

    redis_server::options of_strict_server() const
    {
        auto options = of_server();
        options.tls->ca_of_clients = ours.file();
        return options;
    }
};

redis_options to(redis_server const& server, std::string ca)
{
    redis_options options;
    options.addresses = {{"127.0.0.1", server.port()}};
    options.connect_timeout = 300ms;
    options.tls = true;
    options.tls_files.ca = std::move(ca);
    return options;
}

asio::awaitable<failure> publish(stage& of)
{
    producer to(of.broker, {.timeout = 300ms});
    auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
    co_return std::get<0>(end);
}

/// Publishes, and consumes what was published.
void check_that_all_works(make_broker const& make)
{
    check_with(make, [](stage& of) -> asio::awaitable<void> {
        auto const handled = of.make_tally();
        auto const billing = of.make_consumer(in_group("billing"));
        billing->on("orders", [=](delivery const&) -> asio::awaitable<void> {
            handled->add();
            co_return;
        });
        auto run = of.start(billing);
        co_await of.publish_numbers("orders", 100);
        co_await handled->reach(100);
        billing->stop();
        BOOST_TEST((co_await of.good_end(run)).handled == 100);
    });
}

void check_that_all_works(redis_options const& options)
{
    check_that_all_works([&](asio::any_io_executor executor) {
        return make_redis_broker(std::move(executor), options);
    });
}

void check_refused(redis_options const& options, errc code, std::string_view words)
{
    check_on(options, [&](stage& of) -> asio::awaitable<void> {
        auto const why = co_await publish(of);
        BOOST_TEST((why == code), why);
        BOOST_TEST(why.words().find(words) != std::string_view::npos, why);
        BOOST_TEST(why.words().find("127.0.0.1:") != std::string_view::npos, why);
    });
}

/// What making a broker fails with.
failure failure_of(redis_options const& options)
{
    asio::io_context context(1);
    failure why;
    BOOST_TEST(!make_redis_broker(context.get_executor(), options, why));
    BOOST_CHECK_THROW(make_redis_broker(context.get_executor(), options), error);
    BOOST_TEST((why == errc::invalid_option), why);
    return why;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_AUTO_TEST_CASE(works_with_a_server_whose_authority_is_trusted)
{
    papers const of;
    redis_server const server(of.of_server());
    auto options = to(server, of.ours.file());
    check_that_all_works(options);
    options.addresses.front().host = "localhost";
    check_that_all_works(options);
}

BOOST_AUTO_TEST_CASE(works_with_urls)
{
    papers const of;
    redis_server const server(of.of_strict_server());
    auto const url = "rediss://localhost:" + std::to_string(server.port()) + "/3?ca=" + of.ours.file() +
                     "&cert=" + of.client.certificate + "&key=" + of.client.key;
    check_that_all_works([&](asio::any_io_executor executor) { return open(std::move(executor), url); });
    BOOST_TEST(server.command({"INFO", "keyspace"}).find("db3:") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_a_server_of_an_authority_that_is_not_trusted)
{
    papers const of;
    authority const others(of.folder, "others");
    redis_server const server(of.of_server());
    check_refused(to(server, others.file()), errc::refused, "unable to get local issuer certificate");
    // Nor is it one of the system's.
    check_refused(to(server, ""), errc::refused, "certificate verify failed");
}

BOOST_AUTO_TEST_CASE(refuses_a_server_with_a_certificate_for_another_host)
{
    papers const of;
    redis_server const server(of.of_server(of.ours.issue("other", "DNS:db.example")));
    check_refused(to(server, of.ours.file()), errc::refused, "it is not for 127.0.0.1");
}

BOOST_AUTO_TEST_CASE(refuses_a_server_whose_certificate_has_expired)
{
    papers const of;
    redis_server const server(of.of_server(of.ours.issue_expired("old", this_machine)));
    check_refused(to(server, of.ours.file()), errc::refused, "certificate has expired");
}

BOOST_AUTO_TEST_CASE(shows_a_server_that_asks_for_it_a_certificate)
{
    papers const of;
    redis_server const server(of.of_strict_server());
    auto options = to(server, of.ours.file());
    options.tls_files.certificate = of.client.certificate;
    options.tls_files.key = of.client.key;
    check_that_all_works(options);
}

BOOST_AUTO_TEST_CASE(tells_of_a_server_that_wants_another_certificate)
{
    papers const of;
    redis_server const server(of.of_strict_server());
    auto options = to(server, of.ours.file());
    check_refused(options, errc::refused, "certificate required");
    authority const others(of.folder, "others");
    auto const stranger = others.issue("client", "DNS:client");
    options.tls_files.certificate = stranger.certificate;
    options.tls_files.key = stranger.key;
    check_refused(options, errc::refused, "unknown ca");
}

BOOST_AUTO_TEST_CASE(checks_the_host_of_the_address_that_is_tried)
{
    papers const of;
    redis_server const other(of.of_server(of.ours.issue("other", "DNS:db.example")));
    redis_server const right(of.of_server());
    auto options = to(other, of.ours.file());
    options.addresses.push_back({"127.0.0.1", right.port()});
    check_that_all_works(options);
    BOOST_TEST(other.command({"DBSIZE"}) == "0");
    BOOST_TEST(right.command({"EXISTS", "orders"}) == "1");
}

BOOST_AUTO_TEST_CASE(to_a_server_without_it_ends_with_the_connect_timeout)
{
    papers const of;
    redis_server const server({.tcp = true});
    check_refused(to(server, of.ours.file()), errc::unreachable, "within 300 ms: no answer");
}

BOOST_AUTO_TEST_CASE(is_missed_by_a_server_that_needs_it)
{
    papers const of;
    redis_server const server(of.of_server());
    auto options = to(server, {});
    options.tls = false;
    check_refused(options, errc::unreachable, "no connection to 127.0.0.1:");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used_are_named_with_their_member)
{
    papers const of;
    auto const good = [&] {
        redis_options options;
        options.tls = true;
        options.tls_files = {of.ours.file(), of.client.certificate, of.client.key};
        return options;
    };
    auto const refused = [&](auto change) {
        auto options = good();
        change(options.tls_files);
        return failure_of(options);
    };
    auto const holds = [](failure const& why, std::string const& words) {
        return why.words().find(words) != std::string_view::npos;
    };
    asio::io_context context(1);
    BOOST_TEST(make_redis_broker(context.get_executor(), good()));

    auto const empty = (of.folder.path() / "empty.pem").string();
    std::ofstream{empty};
    for (auto const member : {&redis_tls_files::ca, &redis_tls_files::certificate, &redis_tls_files::key}) {
        auto const why = refused([&](redis_tls_files& files) { files.*member = empty; });
        BOOST_TEST(holds(why, "it is empty"), why);
    }

    auto const missing = (of.folder.path() / "missing.pem").string();
    for (auto const member : {&redis_tls_files::ca, &redis_tls_files::certificate, &redis_tls_files::key}) {
        auto const why = refused([&](redis_tls_files& files) { files.*member = missing; });
        BOOST_TEST(holds(why, missing), why);
        BOOST_TEST(holds(why, "No such file or directory"), why);
    }
    BOOST_TEST(holds(refused([&](auto& files) { files.ca = missing; }), "redis_options::tls_files.ca "));
    BOOST_TEST(holds(
        refused([&](auto& files) { files.certificate = missing; }), "redis_options::tls_files.certificate "
    ));
    BOOST_TEST(holds(refused([&](auto& files) { files.key = missing; }), "redis_options::tls_files.key "));

    auto const nonsense = of.folder.write("nonsense.pem", "swordfish");
    for (auto const member : {&redis_tls_files::ca, &redis_tls_files::certificate, &redis_tls_files::key}) {
        auto const why = refused([&](redis_tls_files& files) { files.*member = nonsense; });
        BOOST_TEST(holds(why, nonsense), why);
        BOOST_TEST(!holds(why, "swordfish"), why);
        BOOST_TEST_MESSAGE(why);
    }
    auto const folder = refused([&](auto& files) { files.ca = of.folder.path().string(); });
    BOOST_TEST(holds(folder, "Is a directory"), folder);
    auto const foreign = refused([&](auto& files) { files.key = of.server.key; });
    BOOST_TEST(holds(foreign, "key values mismatch"), foreign);
    // Nobody is asked for the password.
    auto const encrypted = refused([&](auto& files) { files.key = of.ours.encrypt(files.key, "swordfish"); });
    BOOST_TEST(holds(encrypted, of.client.key + ".encrypted"), encrypted);
    BOOST_TEST_MESSAGE(encrypted);

    failure why;
    BOOST_TEST(!open(context.get_executor(), "rediss://h?ca=" + missing, why));
    BOOST_TEST((why == errc::invalid_option), why);
}

BOOST_AUTO_TEST_CASE(files_are_read_once)
{
    papers const of;
    redis_server const server(of.of_server());
    auto const ca = of.folder.write("copy.pem", "");
    std::filesystem::copy_file(of.ours.file(), ca, std::filesystem::copy_options::overwrite_existing);
    check_on(to(server, ca), [&](stage& of) -> asio::awaitable<void> {
        std::filesystem::remove(ca);
        BOOST_TEST(!(co_await publish(of)));
        auto const reader = of.broker->make_reader("g", "c");
        BOOST_TEST(!(co_await of.broker->ensure_group("orders", "g", start_position::beginning())));
        std::string_view const names[] = {"orders"};
        std::vector<received> entries;
        BOOST_TEST(!(co_await reader->read(names, 10, 0ms, entries)));
        BOOST_TEST(entries.size() == 1U);
    });
}

BOOST_AUTO_TEST_SUITE_END()
