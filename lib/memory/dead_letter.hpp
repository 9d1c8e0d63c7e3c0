#pragma once

#include "memory/instant.hpp"

#include <strandline/broker.hpp>

#include <string>
#include <vector>

namespace strandline::memory {

/// What is stored of a delivery that has failed for good: its body and headers, and what became of it. Points
/// to its arguments.
class dead_letter
{
public:
    dead_letter(membership who, settlement const& item, entry_view const& entry, instant now);

    dead_letter(dead_letter const&) = delete;
    dead_letter& operator=(dead_letter const&) = delete;

    entry_view view() const noexcept { return {body_, headers_}; }

private:
    std::optional<std::string_view> body_;
    std::string id_;
    std::string attempts_;
    std::string at_;
    std::vector<header_view> headers_;
};

} // namespace strandline::memory
