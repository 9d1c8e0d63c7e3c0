#pragma once

#include <strandline/codec.hpp>
#include <strandline/delivery.hpp>
#include <strandline/detail/handler.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace strandline {

/// One of the deliveries that a batch handler is given. Valid until the handler has returned.
///
/// A delivery of which the handler says nothing is acknowledged when it returns, and has failed when it
/// throws.
template <class T>
class batch_item
{
public:
    batch_item(detail::task& of, T value) : of_(&of), value_(std::move(value)) {}

    T const& value() const noexcept { return value_; }

    strandline::delivery const& delivery() const noexcept { return of_->what; }

    /// This one has failed, for the reason given: it is tried again as the retry options say, or goes to the
    /// dead letters after its last attempt.
    void fail(std::string reason) { of_->how = {detail::ended::threw, std::move(reason)}; }

    /// The same, but it is tried again after that time.
    void retry_after(std::chrono::milliseconds delay, std::string reason)
    {
        of_->how = {detail::ended::threw, std::move(reason), delay};
    }

    /// This one will never succeed: it goes to the dead letters.
    void reject(std::string reason) { of_->how = {detail::ended::rejected, std::move(reason)}; }

private:
    detail::task* of_;
    T value_;
};

namespace detail {

template <class F, class T>
concept handles_batches = requires(F& f, std::span<batch_item<T>> items) {
    {
        f(items)
    } -> std::same_as<asio::awaitable<void>>;
};

template <class T, class F>
class batch_handler final : public handler
{
public:
    batch_handler(F f, std::size_t most) : f_(std::move(f)), most_(most) {}

    std::size_t most() const noexcept override { return most_; }

    asio::awaitable<void> run(std::span<task> tasks) override
    {
        std::vector<batch_item<T>> items;
        items.reserve(tasks.size());
        for (auto& one : tasks)
            try {
                T value{};
                decode_body(one.what, value);
                items.emplace_back(one, std::move(value));
            }
            catch (undecodable const& thrown) {
                one.how = {ended::undecodable, thrown.why.message()};
            }
        if (!items.empty())
            co_await f_(std::span(items));
    }

private:
    F f_;
    std::size_t most_;
};

} // namespace detail
} // namespace strandline
