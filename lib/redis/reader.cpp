#include "redis/reader.hpp"

namespace strandline::redis {

reader::reader(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
    std::string_view group, std::string_view consumer, read_as how
)
    : reading_(std::move(commands), std::move(own), options)
    , prefix_(options.key_prefix)
    , group_(group)
    , consumer_(consumer)
    , how_(how)
{}

asio::awaitable<failure> reader::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    stream_keys const keys(prefix_, streams);
    auto commands = make_request();
    std::vector<std::string_view> arguments{"GROUP", group_, consumer_, "COUNT"};
    auto const count_text = std::to_string(count);
    arguments.push_back(count_text);
    auto const wait_text = reading_.blocking_time(wait);
    // BLOCK 0 would wait for ever.
    if (wait > wait.zero())
        arguments.insert(arguments.end(), {"BLOCK", wait_text});
    if (how_ == read_as::acknowledged)
        arguments.push_back("NOACK");
    arguments.push_back("STREAMS");
    arguments.insert(arguments.end(), keys.all().begin(), keys.all().end());
    arguments.insert(arguments.end(), streams.size(), ">");
    commands.push_range("XREADGROUP", arguments);
    reading::under_way mine(reading_);
    co_return co_await mine.carry_out(commands, keys.all(), out);
}

} // namespace strandline::redis
