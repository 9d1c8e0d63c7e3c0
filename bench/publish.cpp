#include "publish.hpp"

#include "order.hpp"

#include <strandline/codec.hpp>
#include <strandline/error.hpp>
#include <strandline/producer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <span>
#include <vector>

namespace bench {

namespace asio = boost::asio;

namespace {

asio::awaitable<void>
publish_some(strandline::producer& producer, std::string const& stream, std::size_t events)
{
    for (std::size_t i = 0; i != events; ++i)
        co_await producer.async_publish(stream, body);
}

} // namespace

asio::awaitable<void> publish(strandline::broker_ptr broker, std::string stream, std::size_t events)
{
    auto const executor = co_await asio::this_coro::executor;
    strandline::producer producer{broker};
    std::vector<decltype(asio::co_spawn(executor, publish_some(producer, stream, 0)))> all;
    for (std::size_t i = 0; i != publishers; ++i)
        all.push_back(asio::co_spawn(executor, publish_some(producer, stream, events / publishers)));
    auto const ended = co_await asio::experimental::make_parallel_group(std::move(all))
                           .async_wait(asio::experimental::wait_for_all(), asio::deferred);
    for (auto const& thrown : std::get<1>(ended))
        if (thrown)
            std::rethrow_exception(thrown);
}

asio::awaitable<void> publish_orders(strandline::broker_ptr broker, std::string stream, std::size_t events)
{
    std::string json;
    if (auto why = strandline::encode(some_order, json))
        throw strandline::error(std::move(why));
    std::vector<strandline::appending> items(1'000, {stream, {json, {}}, {}});
    for (std::size_t left = events; left != 0;) {
        auto const now = std::min(left, items.size());
        co_await broker->append(std::span(items).first(now));
        for (auto const& item : std::span(items).first(now))
            if (!item.outcome)
                throw strandline::error(item.outcome.error());
        left -= now;
    }
}

} // namespace bench
