#include "redis/reader.hpp"

#include "redis/batch.hpp"
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

reader::reader(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
    std::string_view group, std::string_view consumer, read_as how
)
    : commands_(std::move(commands))
    , own_(std::move(own))
    , longest_wait_(std::max(options.health_check_interval * 3 / 4, std::chrono::milliseconds(1)))
    , prefix_(options.key_prefix)
    , group_(group)
    , consumer_(consumer)
    , how_(how)
{}

reader::~reader()
{
    asio::post(commands_->get_executor(), [own = std::move(own_)] { own->close(); });
}

asio::awaitable<failure> reader::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    auto const blocks = wait > std::chrono::milliseconds::zero();
    // The reply names the keys.
    std::vector<std::string> keys;
    std::vector<std::string_view> names;
    if (!prefix_.empty()) {
        std::ranges::transform(streams, std::back_inserter(keys), [this](std::string_view stream) {
            return key_name(prefix_, stream);
        });
        names.assign(keys.begin(), keys.end());
        streams = names;
    }
    auto commands = make_request();
    std::vector<std::string_view> arguments{"GROUP", group_, consumer_, "COUNT"};
    auto const count_text = std::to_string(count);
    arguments.push_back(count_text);
    // BLOCK 0 would wait for ever.
    auto const wait_text = std::to_string(std::min(wait, longest_wait_).count());
    if (blocks) {
        arguments.push_back("BLOCK");
        arguments.push_back(wait_text);
    }
    if (how_ == read_as::acknowledged)
        arguments.push_back("NOACK");
    arguments.push_back("STREAMS");
    arguments.insert(arguments.end(), streams.begin(), streams.end());
    arguments.insert(arguments.end(), streams.size(), ">");
    commands.push_range("XREADGROUP", arguments);

    read_reply reply(streams, std::max(waits_->last_size + waits_->last_size / 8, least_block), out);
    // Counted with the frame, also when its context goes while the read waits.
    struct counted
    {
        explicit counted(std::shared_ptr<waits> reads) : waiting(std::move(reads)) { ++waiting->begun; }

        counted(counted const&) = delete;
        counted& operator=(counted const&) = delete;

        ~counted() { ++waiting->ended; }

        std::shared_ptr<waits> waiting;
    } const counting(waits_);

    if (auto broken = co_await own_->exec(commands, reply)) {
        // Woken while it waited for the connection: nothing was sent.
        if (broken.code() == asio::error::operation_aborted)
            co_return failure();
        co_return broken;
    }
    if (reply.size() != 0)
        counting.waiting->last_size = reply.size();
    co_return reply.error();
}

void reader::wake()
{
    waits_->wanted = waits_->begun;
    if (waits_->ended == waits_->wanted || waits_->ending)
        return;
    waits_->ending = true;
    asio::co_spawn(
        commands_->get_executor(), end_waits(commands_, own_, waits_),
        [waiting = waits_](std::exception_ptr unexpected) {
            waiting->ending = false;
            if (unexpected)
                std::rethrow_exception(unexpected);
        }
    );
}

asio::awaitable<void> reader::end_waits(
    std::shared_ptr<connection> commands, std::shared_ptr<connection> own, std::shared_ptr<waits> waiting
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

} // namespace strandline::redis
