#pragma once

#include "redis/connection.hpp"

#include <strandline/broker.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace strandline::redis {

/// The reading side of a consumer: a connection of its own, because a blocked read holds the connection it is
/// on.
class reader final : public group_reader
{
public:
    /// `commands` ends the waits, `own` is read from.
    reader(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
        std::string_view group, std::string_view consumer
    );

    ~reader() override;

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override;

private:
    /// What a wake under way shares with the reader, so that the reader may be destroyed meanwhile.
    struct waits
    {
        std::size_t under_way = 0;
        /// A coroutine is ending them.
        bool ending = false;
    };

    static asio::awaitable<void> end_waits(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, std::shared_ptr<waits> waiting
    );

    std::shared_ptr<connection> commands_;
    std::shared_ptr<connection> own_;
    std::chrono::milliseconds longest_wait_;
    std::string group_;
    std::string consumer_;
    std::shared_ptr<waits> waits_ = std::make_shared<waits>();
    /// Bytes of the last batch, the measure for the next one.
    std::size_t last_size_ = 4096;
};

} // namespace strandline::redis
