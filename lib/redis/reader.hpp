#pragma once

#include "redis/connection.hpp"

#include <strandline/broker.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

/// The reading side of a consumer: a connection of its own, because a blocked read holds the connection it is
/// on.
class reader final : public stream_reader
{
public:
    /// `commands` ends the waits, `own` is read from.
    reader(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
        std::string_view group, std::string_view consumer, read_as how
    );

    ~reader() override;

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override;

private:
    /// The reads, counted; they are answered in the order in which they began. Reads and a wake under way
    /// share this with the reader, so that the reader may be destroyed meanwhile.
    struct waits
    {
        std::uint64_t begun = 0;
        std::uint64_t ended = 0;
        /// So many of them shall end; what begins later may wait.
        std::uint64_t wanted = 0;
        /// A coroutine is ending them.
        bool ending = false;
        /// Bytes of the last batch, the measure for the next one.
        std::size_t last_size = 4096;
    };

    static asio::awaitable<void> end_waits(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, std::shared_ptr<waits> waiting
    );

    std::shared_ptr<connection> commands_;
    std::shared_ptr<connection> own_;
    /// The health check's PING queues behind a blocked read; it must be answered before the connection counts
    /// as dead.
    std::chrono::milliseconds longest_wait_;
    std::string prefix_;
    std::string group_;
    std::string consumer_;
    read_as how_;
    std::shared_ptr<waits> waits_ = std::make_shared<waits>();
};

} // namespace strandline::redis
