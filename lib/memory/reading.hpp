#pragma once

#include "memory/core.hpp"

#include <memory>
#include <vector>

namespace strandline::memory {

/// Where a read finds entries, and where it waits for them. It owns what it refers to, but for the engine.
class read_source
{
public:
    virtual ~read_source() = default;

    /// Adds what is there now.
    virtual failure look(std::size_t count, std::vector<received>& out) = 0;

    /// Has the bell rung when there may be something more.
    virtual void wait(bell& waiting) = 0;

    /// Harmless when it does not wait.
    virtual void leave(bell& waiting) = 0;

    /// The read will look no more: it may have been rung for an entry that another read can have.
    virtual void pass_on() = 0;
};

/// What readers and followers have in common: their reads under way. The first one reads and may wait, the
/// others wait for their turn.
class reading
{
public:
    explicit reading(std::shared_ptr<core> engine);

    reading(reading const&) = delete;
    reading& operator=(reading const&) = delete;

    /// The reads under way complete with `errc::closed`.
    ~reading();

    asio::awaitable<failure> read(
        std::unique_ptr<read_source> from, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    );

    /// Ends the waits of the reads under way.
    void wake();

private:
    class turn;
    struct queue;

    static asio::awaitable<failure> read_in_turn(
        std::shared_ptr<queue> reads, std::unique_ptr<read_source> from, std::size_t count,
        std::chrono::milliseconds wait, std::vector<received>& out
    );

    std::shared_ptr<queue> reads_;
};

} // namespace strandline::memory
