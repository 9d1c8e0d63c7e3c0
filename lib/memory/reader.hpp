#pragma once

#include "memory/core.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace strandline::memory {

/// The reading side of a consumer.
class reader final : public stream_reader
{
public:
    reader(std::shared_ptr<core> engine, std::string_view group, std::string_view consumer, read_as how);

    /// Its reads under way complete with `errc::closed`.
    ~reader() override;

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override;

private:
    class turn;
    struct queue;

    static asio::awaitable<failure> read_in_turn(
        std::shared_ptr<queue> reads, std::span<std::string_view const> streams, std::size_t count,
        std::chrono::milliseconds wait, std::vector<received>& out
    );

    std::shared_ptr<queue> reads_;
};

} // namespace strandline::memory
