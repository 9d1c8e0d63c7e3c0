#pragma once

#include <strandline/error.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace strandline {

/// The id of an entry in a stream, `<ms>-<seq>`: the wall-clock milliseconds at which it was appended and a
/// number within them. Ids of one stream rise strictly; their order is the stream's.
struct entry_id
{
    std::uint64_t ms = 0;
    std::uint64_t seq = 0;

    /// `0-0`: before every entry; no entry has it.
    static constexpr entry_id min() noexcept { return {}; }

    /// The greatest id there can be.
    static constexpr entry_id max() noexcept
    {
        return {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
    }

    /// Reads `<ms>-<seq>`, or `<ms>` alone for `<ms>-0`. Only decimal digits; no sign, no space. Fails with
    /// `errc::invalid_entry_id`; the words say why.
    static result<entry_id> parse(std::string_view text);

    /// The least id after this one; nothing after `max()`.
    constexpr std::optional<entry_id> next() const noexcept
    {
        if (seq != max().seq)
            return entry_id{ms, seq + 1};
        if (ms != max().ms)
            return entry_id{ms + 1, 0};
        return std::nullopt;
    }

    /// The greatest id before this one; nothing before `min()`.
    constexpr std::optional<entry_id> previous() const noexcept
    {
        if (seq != 0)
            return entry_id{ms, seq - 1};
        if (ms != 0)
            return entry_id{ms - 1, max().seq};
        return std::nullopt;
    }

    /// Longest text: two numbers of 20 digits and the dash.
    static constexpr std::size_t max_text = 41;

    /// Writes the text to `out`, which holds at least `max_text` characters; returns the end of what it
    /// wrote.
    char* to_chars(char* out) const noexcept;

    std::string to_string() const;

    friend constexpr auto operator<=>(entry_id const&, entry_id const&) noexcept = default;

    friend std::ostream& operator<<(std::ostream& out, entry_id const& id);
};

} // namespace strandline

template <>
struct std::hash<strandline::entry_id>
{
    std::size_t operator()(strandline::entry_id const& id) const noexcept
    {
        // Ids of one millisecond differ only in seq, those of one stream rarely in both: spread seq over the
        // high bits.
        return static_cast<std::size_t>(id.ms ^ (id.seq * 0x9E3779B97F4A7C15ULL));
    }
};
