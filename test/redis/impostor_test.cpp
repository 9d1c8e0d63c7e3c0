// Something that listens where a server should be, and is none.

#include "redis/trouble.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

using namespace strandline;
using namespace strandline::testing;
using boost::asio::ip::tcp;

namespace {

/// Accepts connections, counts them, and treats each of them in the same way.
class impostor
{
public:
    using treatment = std::function<asio::awaitable<void>(tcp::socket&)>;

    impostor(asio::any_io_executor const& executor, treatment treat)
        : state_(std::make_shared<state>(executor, std::move(treat)))
    {
        asio::co_spawn(executor, serve(state_), asio::detached);
    }

    ~impostor()
    {
        state_->acceptor.close();
        for (auto const& one : state_->connections)
            if (auto const open = one.lock())
                open->close();
    }

    std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }

    std::size_t accepted() const noexcept { return state_->connections.size(); }

private:
    struct state
    {
        state(asio::any_io_executor const& executor, treatment how)
            : acceptor(executor, {asio::ip::address_v4::loopback(), 0})
            , treat(std::move(how))
        {}

        tcp::acceptor acceptor;
        treatment treat;
        std::vector<std::weak_ptr<tcp::socket>> connections;
    };

    static asio::awaitable<void> serve(std::shared_ptr<state> self)
    {
        for (;;) {
            auto const socket = std::make_shared<tcp::socket>(co_await self->acceptor.async_accept());
            self->connections.push_back(socket);
            asio::co_spawn(
                co_await asio::this_coro::executor,
                [](auto held, auto kept) -> asio::awaitable<void> {
                    co_await kept->treat(*held);
                }(socket, self),
                asio::detached
            );
        }
    }

    std::shared_ptr<state> state_;
};

asio::awaitable<void> read_something(tcp::socket& from)
{
    std::string bytes(4096, '\0');
    co_await from.async_read_some(asio::buffer(bytes));
}

asio::awaitable<void> wait_for_its_end(tcp::socket& from)
{
    for (;;)
        co_await read_something(from);
}

/// Publishes and consumes against it: both get clear errors, it is not asked too often, and all of it ends.
void check_against(impostor::treatment treat, std::function<void(failure const&)> const& is_clear)
{
    std::size_t accepted = 0;
    std::chrono::milliseconds passed{};
    asio::io_context context(1);
    std::unique_ptr<impostor> other;
    redis_options options;
    options.connect_timeout = 100ms;
    options.health_check_interval = 100ms;
    options.min_reconnect_delay = 100ms;
    options.max_reconnect_delay = 100ms;
    check_with(
        [&](asio::any_io_executor executor) {
            other = std::make_unique<impostor>(executor, treat);
            options.host = "127.0.0.1";
            options.port = other->port();
            return make_redis_broker(std::move(executor), options);
        },
        [&](stage& of) -> asio::awaitable<void> {
            auto const begin = std::chrono::steady_clock::now();
            auto const told = std::make_shared<troubles>(of.strand());
            auto const billing = of.make_consumer(telling("billing", told));
            for (auto const stream : {"orders", "users"})
                billing->on(stream, [](delivery const&) -> asio::awaitable<void> { co_return; });
            auto run = of.start(billing);
            producer to(of.broker, {.timeout = 100ms});
            for (int i = 0; i != 3; ++i) {
                auto const end = co_await to.async_publish("orders", "x", asio::as_tuple);
                is_clear(std::get<0>(end));
            }
            co_await told->reach(4);
            for (auto const& why : told->all())
                is_clear(why);
            co_await pass(300ms);
            billing->stop();
            BOOST_TEST(!(co_await run.get()).why);
            accepted = other->accepted();
            passed = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
            other.reset();
        }
    );
    BOOST_TEST(accepted >= 1);
    // A connection for commands and one for reading, each made again after half of the delay at the earliest.
    BOOST_TEST(accepted <= 2 * (1 + static_cast<std::size_t>(passed / 50ms)));
}

void is_unreachable(failure const& why)
{
    BOOST_TEST((why == errc::unreachable), why);
    BOOST_TEST((why.words().find("127.0.0.1:") != std::string_view::npos), why);
}

