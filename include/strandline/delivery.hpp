#pragma once

#include <strandline/entry.hpp>
#include <strandline/entry_id.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace strandline {

/// What a handler is given: an entry and the number of its attempt, to read. Valid until the handler returns,
/// and so is every view it gives.
class delivery
{
public:
    delivery(std::string_view stream, entry_id id, std::uint32_t attempt, entry_view const& entry) noexcept
        : stream_(stream)
        , id_(id)
        , attempt_(attempt)
        , entry_(entry)
    {}

    std::string_view stream() const noexcept { return stream_; }

    entry_id id() const noexcept { return id_; }

    /// 1 for the first handler that started with this entry in its group, 2 for the second, …; counted by the
    /// engine, so a crash does not reset it.
    std::uint32_t attempt() const noexcept { return attempt_; }

    /// Nothing for an entry of headers alone.
    std::optional<std::string_view> body() const noexcept { return entry_.body; }

    std::span<header_view const> headers() const noexcept { return entry_.headers; }

    /// The value of the first header of that name.
    std::optional<std::string_view> header(std::string_view name) const noexcept
    {
        return entry_.header(name);
    }

    std::optional<std::string_view> type() const noexcept { return header(header_names::type); }

    std::optional<std::string_view> key() const noexcept { return header(header_names::key); }

private:
    std::string_view stream_;
    entry_id id_;
    std::uint32_t attempt_;
    entry_view entry_;
};

} // namespace strandline
