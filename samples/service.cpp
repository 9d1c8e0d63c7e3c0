// A service: HTTP in front, events behind, in one io_context. Orders that are posted are published; a handler
// charges them; the answer to a GET tells how many have been.
//
//     service [--port N] [--url memory:|redis://HOST:PORT]
//
//     curl -d '{"id": "42", "total": 9.5}' http://127.0.0.1:8080/orders
//     curl http://127.0.0.1:8080/orders
//
// SIGTERM and Ctrl-C end both in good order: requests and charges under way are finished first.

#include <strandline/strandline.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast.hpp>
#include <boost/describe.hpp>

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <list>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;

struct order
{
    std::string id;
    double total = 0;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total))

using request = http::request<http::string_body>;
using response = http::response<http::string_body>;

void rethrow(std::exception_ptr thrown)
{
    if (thrown)
        std::rethrow_exception(thrown);
}

// What the service does, apart from how it is reached.
class order_book
{
public:
    explicit order_book(strandline::event_bus& bus) : bus_(bus)
    {
        bus_.subscribe<order>("orders", [this](order const& what) -> asio::awaitable<void> {
            // Stands for a request to a bank. Only this coroutine waits.
            asio::steady_timer bank(co_await asio::this_coro::executor, 20ms);
            co_await bank.async_wait();
            if (what.total <= 0) {
                ++refused_;
                throw strandline::reject("there is nothing to pay");
            }
            ++charged_;
        });
    }

    asio::awaitable<response> answer(request const& asked)
    {
        if (asked.target() != "/orders")
            co_return make(asked, http::status::not_found, "there are only /orders\n");
        if (asked.method() == http::verb::get)
            co_return make(
                asked, http::status::ok, fmt::format("{} charged, {} refused\n", charged_, refused_)
            );
        if (asked.method() != http::verb::post)
            co_return make(asked, http::status::method_not_allowed, "GET or POST\n");

        order posted;
        if (auto const wrong = strandline::codec<order>::decode(asked.body(), posted))
            co_return make(asked, http::status::bad_request, wrong.message() + "\n");
        auto const [why, id] = co_await bus_.async_publish("orders", posted, {}, asio::as_tuple);
        if (why)
            co_return make(asked, http::status::service_unavailable, why.message() + "\n");
        co_return make(asked, http::status::accepted, id.to_string() + "\n");
    }

private:
    static response make(request const& asked, http::status status, std::string body)
    {
        response made(status, asked.version());
        made.set(http::field::content_type, "text/plain");
        made.keep_alive(asked.keep_alive());
        made.body() = std::move(body);
        made.prepare_payload();
        return made;
    }

    strandline::event_bus& bus_;
    std::uint64_t charged_ = 0;
    std::uint64_t refused_ = 0;
};

// Connections, each a coroutine, until it is stopped.
class http_server
{
public:
    http_server(asio::any_io_executor executor, std::uint16_t port, order_book& orders)
        : acceptor_(executor, {asio::ip::address_v4::loopback(), port})
        , connection_ended_(executor, asio::steady_timer::time_point::max())
        , orders_(orders)
    {}

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    asio::awaitable<void> run()
    {
        asio::steady_timer pause(acceptor_.get_executor());
        while (acceptor_.is_open()) {
            auto [failed, socket] = co_await acceptor_.async_accept(asio::as_tuple);
            if (!failed) {
                ++connections_;
                asio::co_spawn(
                    acceptor_.get_executor(), serve(beast::tcp_stream(std::move(socket))),
                    [this](std::exception_ptr thrown) {
                        rethrow(thrown);
                        --connections_;
                        connection_ended_.cancel();
                    }
                );
            }
            else if (acceptor_.is_open()) { // out of descriptors, say: that passes
                pause.expires_after(100ms);
                co_await pause.async_wait();
            }
        }
        while (connections_ != 0)
            co_await connection_ended_.async_wait(asio::as_tuple);
    }

    // Requests that are being answered are answered still.
    void stop()
    {
        acceptor_.close();
        for (auto* waiting : waiting_)
            waiting->cancel();
    }

private:
    asio::awaitable<void> serve(beast::tcp_stream stream)
    {
        beast::flat_buffer buffer;
        for (auto goes_on = true; goes_on && acceptor_.is_open();) {
            request asked;
            auto const place = waiting_.insert(waiting_.end(), &stream);
            stream.expires_after(30s);
            auto const [failed, size] = co_await http::async_read(stream, buffer, asked, asio::as_tuple);
            waiting_.erase(place);
            if (failed)
                co_return;
            auto answer = co_await orders_.answer(asked);
            goes_on = answer.keep_alive();
            auto const [gone, written] = co_await http::async_write(stream, answer, asio::as_tuple);
            if (gone)
                co_return;
        }
    }

    asio::ip::tcp::acceptor acceptor_;
    int connections_ = 0;
    // Cancelled to tell.
    asio::steady_timer connection_ended_;
    order_book& orders_;
    // Connections on which a request may come.
    std::list<beast::tcp_stream*> waiting_;
};

asio::awaitable<void> serve(strandline::broker_ptr broker, std::uint16_t port)
{
    // Everything runs on the broker's strand, the connections, too: no locks.
    auto const strand = broker->get_executor();
    strandline::consumer_options consuming;
    consuming.group = "billing";
    strandline::event_bus bus(std::move(broker), consuming);
    order_book orders(bus);
    http_server server(strand, port, orders);
    fmt::print("listening on 127.0.0.1:{}\n", server.port());
    std::fflush(stdout);

    asio::signal_set signals(strand, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code cancelled, int) {
        if (cancelled)
            return;
        server.stop();
        bus.close(5s);
    });
    using namespace asio::experimental::awaitable_operators;
    auto const report = co_await (server.run() && bus.async_run(asio::use_awaitable));
    fmt::print("charged {}, dead letters {}, handed back {}\n", report.handled, report.dead, report.released);
}

int main(int argc, char** argv)
try {
    std::uint16_t port = 8080;
    std::string_view url = "memory:";
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string_view const name = argv[i], value = argv[i + 1];
        if (name == "--url")
            url = value;
        else if (name != "--port" || std::from_chars(value.begin(), value.end(), port).ptr != value.end()) {
            fmt::print(stderr, "usage: service [--port N] [--url memory:|redis://HOST:PORT]\n");
            return 2;
        }
    }
    asio::io_context context(1);
    asio::co_spawn(context, serve(strandline::open(context.get_executor(), url), port), rethrow);
    context.run();
}
catch (std::exception const& thrown) {
    fmt::print(stderr, "service: {}\n", thrown.what());
    return 1;
}
