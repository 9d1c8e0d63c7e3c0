#include "publish.hpp"

#include <strandline/codec.hpp>
#include <strandline/error.hpp>

#include <algorithm>
#include <span>

namespace bench {

namespace asio = boost::asio;

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
