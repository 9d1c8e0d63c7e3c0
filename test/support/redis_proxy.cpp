#include "support/redis_proxy.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <future>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;
using clock_type = std::chrono::steady_clock;

namespace {

/// Finds the commands in what a client sends: each is an array of texts.
class command_parser
{
public:
    /// Calls `found` with the name of each command that is whole by now.
    template <class Found>
    void read(std::string_view bytes, Found found)
    {
        unread_.append(bytes);
        while (auto const end = end_of_command()) {
            unread_.erase(0, *end);
            found(std::string(name_));
        }
    }

private:
    /// Nothing while a part is missing.
    std::optional<std::size_t> end_of_command()
    {
        std::size_t at = 0;
        auto count = number('*', at);
        for (std::size_t i = 0; count && i != *count; ++i) {
            auto const size = number('$', at);
            if (!size || unread_.size() < at + *size + 2)
                return std::nullopt;
            if (i == 0)
                name_ = unread_.substr(at, *size);
            at += *size + 2;
        }
        return count ? std::optional(at) : std::nullopt;
    }

    std::optional<std::size_t> number(char type, std::size_t& at) const
    {
        auto const end = unread_.find("\r\n", at);
        if (end == unread_.npos)
            return std::nullopt;
        if (unread_[at] != type)
            throw std::runtime_error("a client sent no array of texts");
        auto const value = std::stoul(unread_.substr(at + 1, end - at - 1));
        at = end + 2;
        return value;
    }

    std::string unread_;
    std::string name_;
};

void rethrow(std::exception_ptr thrown)
{
    if (thrown)
        std::rethrow_exception(thrown);
}

} // namespace

struct redis_proxy::state
{
    /// Bytes on a long way, of which each piece arrives when its time has come, whatever is behind it.
    struct way
    {
        explicit way(asio::io_context& context) : arrived(context, asio::steady_timer::time_point::max()) {}

        /// No bytes: the end.
        void push(std::chrono::milliseconds later, std::string_view bytes)
        {
            pieces.emplace_back(clock_type::now() + later, bytes);
            arrived.cancel();
        }

        std::deque<std::pair<clock_type::time_point, std::string>> pieces;
        asio::steady_timer arrived;
    };

    struct link
    {
        link(asio::io_context& context, tcp::socket from)
            : client(std::move(from))
            , server(context)
            , requests(context)
            , replies(context)
        {}

        tcp::socket client;
        local::socket server;
        way requests;
        way replies;
        command_parser commands;
        bool holds_requests = false;
        bool holds_replies = false;
        std::chrono::milliseconds delay{0};

        void end_requests()
        {
            boost::system::error_code ignored;
            // The server carries out what it has got, and then closes.
            server.shutdown(local::socket::shutdown_send, ignored);
        }

        void end_replies()
        {
            boost::system::error_code ignored;
            client.close(ignored);
        }

        void cut()
        {
            boost::system::error_code ignored;
            // As a machine that knows nothing of the connection any more: at once, not in order.
            client.set_option(asio::socket_base::linger(true, 0), ignored);
            client.close(ignored);
            server.close(ignored);
        }
    };

    using link_ptr = std::shared_ptr<link>;

    explicit state(std::string to)
        : acceptor(context, {asio::ip::address_v4::loopback(), 0})
        , door(context, asio::steady_timer::time_point::max())
        , server(std::move(to))
    {
        asio::co_spawn(context, serve(), rethrow);
    }

    asio::awaitable<void> serve()
    {
        for (;;) {
            auto const one = std::make_shared<link>(context, co_await acceptor.async_accept());
            one->holds_requests = one->holds_replies = holds_new;
            one->delay = delay;
            ++made;
            std::erase_if(links, [](auto const& other) { return other.expired(); });
            links.push_back(one);
            asio::co_spawn(context, connect(one), rethrow);
        }
    }

    asio::awaitable<void> connect(link_ptr one)
    {
        // The client may wait; the server may be gone by then.
        co_await pass(one->holds_requests);
        auto const [error] = co_await one->server.async_connect(server, asio::as_tuple);
        if (error) {
            one->cut();
            co_return;
        }
        asio::co_spawn(context, carry_replies(one), rethrow);
        if (one->delay != one->delay.zero()) {
            asio::co_spawn(context, travel(one, one->requests, one->server, &link::end_requests), rethrow);
            asio::co_spawn(context, travel(one, one->replies, one->client, &link::end_replies), rethrow);
        }
        co_await carry_requests(one);
    }

    template <class Socket>
    asio::awaitable<void> travel(link_ptr one, way& on, Socket& to, void (link::*end)())
    {
        asio::steady_timer timer(context);
        for (;;) {
            while (on.pieces.empty())
                co_await on.arrived.async_wait(asio::as_tuple);
            auto const [when, bytes] = std::move(on.pieces.front());
            on.pieces.pop_front();
            timer.expires_at(when);
            co_await timer.async_wait();
            if (bytes.empty()) {
                (one.get()->*end)();
                co_return;
            }
            co_await asio::async_write(to, asio::buffer(bytes), asio::as_tuple);
        }
    }

