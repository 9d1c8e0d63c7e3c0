#pragma once

#include "redis/backoff.hpp"
#include "redis/greeting.hpp"
#include "redis/replies.hpp"
#include "redis/route.hpp"
#include "redis/tls.hpp"

#include <strandline/broker.hpp>
#include <strandline/redis.hpp>

#include <boost/asio/ssl/verify_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/request.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

using request = boost::redis::request;

/// A request that no reconnect repeats: when its connection breaks its outcome is unknown, and only the
/// caller can say whether it may be sent again.
request make_request();

/// Who is told of what the server sends by itself.
class push_receiver
{
public:
    /// A connection is up, and is subscribed to nothing.
    virtual void on_connected() = 0;

    /// A message of a channel that was subscribed to. Called from within the parser: to be carried on later.
    virtual void on_message(std::string_view channel, std::string_view message) = 0;

protected:
    ~push_receiver() = default;
};

/// One connection to the server, made with the first command, kept up and made again for as long as it is not
/// closed.
///
/// Boost.Redis' own reconnect is switched off: it waits a constant time, and repeats in its handshake what
/// only we can judge. Nor is its Sentinel used: it tells neither what the sentinels said nor which master
/// they named, against whose host a certificate must be checked; the transport runs to a sentinel first, then
/// to the master. Everything here runs on the strand given. Commands wait while there is no connection, at
/// most the connect timeout. The run coroutine shares ownership, because the transport must not be destroyed
/// while it runs.
class connection : public std::enable_shared_from_this<connection>
{
public:
    /// `read_size` is how many bytes are asked of the socket at a time. The transport clears as many before
    /// each read, so a large size costs something where replies are short.
    connection(
        asio::any_io_executor strand, redis_options const& options, tls_identity const& tls,
        std::size_t read_size
    );

    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    asio::any_io_executor get_executor() { return transport_.get_executor(); }

    /// Sends the commands and waits for all their replies. Errors that the server answered are the sink's.
    ///
    /// Errors: `unreachable`, `refused`, `unavailable` (nothing was sent), `connection_lost`, `closed`.
    asio::awaitable<failure> exec(request const& commands, reply_sink& replies);

    /// The same for what must not be sent later than now: does not wait for a connection.
    asio::awaitable<failure> exec_now(request const& commands, reply_sink& replies);

    /// From now on tells it, for as long as it lives.
    void listen(std::weak_ptr<push_receiver> receiver);

    /// Subscribes to channels for as long as the connection holds, without waiting for an answer. To be used
    /// on a connection for nothing else: a refusal would be taken for the reply to another command, and the
    /// server gives up a subscribed connection whose replies are large (32 MB by default).
    asio::awaitable<failure> subscribe(std::span<std::string const> channels);

    /// Completes when the connection is up, or was waited for that long. Errors: `unreachable`, `refused`,
    /// `unavailable`, `closed`.
    asio::awaitable<failure> connected(std::chrono::milliseconds wait);

    asio::awaitable<failure> connected() { return connected(connect_timeout_); }

    /// The server's number of this connection; nothing while it is down or where the user may not ask for it.
    std::optional<std::uint64_t> client_id() const noexcept;

    /// Ends the waits for a connection that there is not: they fail with `operation_aborted`.
    void give_up_waiting();

    /// The server was found to be a replica: leaves it for another one when all that was sent to it has been
    /// answered.
    void leave_replica();

    /// Ends the connection for good; commands under way complete with `closed`.
    void close();

    bool is_up() const noexcept { return phase_ == phase::up; }

    /// It was up, and is not at the moment.
    bool is_lost() const noexcept { return phase_ == phase::down && was_up_; }

    /// What a command gets that has waited so long for the connection.
    failure why_down(std::chrono::milliseconds waited) const;

    failure why_down() const { return why_down(connect_timeout_); }

    bool is_closed() const noexcept { return phase_ == phase::closed; }

private:
    enum class phase : std::uint8_t
    {
        idle,
        down,
        up,
        closed,
    };

    /// Somebody who waits for the connection; its timer is cancelled when there is news.
    struct waiter
    {
        asio::steady_timer deadline;
        std::optional<failure> news;
    };

    using transport = boost::redis::basic_connection<asio::any_io_executor>;

    asio::awaitable<void> run();
    asio::awaitable<failure> attempt();
    void shake_hands();
    void finish_handshake();
    void come_up();
    void give_up(failure why);
    bool verify(bool is_trusted, asio::ssl::verify_context& context);
    void end_command();
    void cancel_if_left();
    asio::awaitable<void> drain_pushes();
    void take_push(
        boost::redis::any_adapter::parse_event event, resp3::node_view const& node,
        boost::system::error_code& error
    );
    void tell_waiters(failure const& news);

    std::chrono::milliseconds connect_timeout_;
    phase phase_ = phase::idle;
    bool was_up_ = false;
    route route_;
    greeting greeting_;
    boost::redis::config config_;
    transport transport_;
    asio::steady_timer pause_;
    backoff backoff_;

    // Of the attempt at hand, and of the connection that it becomes.
    std::uint64_t attempts_ = 0;
    route::target target_;
    asio::steady_timer limit_;
    node_replies first_replies_;
    std::string certificate_problem_;
    std::optional<redis_address> named_master_;
    /// Why we ended it.
    failure verdict_;
    std::optional<std::uint64_t> client_id_;
    std::optional<std::chrono::steady_clock::time_point> up_since_;
    std::size_t commands_under_way_ = 0;
    bool is_to_be_left_ = false;

    std::list<waiter*> waiters_;
    std::optional<std::weak_ptr<push_receiver>> receiver_;
    /// Of the push that arrives.
    std::vector<std::string> push_;
};

} // namespace strandline::redis