void is_unreachable_or_lost(failure const& why)
{
    BOOST_TEST((why == errc::unreachable || why == errc::connection_lost), why);
    BOOST_TEST((why.words().find("127.0.0.1:") != std::string_view::npos), why);
}

/// What a server answers to the handshake of a connection.
asio::awaitable<void> answer_the_handshake(tcp::socket& to)
{
    std::string request;
    while (request.find("CLIENT") == request.npos) {
        std::string bytes(4096, '\0');
        bytes.resize(co_await to.async_read_some(asio::buffer(bytes)));
        request += bytes;
    }
    std::string_view const answers = "%1\r\n+server\r\n+redis\r\n:1\r\n";
    co_await asio::async_write(to, asio::buffer(answers));
}

} // namespace

BOOST_AUTO_TEST_SUITE(impostors)

BOOST_AUTO_TEST_CASE(that_close_at_once)
{
    check_against([](tcp::socket&) -> asio::awaitable<void> { co_return; }, is_unreachable);
}

BOOST_AUTO_TEST_CASE(that_close_when_spoken_to)
{
    check_against([](tcp::socket& it) { return read_something(it); }, is_unreachable);
}

BOOST_AUTO_TEST_CASE(that_never_answer)
{
    check_against([](tcp::socket& it) { return wait_for_its_end(it); }, is_unreachable);
}

BOOST_AUTO_TEST_CASE(that_speak_another_protocol)
{
    for (std::string_view const text :
         {"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "220 mail.example.org ESMTP\r\n",
          "\r\n\r\n", "\x16\x03\x01\x02", "$-5\r\n", "*99999999999999999999\r\n", ":\r\n"})
        check_against(
            [text](tcp::socket& it) -> asio::awaitable<void> {
                co_await asio::async_write(it, asio::buffer(text));
                co_await wait_for_its_end(it);
            },
            is_unreachable
        );
}

BOOST_AUTO_TEST_CASE(that_refuse_in_words)
{
    check_against(
        [](tcp::socket& it) -> asio::awaitable<void> {
            co_await read_something(it);
            co_await asio::async_write(it, asio::buffer(std::string_view("-ERR this is not for you\r\n")));
            co_await wait_for_its_end(it);
        },
        [](failure const& why) {
            BOOST_TEST((why == errc::refused || why == errc::unreachable), why);
            BOOST_TEST((why.words().find("127.0.0.1:") != std::string_view::npos), why);
        }
    );
}

BOOST_AUTO_TEST_CASE(that_close_after_the_handshake)
{
    check_against([](tcp::socket& it) { return answer_the_handshake(it); }, is_unreachable_or_lost);
}

BOOST_AUTO_TEST_CASE(that_never_answer_after_the_handshake)
{
    check_against(
        [](tcp::socket& it) -> asio::awaitable<void> {
            co_await answer_the_handshake(it);
            co_await wait_for_its_end(it);
        },
        is_unreachable_or_lost
    );
}

BOOST_AUTO_TEST_CASE(that_answer_nonsense_after_the_handshake)
{
    check_against(
        [](tcp::socket& it) -> asio::awaitable<void> {
            co_await answer_the_handshake(it);
            co_await read_something(it);
            co_await asio::async_write(it, asio::buffer(std::string_view("nonsense\r\n")));
            co_await wait_for_its_end(it);
        },
        is_unreachable_or_lost
    );
}

BOOST_AUTO_TEST_CASE(that_answer_everything_in_a_wrong_shape)
{
    check_against(
        [](tcp::socket& it) -> asio::awaitable<void> {
            co_await answer_the_handshake(it);
            for (;;) {
                co_await read_something(it);
                co_await asio::async_write(it, asio::buffer(std::string_view(":7\r\n")));
            }
        },
        [](failure const& why) {
            BOOST_TEST(
                (why == errc::unexpected_reply || why == errc::unreachable || why == errc::connection_lost),
                why
            );
        }
    );
}

BOOST_AUTO_TEST_SUITE_END()