    asio::awaitable<void> pass(bool const& is_held)
    {
        while (is_held)
            co_await door.async_wait(asio::as_tuple);
    }

    asio::awaitable<void> carry_requests(link_ptr one)
    {
        std::array<char, 16 * 1024> bytes;
        for (;;) {
            auto const [error, size] =
                co_await one->client.async_read_some(asio::buffer(bytes), asio::as_tuple);
            if (!error)
                one->commands.read({bytes.data(), size}, [this](std::string name) {
                    sent.emplace_back(clock_type::now(), std::move(name));
                });
            co_await pass(one->holds_requests);
            if (one->delay != one->delay.zero())
                one->requests.push(one->delay, {bytes.data(), error ? 0 : size});
            else if (error)
                one->end_requests();
            else
                co_await asio::async_write(one->server, asio::buffer(bytes.data(), size), asio::as_tuple);
            if (error)
                co_return;
        }
    }

    asio::awaitable<void> carry_replies(link_ptr one)
    {
        std::array<char, 16 * 1024> bytes;
        for (;;) {
            auto const [error, size] =
                co_await one->server.async_read_some(asio::buffer(bytes), asio::as_tuple);
            co_await pass(one->holds_replies);
            auto const passing = error ? 0 : left ? std::min(*left, size) : size;
            if (one->delay != one->delay.zero())
                one->replies.push(one->delay, {bytes.data(), passing});
            else if (error)
                one->end_replies();
            else
                co_await asio::async_write(one->client, asio::buffer(bytes.data(), passing), asio::as_tuple);
            if (error)
                co_return;
            if (left && (*left -= std::min(*left, passing)) == 0) {
                left.reset();
                cut();
            }
        }
    }

    void cut()
    {
        for (auto const& weak : links)
            if (auto const one = weak.lock())
                one->cut();
    }

    void hold(bool requests, bool replies)
    {
        for (auto const& weak : links)
            if (auto const one = weak.lock()) {
                one->holds_requests = requests;
                one->holds_replies = replies;
            }
        door.cancel();
    }

    asio::io_context context{1};
    tcp::acceptor acceptor;
    asio::steady_timer door;
    local::endpoint server;
    std::vector<std::weak_ptr<link>> links;
    bool holds_new = false;
    std::chrono::milliseconds delay{0};
    std::optional<std::size_t> left;
    std::size_t made = 0;
    std::vector<std::pair<clock_type::time_point, std::string>> sent;
};

redis_proxy::redis_proxy(std::string server)
    : state_(std::make_unique<state>(std::move(server)))
    , port_(state_->acceptor.local_endpoint().port())
    , thread_([this] { state_->context.run(); })
{}

redis_proxy::~redis_proxy()
{
    state_->context.stop();
    thread_.join();
}

void redis_proxy::on_thread(std::function<void()> const& what)
{
    std::promise<void> done;
    asio::post(state_->context, [&] {
        what();
        done.set_value();
    });
    done.get_future().get();
}

void redis_proxy::cut()
{
    on_thread([this] { state_->cut(); });
}

void redis_proxy::cut_after(std::size_t bytes)
{
    on_thread([&] { state_->left = bytes; });
}

bool redis_proxy::is_to_cut()
{
    auto is = false;
    on_thread([&] { is = state_->left.has_value(); });
    return is;
}

void redis_proxy::hold_present()
{
    on_thread([this] { state_->hold(true, true); });
}

void redis_proxy::hold_requests()
{
    on_thread([this] { state_->hold(true, false); });
}

void redis_proxy::hold_all()
{
    on_thread([this] {
        state_->holds_new = true;
        state_->hold(true, true);
    });
}

void redis_proxy::let_go()
{
    on_thread([this] {
        state_->holds_new = false;
        state_->hold(false, false);
    });
}

void redis_proxy::delay_new(std::chrono::milliseconds each_way)
{
    on_thread([&] { state_->delay = each_way; });
}

std::size_t redis_proxy::connections()
{
    std::size_t count = 0;
    on_thread([&] { count = state_->made; });
    return count;
}

std::size_t redis_proxy::busiest_second(clock_type::time_point since)
{
    std::size_t most = 0;
    on_thread([&] {
        auto const& all = state_->sent;
        auto first = std::ranges::find_if(all, [&](auto const& one) { return one.first >= since; });
        for (auto last = first; last != all.end(); ++last) {
            while (last->first - first->first >= std::chrono::seconds(1))
                ++first;
            most = std::max(most, static_cast<std::size_t>(last - first) + 1);
        }
    });
    return most;
}

std::string redis_proxy::commands(clock_type::time_point since)
{
    std::map<std::string, std::size_t> counts;
    on_thread([&] {
        for (auto const& [when, name] : state_->sent)
            if (when >= since)
                ++counts[name];
    });
    std::string text;
    for (auto const& [name, count] : counts)
        text.append(name).append(" ").append(std::to_string(count)).append(", ");
    return text;
}

} // namespace strandline::testing
