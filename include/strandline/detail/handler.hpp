#pragma once

#include <strandline/codec.hpp>
#include <strandline/delivery.hpp>
#include <strandline/detail/outcome.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace strandline::detail {

namespace asio = boost::asio;

/// The body cannot be what the handler takes. Thrown before the handler starts.
struct undecodable final : std::exception
{
    explicit undecodable(failure cause) : why(std::move(cause)) {}

    char const* what() const noexcept override { return "the body could not be decoded"; }

    failure why;
};

/// A delivery on its way through a handler, and what became of it.
struct task
{
    task(
        std::string_view stream, entry_id id, std::uint32_t attempt, entry_view const& entry, storage_ptr kept
    ) noexcept
        : what(stream, id, attempt, entry)
        , owner(std::move(kept))
    {}

    delivery what;
    /// Keeps what the delivery points to.
    storage_ptr owner;
    outcome how = {};
};

/// A user's handler with its type erased.
class handler
{
public:
    virtual ~handler() = default;

    /// How many deliveries it takes at a time.
    virtual std::size_t most() const noexcept { return 1; }

    /// Whether it has to run on the broker's strand, though handlers have an executor of their own.
    virtual bool stays_on_strand() const noexcept { return false; }

    /// Whether its time begins with it; otherwise it says itself when.
    virtual bool has_time_from_start() const noexcept { return true; }

    /// No more deliveries come in this run; those that nobody has begun with can be given back.
    virtual void run_stops() {}

    /// The tasks live until the coroutine ends. What it throws is the outcome of all whose outcome it has not
    /// set.
    virtual asio::awaitable<void> run(std::span<task> tasks) = 0;

protected:
    handler() = default;
    handler(handler const&) = delete;
    handler& operator=(handler const&) = delete;
};

/// A handler with another function around each of its runs.
class wrapped_handler final : public handler
{
public:
    using function =
        std::function<asio::awaitable<void>(delivery const&, std::function<asio::awaitable<void>()>)>;

    wrapped_handler(std::shared_ptr<function> around, std::unique_ptr<handler> inner)
        : around_(std::move(around))
        , inner_(std::move(inner))
    {}

    std::size_t most() const noexcept override { return inner_->most(); }

    asio::awaitable<void> run(std::span<task> tasks) override
    {
        return (*around_)(tasks[0].what, [inner = inner_.get(), tasks] { return inner->run(tasks); });
    }

private:
    std::shared_ptr<function> around_;
    std::unique_ptr<handler> inner_;
};

template <class F>
class raw_handler final : public handler
{
public:
    explicit raw_handler(F f) : f_(std::move(f)) {}

    asio::awaitable<void> run(std::span<task> tasks) override { return f_(std::as_const(tasks[0].what)); }

private:
    F f_;
};

template <class T>
void decode_body(delivery const& what, T& value)
{
    if (!what.body())
        throw undecodable(failure(errc::not_decodable, "the entry has no body"));
    if (auto why = decode(*what.body(), value))
        throw undecodable(std::move(why));
}

template <class T, class F>
class typed_handler final : public handler
{
public:
    explicit typed_handler(F f) : f_(std::move(f)) {}

    asio::awaitable<void> run(std::span<task> tasks) override
    {
        auto const& what = std::as_const(tasks[0].what);
        T value{};
        decode_body(what, value);
        if constexpr (std::invocable<F&, T const&, delivery const&>)
            co_await f_(std::as_const(value), what);
        else
            co_await f_(std::as_const(value));
    }

private:
    F f_;
};

template <class F>
concept handles_deliveries = requires(F& f, delivery const& what) {
    {
        f(what)
    } -> std::same_as<asio::awaitable<void>>;
};

template <class F, class T>
concept handles = requires(F& f, T const& value, delivery const& what) {
    {
        f(value, what)
    } -> std::same_as<asio::awaitable<void>>;
} || requires(F& f, T const& value) {
    {
        f(value)
    } -> std::same_as<asio::awaitable<void>>;
};

} // namespace strandline::detail
