#pragma once

#include "redis/reading.hpp"

#include <strandline/broker.hpp>

#include <string>
#include <string_view>

namespace strandline::redis {

/// The reading side of a consumer.
class reader final : public stream_reader
{
public:
    /// `commands` ends the waits, `own` is read from.
    reader(
        std::shared_ptr<connection> commands, std::shared_ptr<connection> own, redis_options const& options,
        std::string_view group, std::string_view consumer, read_as how
    );

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override { reading_.wake(); }

private:
    reading reading_;
    std::string prefix_;
    std::string group_;
    std::string consumer_;
    read_as how_;
};

} // namespace strandline::redis
