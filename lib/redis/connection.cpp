#include "redis/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include <exception>
#include <random>

namespace strandline::redis {

namespace {

/// A session that ended sooner than this says nothing good about the server: the delay goes on growing.
constexpr std::chrono::seconds steady_session{1};

boost::redis::config make_config(redis_options const& options, std::size_t read_size)
{
    boost::redis::config config;
    config.unix_socket = options.unix_socket;
    // The limit of the attempt ends it sooner.
    config.resolve_timeout = options.connect_timeout;
    config.connect_timeout = options.connect_timeout;
    config.ssl_handshake_timeout = options.connect_timeout;
    config.health_check_interval = options.health_check_interval;
    config.reconnect_wait_interval = std::chrono::seconds::zero();
    config.read_buffer_append_size = read_size;
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

connection::connection(
    asio::any_io_executor strand, redis_options const& options, tls_identity const& tls, std::size_t read_size
)
    : connect_timeout_(options.connect_timeout)
    , route_(options)
    , greeting_(options)
    , config_(make_config(options, read_size))
    , transport_(
          strand,
          [&] {
              auto context = tls.make_context();
              context.set_verify_callback([this](bool is_trusted, asio::ssl::verify_context& of) {
                  return verify(is_trusted, of);
              });
              return context;
          }(),
          boost::redis::logger(boost::redis::logger::level::disabled)
      )
    , pause_(strand)
    , backoff_(options.min_reconnect_delay, options.max_reconnect_delay, std::random_device{}())
    , limit_(strand)
{
    boost::redis::any_adapter pushes([this](auto event, auto const& node, auto& error) {
        take_push(event, node, error);
    });
    transport_.set_receive_response(pushes);
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
    // The frame can be destroyed while it waits, with its context.
    struct ending
    {
        connection& of;
        ~ending() { of.end_command(); }
    } const at_the_end{*this};
    ++commands_under_way_;
    auto const [error, bytes] = co_await transport_.async_exec(commands, replies.adapter(), asio::as_tuple);
    if (replies.is_of_replica())
        leave_replica();
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
        fmt::format("the connection to {} broke before the answer came ({})", target_.name, error.message())
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
    return route_.problem(waited);
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

asio::awaitable<void> connection::run()
{
    while (phase_ != phase::closed) {
        auto why = co_await attempt();
        if (phase_ == phase::closed)
            break;
        phase_ = phase::down;
        if (named_master_) {
            route_.master_is(*std::exchange(named_master_, std::nullopt));
            continue;
        }
        if (auto const since = std::exchange(up_since_, std::nullopt)) {
            if (std::chrono::steady_clock::now() - *since > steady_session)
                backoff_.reset();
            if (std::exchange(is_to_be_left_, false))
                route_.failed(std::move(why));
            else
                route_.lost(std::move(why));
        }
        else if (!route_.failed(std::move(why)))
            continue;
        else if (auto const problem = why_down(); problem != errc::unreachable)
            tell_waiters(problem);
        pause_.expires_after(backoff_.next());
        co_await pause_.async_wait(asio::as_tuple);
    }
}

asio::awaitable<failure> connection::attempt()
{
    ++attempts_;
    target_ = route_.next();
    verdict_ = {};
    certificate_problem_.clear();
    config_.addr = {target_.at.host, std::to_string(target_.at.port)};
    config_.use_ssl = target_.tls;

    auto const time = route_.time_for_attempt();
    limit_.expires_after(time);
    limit_.async_wait([self = shared_from_this(), attempt = attempts_, time](error_code cancelled) {
        if (!cancelled && attempt == self->attempts_ && !self->up_since_)
            self->give_up({errc::unreachable, fmt::format("no answer within {} ms", time.count())});
    });
    shake_hands();
    auto const ended = co_await transport_.async_run(config_, asio::as_tuple);
    auto const error = std::get<0>(ended);
    limit_.cancel();
    // What never was written would otherwise be kept for the next connection.
    transport_.cancel(boost::redis::operation::exec);
    if (verdict_)
        co_return verdict_;
    if (error.category() != asio::error::get_ssl_category() || up_since_)
        co_return failure(error);
    co_return failure(
        errc::refused,
        certificate_problem_.empty() ? error.message() : error.message() + ": " + certificate_problem_
    );
}

void connection::shake_hands()
{
    first_replies_.clear();
    transport_.async_exec(
        target_.is_sentinel ? greeting_.to_sentinel() : greeting_.to_server(), first_replies_.adapter(),
        asio::bind_executor(
            transport_.get_executor(),
            [self = shared_from_this(), attempt = attempts_](error_code error, std::size_t) {
                // If it failed the run coroutine knows more.
                if (!error && attempt == self->attempts_ && self->phase_ != phase::closed)
                    self->finish_handshake();
            }
        )
    );
}

void connection::finish_handshake()
{
    if (verdict_)
        return;
    if (target_.is_sentinel) {
        auto const master = greeting_.master(first_replies_);
        if (!master)
            return give_up(master.error());
        named_master_ = *master;
        transport_.cancel(boost::redis::operation::run);
    }
    else if (auto why = greeting_.judge(first_replies_))
        give_up(std::move(why));
    else
        come_up();
}

void connection::come_up()
{
    limit_.cancel();
    route_.arrived();
    client_id_ = greeting_.client_id(first_replies_);
    phase_ = phase::up;
    was_up_ = true;
    up_since_ = std::chrono::steady_clock::now();
    tell_waiters({});
    if (receiver_)
        if (auto const receiver = receiver_->lock())
            receiver->on_connected();
}

void connection::give_up(failure why)
{
    verdict_ = std::move(why);
    transport_.cancel(boost::redis::operation::run);
}

bool connection::verify(bool is_trusted, asio::ssl::verify_context& context)
{
    auto const& host = target_.at.host;
    if (asio::ssl::host_name_verification(host)(is_trusted, context))
        return true;
    // OpenSSL's error says only that it failed.
    certificate_problem_ =
        is_trusted ? "it is not for " + host
                   : ::X509_verify_cert_error_string(::X509_STORE_CTX_get_error(context.native_handle()));
    return false;
}

void connection::leave_replica()
{
    if (phase_ != phase::up)
        return;
    phase_ = phase::down;
    is_to_be_left_ = true;
    verdict_ = {errc::unavailable, "it is a replica"};
    cancel_if_left();
}

void connection::end_command()
{
    --commands_under_way_;
    cancel_if_left();
}

/// Whoever tells it that the server is a replica may do so when nothing is under way any more.
void connection::cancel_if_left()
{
    if (is_to_be_left_ && commands_under_way_ == 0)
        transport_.cancel(boost::redis::operation::run);
}

void connection::close()
{
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    tell_waiters(errc::closed);
    pause_.cancel();
    limit_.cancel();
    transport_.cancel();
}

} // namespace strandline::redis
