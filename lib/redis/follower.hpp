#pragma once

#include "redis/reading.hpp"

#include <strandline/broker.hpp>

#include <memory>
#include <string>

namespace strandline::redis {

/// Reads streams without a group. How far each has been read is known here alone, so a broken connection
/// loses nothing.
class follower final : public stream_reader
{
public:
    /// `commands` ends the waits, `own` is read from.
    follower(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
        start_position from
    );

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override { reading_.wake(); }

private:
    struct positions;

    /// Sets out in streams that were not read before.
    static asio::awaitable<failure>
    begin(std::shared_ptr<positions> at, connection& own, std::span<std::string_view const> keys);

    reading reading_;
    std::string prefix_;
    /// Shared with the reads under way, so that the follower may be destroyed meanwhile.
    std::shared_ptr<positions> positions_;
};

} // namespace strandline::redis
