#include "redis/hints.hpp"

#include "redis/run_script.hpp"

#include <boost/asio/co_spawn.hpp>

#include <fmt/format.h>

#include <exception>

namespace strandline::redis {

namespace {

constexpr std::string_view prefix = "strandline";

} // namespace

std::string hint_channel(std::uint32_t database, std::string_view stream)
{
    return fmt::format("{}:{}:{}", prefix, database, stream);
}

hints::hints(std::shared_ptr<connection> connected, std::uint32_t database)
    : connection_(std::move(connected))
    , database_(database)
    , watchers_(std::make_shared<watchers>(connection_->get_executor()))
{}

std::unique_ptr<watching>
hints::watch(std::string_view stream, std::string_view group, std::function<void()> told)
{
    auto interest = watchers_->add(stream, group, std::move(told));
    connection_->listen(weak_from_this());
    start_subscribing();
    return interest;
}

void hints::on_connected()
{
    asked_.clear();
    start_subscribing();
}

void hints::on_message(std::string_view channel, std::string_view message)
{
    auto const start = hint_channel(database_, "");
    if (channel.starts_with(start))
        watchers_->tell(channel.substr(start.size()), message);
}

void hints::start_subscribing()
{
    if (is_subscribing_ || !connection_->is_up())
        return;
    is_subscribing_ = true;
    asio::co_spawn(
        connection_->get_executor(), subscribe(),
        [self = shared_from_this()](std::exception_ptr unexpected) {
            self->is_subscribing_ = false;
            if (unexpected)
                std::rethrow_exception(unexpected);
        }
    );
}

asio::awaitable<void> hints::subscribe()
{
    for (;;) {
        std::vector<std::string> wanted;
        for (auto const& stream : watchers_->streams())
            if (auto channel = hint_channel(database_, stream); asked_.insert(channel).second)
                wanted.push_back(std::move(channel));
        if (wanted.empty())
            co_return;
        script_words words(std::initializer_list<std::string_view>{});
        for (auto const& channel : wanted)
            words.add({channel});
        node_replies replies;
        if (co_await run_script(connection_, may_listen_script(), words, replies) || replies.error(0))
            continue; // without hints, until the next connection
        node_walk walk(replies.reply(0));
        walk.enter();
        std::erase_if(wanted, [&](auto const&) { return walk.number() == 0; });
        if (!wanted.empty())
            // If it fails its connection ends, and the next one begins anew.
            (void)co_await connection_->subscribe(wanted);
    }
}

} // namespace strandline::redis
