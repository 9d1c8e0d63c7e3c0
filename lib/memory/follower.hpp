#pragma once

#include "memory/reading.hpp"

#include <memory>

namespace strandline::memory {

/// Reads streams without a group.
class follower final : public stream_reader
{
public:
    follower(std::shared_ptr<core> engine, start_position from);

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override { reading_.wake(); }

private:
    struct positions;
    class source;

    /// Shared with the reads under way, so that the follower may be destroyed meanwhile.
    std::shared_ptr<positions> positions_;
    reading reading_;
};

} // namespace strandline::memory
