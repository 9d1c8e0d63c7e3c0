#include <strandline/memory.hpp>
#include <strandline/open.hpp>
#include <strandline/redis.hpp>

#include <utility>

namespace strandline {

namespace {

constexpr std::string_view in_memory = "memory:";

} // namespace

failure check_url(std::string_view url)
{
    if (url == in_memory)
        return {};
    if (url.starts_with(in_memory))
        return {errc::invalid_url, "nothing can follow memory:, at character 8"};
    auto const options = parse_redis_url(url);
    return options ? validate(*options) : options.error();
}

broker_ptr open(asio::any_io_executor executor, std::string_view url, connection_times times, failure& why)
{
    why = check_url(url);
    if (why)
        return nullptr;
    if (url == in_memory)
        return make_memory_broker(std::move(executor));
    auto options = parse_redis_url(url).value();
    options.connect_timeout = times.connect_timeout.value_or(options.connect_timeout);
    options.health_check_interval = times.health_check_interval.value_or(options.health_check_interval);
    return make_redis_broker(std::move(executor), std::move(options), why);
}

broker_ptr open(asio::any_io_executor executor, std::string_view url, failure& why)
{
    return open(std::move(executor), url, {}, why);
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
