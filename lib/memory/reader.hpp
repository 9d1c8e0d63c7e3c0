#pragma once

#include "memory/reading.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace strandline::memory {

/// The reading side of a consumer.
class reader final : public stream_reader
{
public:
    reader(std::shared_ptr<core> engine, std::string_view group, std::string_view consumer, read_as how);

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override;

    void wake() override { reading_.wake(); }

private:
    struct member;
    class source;

    /// Shared with the reads under way, so that the reader may be destroyed meanwhile.
    std::shared_ptr<member const> member_;
    reading reading_;
};

} // namespace strandline::memory
