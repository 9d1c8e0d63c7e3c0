#pragma once

#include <strandline/codec.hpp>
#include <strandline/delivery.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <exception>
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

/// A user's handler with its type erased.
class handler
{
public:
    virtual ~handler() = default;

    /// The delivery lives until the coroutine ends.
    virtual asio::awaitable<void> run(delivery const& what) = 0;

protected:
    handler() = default;
    handler(handler const&) = delete;
    handler& operator=(handler const&) = delete;
};

template <class F>
class raw_handler final : public handler
{
public:
    explicit raw_handler(F f) : f_(std::move(f)) {}

    asio::awaitable<void> run(delivery const& what) override { return f_(what); }

private:
    F f_;
};

template <class T, class F>
class typed_handler final : public handler
{
public:
    explicit typed_handler(F f) : f_(std::move(f)) {}

    asio::awaitable<void> run(delivery const& what) override
    {
        T value{};
        if (!what.body())
            throw undecodable(failure(errc::not_decodable, "the entry has no body"));
        if (auto why = decode(*what.body(), value))
            throw undecodable(std::move(why));
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
