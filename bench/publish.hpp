#pragma once

#include "order.hpp"

#include <strandline/broker.hpp>
#include <strandline/producer.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

namespace bench {

/// Of every event that nobody decodes.
inline std::string const body(100, 'x');

inline constexpr std::size_t publishers = 256;

/// Runs `count` of what `make` makes side by side, until all have ended.
template <class Make>
boost::asio::awaitable<void> side_by_side(std::size_t count, Make make)
{
    namespace asio = boost::asio;
    auto const executor = co_await asio::this_coro::executor;
    std::vector<decltype(asio::co_spawn(executor, make()))> all;
    for (std::size_t i = 0; i != count; ++i)
        all.push_back(asio::co_spawn(executor, make()));
    auto const ended = co_await asio::experimental::make_parallel_group(std::move(all))
                           .async_wait(asio::experimental::wait_for_all(), asio::deferred);
    for (auto const& thrown : std::get<1>(ended))
        if (thrown)
            std::rethrow_exception(thrown);
}

template <class T>
boost::asio::awaitable<void>
publish_some(strandline::producer& producer, std::string const& stream, T const& value, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await producer.async_publish(stream, value);
}

/// That many coroutines each await their own publishes, one after another, until `events` are published
/// together.
template <class T>
boost::asio::awaitable<void>
publish(strandline::broker_ptr broker, std::string stream, T value, std::size_t events)
{
    strandline::producer producer{broker};
    co_await side_by_side(publishers, [&] {
        return publish_some(producer, stream, value, events / publishers);
    });
}

template <class T>
boost::asio::awaitable<void> flush_some(
    strandline::producer& producer, std::string const& stream, T const& value, std::size_t flushes,
    std::size_t size
)
{
    auto batch = producer.batch();
    for (std::size_t i = 0; i != flushes; ++i) {
        for (std::size_t k = 0; k != size; ++k)
            batch.add(stream, value);
        co_await batch.async_flush();
    }
}

/// Two coroutines each flush batches of that size, one after another.
template <class T>
boost::asio::awaitable<void> publish_batches(
    strandline::broker_ptr broker, std::string stream, T value, std::size_t events, std::size_t size
)
{
    strandline::producer producer{broker};
    co_await side_by_side(2, [&] { return flush_some(producer, stream, value, events / size / 2, size); });
}

/// Fills the stream with events that are `some_order`, as fast as the engine stores them.
boost::asio::awaitable<void>
publish_orders(strandline::broker_ptr broker, std::string stream, std::size_t events);

} // namespace bench
