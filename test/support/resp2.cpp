#include "support/resp2.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace strandline::testing::resp2 {

namespace asio = boost::asio;

namespace {

class replies
{
public:
    explicit replies(asio::local::stream_protocol::socket& socket) : socket_(socket) {}

    std::string next()
    {
        auto const head = line();
        switch (head.front()) {
        case '$': {
            auto const size = std::stoll(head.substr(1));
            return size < 0 ? std::string() : bytes(static_cast<std::size_t>(size));
        }
        case '*': {
            auto const count = std::stoll(head.substr(1));
            std::string text;
            for (auto i = 0LL; i < count; ++i)
                text.append(i == 0 ? "" : "\n").append(next());
            return text;
        }
        case '-':
            return head;
        default:
            return head.substr(1);
        }
    }

private:
    std::string line()
    {
        auto const size = asio::read_until(socket_, asio::dynamic_buffer(unread_), "\r\n");
        auto text = unread_.substr(0, size - 2);
        unread_.erase(0, size);
        return text;
    }

    std::string bytes(std::size_t size)
    {
        auto const whole = size + 2;
        if (unread_.size() < whole)
            asio::read(
                socket_, asio::dynamic_buffer(unread_), asio::transfer_exactly(whole - unread_.size())
            );
        auto text = unread_.substr(0, size);
        unread_.erase(0, whole);
        return text;
    }

    asio::local::stream_protocol::socket& socket_;
    std::string unread_;
};

} // namespace

std::string command(std::string const& socket, std::span<std::string_view const> words)
{
    auto text = "*" + std::to_string(words.size()) + "\r\n";
    for (auto const word : words)
        text.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
    asio::io_context context;
    asio::local::stream_protocol::socket connection(context);
    connection.connect(socket);
    asio::write(connection, asio::buffer(text));
    return replies(connection).next();
}

} // namespace strandline::testing::resp2
