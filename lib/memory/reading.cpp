#include "memory/reading.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <optional>

namespace strandline::memory {

namespace {

using deadline = std::chrono::steady_clock::time_point;

/// Longer waits end early; keeps sums with the clock in range.
constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24);

} // namespace

struct reading::queue
{
    explicit queue(std::shared_ptr<core> core) : engine(std::move(core)) {}

    std::shared_ptr<core> engine;
    std::deque<turn*> turns;
    /// Its owner was destroyed.
    bool abandoned = false;
};

/// A read under way, from its start until it has been answered or its coroutine is destroyed.
///
/// The timer is a condition variable: whoever rings cancels it. A ring is never missed, because on the strand
/// nothing runs between a read's last look at its streams and the beginning of its wait.
class reading::turn final : public bell
{
public:
    turn(queue& reads, read_source& from) : reads_(reads), from_(from) { reads_.turns.push_back(this); }

    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;

    ~turn()
    {
        stop_waiting();
        std::erase(reads_.turns, this);
        if (!reads_.turns.empty())
            reads_.turns.front()->ring();
    }

    bool is_first() const noexcept { return reads_.turns.front() == this; }

    /// The read no longer waits.
    void end()
    {
        ended_ = true;
        ring();
    }

    bool ended() const noexcept { return ended_; }

    void ring() override
    {
        if (bell_)
            bell_->cancel();
    }

    /// The timer to wait on, until `until` or a ring by what the read looks at or the engine.
    asio::steady_timer& wait(deadline until)
    {
        reads_.engine->waiting.push_back(this);
        // Its own wait begins when its turn has come.
        if (is_first())
            from_.wait(*this);
        if (!bell_)
            bell_.emplace(reads_.engine->strand);
        bell_->expires_at(until);
        return *bell_;
    }

    void stop_waiting()
    {
        if (!bell_)
            return;
        std::erase(reads_.engine->waiting, this);
        from_.leave(*this);
    }

private:
    queue& reads_;
    read_source& from_;
    std::optional<asio::steady_timer> bell_;
    bool ended_ = false;
};

reading::reading(std::shared_ptr<core> engine) : reads_(std::make_shared<queue>(std::move(engine))) {}

reading::~reading()
{
    asio::dispatch(reads_->engine->strand, [reads = reads_] {
        reads->abandoned = true;
        for (auto* turn : reads->turns)
            turn->ring();
    });
}

asio::awaitable<failure> reading::read(
    std::unique_ptr<read_source> from, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    return read_in_turn(reads_, std::move(from), count, wait, out);
}

asio::awaitable<failure> reading::read_in_turn(
    std::shared_ptr<queue> reads, std::unique_ptr<read_source> from, std::size_t count,
    std::chrono::milliseconds wait, std::vector<received>& out
)
{
    auto& engine = *reads->engine;
    turn mine(*reads, *from);
    std::optional<deadline> until;
    for (;;) {
        if (engine.closed || reads->abandoned) {
            from->pass_on();
            co_return errc::closed;
        }
        if (mine.is_first()) {
            auto const before = out.size();
            if (auto refused = from->look(count, out))
                co_return refused;
            if (out.size() != before || mine.ended() || wait <= wait.zero())
                co_return failure();
            auto const present = std::chrono::steady_clock::now();
            if (!until)
                until = present + std::min(wait, longest_wait);
            else if (present >= *until)
                co_return failure();
        }
        co_await mine.wait(until.value_or(deadline::max())).async_wait(asio::as_tuple);
        mine.stop_waiting();
    }
}

void reading::wake()
{
    for (auto* turn : reads_->turns)
        turn->end();
}

} // namespace strandline::memory
