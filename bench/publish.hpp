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

/// Of the base case: coroutines that publish side by side.
inline constexpr std::size_t publishers = 256;

/// `s` alone, or `s0`, `s1`, …
inline std::vector<std::string> stream_names(std::size_t count)
{
    if (count == 1)
        return {"s"};
    std::vector<std::string> names;
    for (std::size_t i = 0; i != count; ++i)
        names.push_back("s" + std::to_string(i));
    return names;
}

/// Runs `count` of what `make`, given a number, makes side by side, until all have ended.
template <class Make>
boost::asio::awaitable<void> side_by_side(std::size_t count, Make make)
{
    namespace asio = boost::asio;
    auto const executor = co_await asio::this_coro::executor;
    std::vector<decltype(asio::co_spawn(executor, make(count)))> all;
    for (std::size_t i = 0; i != count; ++i)
        all.push_back(asio::co_spawn(executor, make(i)));
    auto const ended = co_await asio::experimental::make_parallel_group(std::move(all))
                           .async_wait(asio::experimental::wait_for_all(), asio::deferred);
    for (auto const& thrown : std::get<1>(ended))
        if (thrown)
            std::rethrow_exception(thrown);
}

template <class T>
boost::asio::awaitable<void> publish_some(
    strandline::producer& producer, std::vector<std::string> const& streams, std::size_t first,
    T const& value, std::size_t events
)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await producer.async_publish(streams[(first + i) % streams.size()], value);
}

/// So many coroutines each await their own publishes, one after another, to the streams in turn, until
/// `events` are published together.
template <class T>
boost::asio::awaitable<void> publish(
    strandline::broker_ptr broker, std::vector<std::string> streams, T value, std::size_t events,
    std::size_t in_flight = publishers
)
{
    strandline::producer producer{broker};
    co_await side_by_side(in_flight, [&](std::size_t first) {
        return publish_some(producer, streams, first, value, events / in_flight);
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
    co_await side_by_side(2, [&](std::size_t) {
        return flush_some(producer, stream, value, events / size / 2, size);
    });
}

} // namespace bench
