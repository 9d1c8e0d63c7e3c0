#include <strandline/memory.hpp>
#include <strandline/open.hpp>
#include <strandline/redis.hpp>

#include <utility>

namespace strandline {

broker_ptr open(asio::any_io_executor executor, std::string_view url, failure& why)
{
    why = {};
    if (url == "memory:")
        return make_memory_broker(std::move(executor));
    if (url.starts_with("memory:")) {
        why = {errc::invalid_url, "nothing can follow memory:, at character 8"};
        return nullptr;
    }
    auto options = parse_redis_url(url);
    if (!options) {
        why = options.error();
        return nullptr;
    }
    return make_redis_broker(std::move(executor), std::move(*options), why);
}

broker_ptr open(asio::any_io_executor executor, std::string_view url)
{
    failure why;
    auto made = open(std::move(executor), url, why);
    if (why)
        throw error(std::move(why));
    return made;
}

} // namespace strandline
