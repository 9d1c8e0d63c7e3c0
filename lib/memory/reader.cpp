#include "memory/reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <optional>

namespace strandline::memory {

namespace {

using deadline = std::chrono::steady_clock::time_point;

/// Longer waits end early; keeps sums with the clock in range.
constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24);

} // namespace

/// The reads under way of one reader. The first one reads and may wait, the others wait for their turn.
struct reader::queue
{
    queue(
        std::shared_ptr<core> core, std::string_view group_name, std::string_view consumer_name, read_as mode
    )
        : engine(std::move(core))
        , group(group_name)
        , consumer(consumer_name)
        , how(mode)
    {}

    std::shared_ptr<core> engine;
    std::string group;
    std::string consumer;
    read_as how;
    std::deque<turn*> turns;
    /// The reader was destroyed.
    bool abandoned = false;
};

/// A read under way, from its start until it has been answered or its coroutine is destroyed.
///
/// The timer is a condition variable: whoever rings cancels it. A ring is never missed, because on the strand
/// nothing runs between a read's last look at its streams and the beginning of its wait.
class reader::turn final : public bell
{
public:
    explicit turn(queue& reads) : reads_(reads) { reads_.turns.push_back(this); }

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

    /// The timer to wait on, until `until` or a ring by one of the groups or the engine.
    asio::steady_timer& wait(std::span<place const> places, deadline until)
    {
        reads_.engine->waiting.push_back(this);
        for (auto const& where : places)
            where.of.wait(*this);
        places_ = places;
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
        for (auto const& where : places_)
            where.of.leave(*this);
        places_ = {};
    }

private:
    queue& reads_;
    std::optional<asio::steady_timer> bell_;
    std::span<place const> places_;
    bool ended_ = false;
};

reader::reader(std::shared_ptr<core> engine, std::string_view group, std::string_view consumer, read_as how)
    : reads_(std::make_shared<queue>(std::move(engine), group, consumer, how))
{}

reader::~reader()
{
    asio::dispatch(reads_->engine->strand, [reads = reads_] {
        reads->abandoned = true;
        for (auto* turn : reads->turns)
            turn->ring();
    });
}

asio::awaitable<failure> reader::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    return read_in_turn(reads_, streams, count, wait, out);
}

asio::awaitable<failure> reader::read_in_turn(
    std::shared_ptr<queue> reads, std::span<std::string_view const> streams, std::size_t count,
    std::chrono::milliseconds wait, std::vector<received>& out
)
{
    auto& engine = *reads->engine;
    std::vector<place> places;
    turn mine(*reads);
    std::optional<deadline> until;
    for (;;) {
        if (engine.closed || reads->abandoned) {
            // It may have been rung for an entry that another read can have.
            for (auto const& where : places)
                where.of.ring_next();
            co_return errc::closed;
        }
        if (mine.is_first()) {
            if (places.empty())
                for (auto const name : streams) {
                    auto const found = engine.streams.find(name, reads->group);
                    if (!found)
                        co_return found.error();
                    places.push_back(*found);
                }
            auto const now = engine.now();
            auto const before = out.size();
            for (std::size_t i = 0; i != places.size(); ++i) {
                auto& of = places[i].of;
                of.read(
                    places[i].in.entries, of.join(reads->consumer, now), count, now,
                    static_cast<std::uint32_t>(i), out, reads->how
                );
            }
            if (out.size() != before || mine.ended() || wait <= wait.zero())
                co_return failure();
            auto const present = std::chrono::steady_clock::now();
            if (!until)
                until = present + std::min(wait, longest_wait);
            else if (present >= *until)
                co_return failure();
        }
        // Its own wait begins when its turn has come.
        co_await mine.wait(places, until.value_or(deadline::max())).async_wait(asio::as_tuple);
        mine.stop_waiting();
    }
}

void reader::wake()
{
    for (auto* turn : reads_->turns)
        turn->end();
}

} // namespace strandline::memory
