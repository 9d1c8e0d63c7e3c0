#include "redis/hints.hpp"

#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

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

hints::hints(std::shared_ptr<connection> commands, std::shared_ptr<connection> own, std::uint32_t database)
    : commands_(std::move(commands))
    , own_(std::move(own))
    , database_(database)
    , watchers_(std::make_shared<watchers>(own_->get_executor()))
{}

std::unique_ptr<watching>
hints::watch(std::string_view stream, std::string_view group, std::function<void()> told)
{
    auto interest = watchers_->add(stream, group, std::move(told));
    commands_->listen(weak_from_this());
    own_->listen(weak_from_this());
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
    if (is_subscribing_)
        return;
    is_subscribing_ = true;
    asio::co_spawn(own_->get_executor(), subscribe(shared_from_this()), [](std::exception_ptr unexpected) {
        if (unexpected)
            std::rethrow_exception(unexpected);
    });
}

asio::awaitable<void> hints::subscribe(std::shared_ptr<hints> self)
{
    // At the last look at what there is to do, not later: who comes then starts anew.
    struct ending
    {
        hints& of;
        ~ending() { of.is_subscribing_ = false; }
    } const at_the_end{*self};
    // While the commands have no connection there is nothing to do; the next one begins this anew.
    while (commands_->is_up()) {
        std::vector<std::string> wanted;
        for (auto const& stream : watchers_->streams())
            if (auto channel = hint_channel(database_, stream); asked_.insert(channel).second)
                wanted.push_back(std::move(channel));
        if (wanted.empty())
            co_return;
        co_await subscribe_to(std::move(wanted));
    }
}

asio::awaitable<void> hints::subscribe_to(std::vector<std::string> wanted)
{
    script_words words(std::initializer_list<std::string_view>{});
    for (auto const& channel : wanted)
        words.add({channel});
    node_replies replies;
    if (co_await run_script(commands_, scripts::may_listen(), words, replies) || replies.error(0))
        co_return;
    node_walk walk(replies.reply(0));
    walk.enter();
    std::erase_if(wanted, [&](auto const&) { return walk.number() == 0; });
    if (wanted.empty())
        co_return;
    if (own_->is_up())
        // If it fails the connection has ended, and the next one begins anew.
        (void)co_await own_->subscribe(wanted);
    else
        // When it is there, all channels are asked for anew.
        (void)co_await own_->connected();
}

} // namespace strandline::redis
