#pragma once

#include <strandline/entry.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace strandline::memory {

/// What a dead letter is stored as once more: the entry that it was, and where that came from first. Points
/// to its argument.
class replayed_letter
{
public:
    replayed_letter(entry_view const& letter, bool is_for_all);

    replayed_letter(replayed_letter const&) = delete;
    replayed_letter& operator=(replayed_letter const&) = delete;

    /// The letter told of its death alone.
    bool is_empty() const noexcept { return is_empty_; }

    /// For which group it is alone.
    std::optional<std::string_view> group() const noexcept { return group_; }

    entry_view view() const noexcept { return {body_, headers_}; }

private:
    std::optional<std::string_view> body_;
    std::vector<header_view> headers_;
    std::optional<std::string_view> group_;
    bool is_empty_ = true;
};

} // namespace strandline::memory
