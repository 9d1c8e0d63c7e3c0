#include "redis/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <exception>
#include <random>

namespace strandline::redis {

namespace {

/// A session that ended sooner than this says nothing good about the server: the delay goes on growing.
constexpr std::chrono::seconds steady_session{1};

/// Whole batches should fit into few reads of the socket.
constexpr std::size_t read_buffer_growth = 64 * 1024;

asio::ssl::context make_tls(redis_options const& options)
{
    asio::ssl::context context(asio::ssl::context::tls_client);
    if (options.tls) {
        context.set_default_verify_paths();
        context.set_verify_mode(asio::ssl::verify_peer);
        context.set_verify_callback(asio::ssl::host_name_verification(options.host));
    }
    return context;
}

boost::redis::config make_config(redis_options const& options)
{
    boost::redis::config config;
    config.addr = {options.host, std::to_string(options.port)};
    config.unix_socket = options.unix_socket;
    config.use_ssl = options.tls;
    config.resolve_timeout = options.connect_timeout;
    config.connect_timeout = options.connect_timeout;
    config.ssl_handshake_timeout = options.connect_timeout;
    config.health_check_interval = options.health_check_interval;
    config.reconnect_wait_interval = std::chrono::seconds::zero();
    config.read_buffer_append_size = read_buffer_growth;
    // The handshake is ours, so that its errors keep the server's words and its answers are at hand.
    config.use_setup = true;
    config.setup.clear();
    return config;
}

} // namespace

request make_request()
{
    request made;
    made.get_config().cancel_if_not_connected = true;
    made.get_config().cancel_on_connection_lost = true;
    made.get_config().cancel_if_unresponded = true;
    return made;
}

connection::connection(asio::any_io_executor strand, redis_options options)
    : options_(std::move(options))
    , config_(make_config(options_))
    , transport_(strand, make_tls(options_), boost::redis::logger(boost::redis::logger::level::disabled))
    , pause_(strand)
    , backoff_(options_.min_reconnect_delay, options_.max_reconnect_delay, std::random_device{}())
{
    boost::redis::any_adapter pushes([this](auto event, auto const& node, auto& error) {
        take_push(event, node, error);
    });
    transport_.set_receive_response(pushes);
    // Waits for the connection to be made, unlike everything else.
    handshake_.get_config().cancel_on_connection_lost = true;
    if (options_.user.empty() && options_.password.empty())
        handshake_.push("HELLO", "3", "SETNAME", "strandline");
    else
        handshake_.push(
            "HELLO", "3", "AUTH", options_.user.empty() ? std::string_view("default") : options_.user,
            options_.password, "SETNAME", "strandline"
        );
    if (options_.database != 0)
        handshake_.push("SELECT", options_.database);
    handshake_.push("CLIENT", "ID");
}

std::string connection::address() const
{
    return options_.unix_socket.empty() ? fmt::format("{}:{}", options_.host, options_.port)
                                        : options_.unix_socket;
}

std::optional<std::uint64_t> connection::client_id() const noexcept
{
    return phase_ == phase::up ? client_id_ : std::nullopt;
}

asio::awaitable<failure> connection::exec(request const& commands, reply_sink& replies)
{
    auto const self = shared_from_this();
    for (;;) {
        if (auto why = co_await connected())
            co_return why;
        auto why = co_await exec_now(commands, replies);
        if (why != errc::unreachable)
            co_return why;
        // Nothing was sent: the connection has gone, and the next one will do.
    }
}

asio::awaitable<failure> connection::exec_now(request const& commands, reply_sink& replies)
{
    auto const self = shared_from_this();
    if (phase_ == phase::closed)
        co_return failure(errc::closed);
    if (phase_ != phase::up)
        co_return failure(errc::unreachable, std::string(why_down().words()));
    auto const [error, bytes] = co_await transport_.async_exec(commands, replies.adapter(), asio::as_tuple);
    if (!error)
        co_return failure();
    if (phase_ == phase::closed)
        co_return failure(errc::closed);
    if (error == boost::redis::error::not_connected) {
        // The run coroutine is about to learn it.
        if (phase_ == phase::up)
            phase_ = phase::down;
        co_return failure(errc::unreachable);
    }
    co_return failure(
        errc::connection_lost,
        fmt::format("the connection to {} broke before the answer came ({})", address(), error.message())
    );
}

asio::awaitable<failure> connection::subscribe(std::span<std::string const> channels)
{
    // It is answered by pushes, so the transport expects no reply. A refusal is one, which ends the
    // connection.
    auto commands = make_request();
    commands.push_range("SUBSCRIBE", channels);
    node_replies none;
    co_return co_await exec_now(commands, none);
}

void connection::listen(std::weak_ptr<push_receiver> receiver)
{
    auto const is_first = !receiver_;
    receiver_ = std::move(receiver);
    if (!is_first || phase_ == phase::closed)
        return;
    asio::co_spawn(
        transport_.get_executor(),
        [self = shared_from_this()]() -> asio::awaitable<void> { return self->drain_pushes(); },
        [self = shared_from_this()](std::exception_ptr unexpected) {
            if (unexpected)
                std::rethrow_exception(unexpected);
        }
    );
}

asio::awaitable<void> connection::drain_pushes()
{
    // The pushes themselves have been taken as they were parsed; but the transport stops reading, replies
    // included, when 256 of them have not been asked for.
    while (phase_ != phase::closed)
        co_await transport_.async_receive2(asio::as_tuple);
}

void connection::take_push(
    boost::redis::any_adapter::parse_event event, resp3::node_view const& node,
    boost::system::error_code& error
)
{
    if (event == boost::redis::any_adapter::parse_event::init)
        push_.clear();
    else if (event == boost::redis::any_adapter::parse_event::node) {
        if (is_error(node))
            error = boost::redis::error::resp3_simple_error; // a reply to nothing: we are out of step
        else if (node.depth == 1)
            push_.emplace_back(node.value);
    }
    else if (push_.size() == 3 && push_[0] == "message" && receiver_)
        if (auto const receiver = receiver_->lock())
            receiver->on_message(push_[1], push_[2]);
}

asio::awaitable<failure> connection::connected(std::chrono::milliseconds wait)
{
    if (phase_ == phase::up && waiters_.empty())
        co_return failure();
    if (phase_ == phase::idle) {
        phase_ = phase::down;
        asio::co_spawn(
            transport_.get_executor(),
            [self = shared_from_this()]() -> asio::awaitable<void> { return self->run(); },
            [self = shared_from_this()](std::exception_ptr unexpected) {
                if (unexpected)
                    std::rethrow_exception(unexpected);
            }
        );
    }
    if (phase_ == phase::closed)
        co_return failure(errc::closed);

    waiter self{asio::steady_timer(transport_.get_executor(), wait), std::nullopt};
    if (phase_ == phase::up)
        self.news.emplace();
    auto const place = waiters_.insert(waiters_.end(), &self);
    // The frame can be destroyed while it waits, with its context.
    struct leave
    {
        std::list<waiter*>& waiters;
        std::list<waiter*>::iterator place;

        ~leave()
        {
            waiters.erase(place);
            if (!waiters.empty())
                waiters.front()->deadline.cancel();
        }
    } const leaving{waiters_, place};

    // Once the connection is up they go on in the order in which they came, and nobody overtakes them: on
    // several threads timers that were cancelled one after another need not complete so.
    auto const has_turn = [&] { return self.news && (*self.news || waiters_.front() == &self); };
    while (!has_turn()) {
        if (self.news)
            self.deadline.expires_at(asio::steady_timer::time_point::max());
        auto const [error] = co_await self.deadline.async_wait(asio::as_tuple);
        if (!error && !self.news)
            self.news = why_down(wait);
    }
    co_return *self.news;
}

failure connection::why_down(std::chrono::milliseconds waited) const
{
    if (last_error_ == errc::refused || last_error_ == errc::unavailable)
        return last_error_;
    auto const reason = last_error_ ? last_error_.message() : std::string("no answer");
    return {
        errc::unreachable,
        fmt::format("no connection to {} within {} ms: {}", address(), waited.count(), reason)
    };
}

void connection::tell_waiters(failure const& news)
{
    for (auto* waiting : waiters_) {
        waiting->news = news;
        waiting->deadline.cancel();
    }
}

void connection::give_up_waiting()
{
    if (phase_ != phase::up)
        tell_waiters(error_code(asio::error::operation_aborted));
}

void connection::start_handshake()
{
    handshake_replies_.clear();
    transport_.async_exec(
        handshake_, handshake_replies_.adapter(),
        asio::bind_executor(
            transport_.get_executor(),
            [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                self->finish_handshake(error);
            }
        )
    );
}

void connection::finish_handshake(boost::system::error_code error)
{
    if (error || phase_ == phase::closed)
        return; // the run coroutine knows more
    // All but CLIENT ID must succeed; that one may be forbidden to the user and is done without.
    auto const needed = handshake_.get_expected_responses() - 1;
    for (std::size_t command = 0; command < needed; ++command) {
        if (auto refusal = handshake_replies_.error(command)) {
            last_error_ = refusal == errc::unavailable
                              ? refusal
                              : failure(errc::refused, fmt::format("{}: {}", address(), refusal.words()));
            tell_waiters(last_error_);
            transport_.cancel(boost::redis::operation::run);
            return;
        }
    }
    client_id_.reset();
    if (!handshake_replies_.error(needed))
        client_id_ = node_walk(handshake_replies_.reply(needed)).number();
    phase_ = phase::up;
    was_up_ = true;
    up_since_ = std::chrono::steady_clock::now();
    last_error_ = {};
    tell_waiters({});
    if (receiver_)
        if (auto const receiver = receiver_->lock())
            receiver->on_connected();
}

asio::awaitable<void> connection::run()
{
    while (phase_ != phase::closed) {
        start_handshake();
        auto const ended = co_await transport_.async_run(config_, asio::as_tuple);
        auto const error = std::get<0>(ended);
        // What never was written would otherwise be kept for the next connection.
        transport_.cancel(boost::redis::operation::exec);
        if (phase_ == phase::closed)
            break;
        if (up_since_ && std::chrono::steady_clock::now() - *up_since_ > steady_session)
            backoff_.reset();
        up_since_.reset();
        phase_ = phase::down;
        if (!last_error_ || error != asio::error::operation_aborted)
            last_error_ = failure(error);
        pause_.expires_after(backoff_.next());
        co_await pause_.async_wait(asio::as_tuple);
    }
}

void connection::close()
{
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    tell_waiters(errc::closed);
    pause_.cancel();
    transport_.cancel();
}

} // namespace strandline::redis
