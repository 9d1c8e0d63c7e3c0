#pragma once

#include "redis/batch.hpp"
#include "redis/connection.hpp"

#include <strandline/redis.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

/// What readers and followers have in common: a connection of their own, because a blocked read holds the
/// connection it is on, and the way to end such a read.
class reading
{
public:
    /// `commands` ends the waits, `own` is read from.
    reading(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options
    );

    reading(reading const&) = delete;
    reading& operator=(reading const&) = delete;

    ~reading();

    /// A read that is counted with the frame it stands in, also when its context goes while the read waits.
    /// Reads are answered in the order in which they began. It may outlive its `reading`.
    class under_way
    {
    public:
        explicit under_way(reading& of);

        under_way(under_way const&) = delete;
        under_way& operator=(under_way const&) = delete;

        ~under_way();

        /// Sends XREADGROUP or XREAD. `streams` are keys.
        asio::awaitable<failure> carry_out(
            request const& commands, std::span<std::string_view const> streams, std::vector<received>& out
        );

        connection& own() const noexcept { return *own_; }

    private:
        friend reading;
        struct counts;

        std::shared_ptr<connection> own_;
        std::shared_ptr<counts> counts_;
    };

    /// For BLOCK: how long the server may wait, a shorter time than the one wanted where that is long.
    std::string blocking_time(std::chrono::milliseconds wait) const;

    /// Ends the waits of the reads under way.
    void wake();

private:
    static asio::awaitable<void> end_waits(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own,
        std::shared_ptr<under_way::counts> waiting
    );

    std::shared_ptr<connection> commands_;
    std::shared_ptr<connection> own_;
    /// The health check's PING queues behind a blocked read; it must be answered before the connection counts
    /// as dead.
    std::chrono::milliseconds longest_wait_;
    std::shared_ptr<under_way::counts> counts_;
};

/// Keys of streams, kept with the names that they belong to.
class stream_keys
{
public:
    stream_keys(std::string_view prefix, std::span<std::string_view const> streams);

    stream_keys(stream_keys const&) = delete;
    stream_keys& operator=(stream_keys const&) = delete;

    std::span<std::string_view const> all() const noexcept { return all_; }

private:
    std::vector<std::string> made_;
    std::vector<std::string_view> views_;
    std::span<std::string_view const> all_;
};

} // namespace strandline::redis
