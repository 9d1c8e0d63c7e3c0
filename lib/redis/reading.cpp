#include "redis/reading.hpp"

#include "redis/key.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <iterator>

namespace strandline::redis {

namespace {

constexpr std::size_t least_block = 4096;

/// Between two attempts to end a wait: before the read has blocked, CLIENT UNBLOCK finds nothing to end.
constexpr std::chrono::milliseconds first_pause{1};
constexpr std::chrono::milliseconds longest_pause{50};

} // namespace

/// The reads, counted. Reads and a wake under way share this with the reader, so that the reader may be
/// destroyed meanwhile.
struct reading::under_way::counts
{
    std::uint64_t begun = 0;
    std::uint64_t ended = 0;
    /// So many of them shall end; what begins later may wait.
    std::uint64_t wanted = 0;
    /// A coroutine is ending them.
    bool ending = false;
    /// Bytes of the last batch, the measure for the next one.
    std::size_t last_size = least_block;
};

reading::under_way::under_way(reading& of) : own_(of.own_), counts_(of.counts_)
{
    ++counts_->begun;
}

reading::under_way::~under_way()
{
    ++counts_->ended;
}

asio::awaitable<failure> reading::under_way::carry_out(
    request const& commands, std::span<std::string_view const> streams, std::vector<received>& out
)
{
    read_reply reply(streams, std::max(counts_->last_size + counts_->last_size / 8, least_block), out);
    if (auto broken = co_await own_->exec(commands, reply)) {
        // Woken while it waited for the connection: nothing was sent.
        if (broken.code() == asio::error::operation_aborted)
            co_return failure();
        co_return broken;
    }
    if (reply.size() != 0)
        counts_->last_size = reply.size();
    co_return reply.error();
}

reading::reading(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options
)
    : commands_(std::move(commands))
    , own_(std::move(own))
    , longest_wait_(std::max(options.health_check_interval * 3 / 4, std::chrono::milliseconds(1)))
    , counts_(std::make_shared<under_way::counts>())
{}

reading::~reading()
{
    asio::post(commands_->get_executor(), [own = std::move(own_)] { own->close(); });
}

std::string reading::blocking_time(std::chrono::milliseconds wait) const
{
    return std::to_string(std::min(wait, longest_wait_).count());
}

void reading::wake()
{
    counts_->wanted = counts_->begun;
    if (counts_->ended == counts_->wanted || counts_->ending)
        return;
    counts_->ending = true;
    asio::co_spawn(
        commands_->get_executor(), end_waits(commands_, own_, counts_),
        [waiting = counts_](std::exception_ptr unexpected) {
            waiting->ending = false;
            if (unexpected)
                std::rethrow_exception(unexpected);
        }
    );
}

asio::awaitable<void> reading::end_waits(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own,
    std::shared_ptr<under_way::counts> waiting
)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    auto pause = first_pause;
    while (waiting->ended < waiting->wanted && !own->is_closed() && !commands->is_closed()) {
        own->give_up_waiting();
        if (auto const id = own->client_id()) {
            auto unblock = make_request();
            unblock.push("CLIENT", "UNBLOCK", *id);
            node_replies replies;
            if (!co_await commands->exec(unblock, replies) && replies.error(0))
                co_return; // not permitted: the wait ends by itself
            if (waiting->ended >= waiting->wanted)
                co_return;
        }
        timer.expires_after(pause);
        co_await timer.async_wait(asio::as_tuple);
        pause = std::min(pause * 2, longest_pause);
    }
}

stream_keys::stream_keys(std::string_view prefix, std::span<std::string_view const> streams) : all_(streams)
{
    if (prefix.empty())
        return;
    std::ranges::transform(streams, std::back_inserter(made_), [prefix](std::string_view stream) {
        return key_name(prefix, stream);
    });
    views_.assign(made_.begin(), made_.end());
    all_ = views_;
}

} // namespace strandline::redis
