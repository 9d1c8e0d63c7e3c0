#include "promote/promoter.hpp"

#include "core/reach.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace strandline::promote {

namespace {

/// The contract's limit.
constexpr std::size_t most_in_call = 500;

constexpr std::chrono::seconds between_complaints{30};

} // namespace

promoter::promoter(broker& engine, std::vector<std::string> const& streams, hooks to)
    : engine_(engine)
    , streams_(streams)
    , to_(std::move(to))
    , changed_(engine.get_executor())
    , plan_(streams_.size(), clock::now())
    , tell_again_(streams_.size())
{}

void promoter::look_again()
{
    plan_.look_at_all(clock::now());
    changed_.notify();
}

void promoter::close()
{
    closed_ = true;
    changed_.notify();
}

asio::awaitable<void> promoter::run()
{
    for (std::size_t stream = 0; stream != streams_.size(); ++stream)
        hints_.push_back(engine_.watch(streams_[stream], {}, [this, stream] {
            plan_.look_at(stream, clock::now());
            changed_.notify();
        }));
    while (!closed_) {
        auto const [stream, when] = plan_.next();
        if (clock::now() < when)
            co_await changed_.wait_until(when);
        else
            co_await look_at(stream);
    }
    hints_.clear();
}

asio::awaitable<void> promoter::look_at(std::size_t stream)
{
    plan_.began(stream);
    auto const done = co_await engine_.promote_due(streams_[stream], most_in_call);
    if (closed_)
        co_return;
    auto const now = clock::now();
    if (!done) {
        plan_.failed(stream, is_out_of_reach(done.error()) || is_retryable(done.error()), now);
        to_.on_error(streams_[stream], done.error());
    }
    else {
        plan_.ended(stream, *done, now);
        to_.reached(streams_[stream]);
        if (done->moved != 0)
            to_.moved(done->moved);
        if (done->not_set_aside && now >= tell_again_[stream]) {
            tell_again_[stream] = now + between_complaints;
            to_.on_error(streams_[stream], done->not_set_aside);
        }
    }
    to_.looked();
    // The engine in memory answers without a pause: while there is more, others have their turn in between.
    if (!plan_.is_at_rest())
        co_await asio::post(engine_.get_executor());
}

} // namespace strandline::promote
