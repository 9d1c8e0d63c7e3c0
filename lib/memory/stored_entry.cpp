#include "memory/stored_entry.hpp"

#include <algorithm>
#include <new>

namespace strandline::memory {

/// The headers stand behind it, then the bytes: the body's first.
struct stored_entry::content
{
    static constexpr std::size_t no_body = static_cast<std::size_t>(-1);

    std::size_t body_size;
    std::size_t headers;

    header_view* first_header() noexcept { return reinterpret_cast<header_view*>(this + 1); }

    header_view const* first_header() const noexcept
    {
        return reinterpret_cast<header_view const*>(this + 1);
    }
};

std::size_t stored_entry::size_of(entry_view const& original) noexcept
{
    auto size = sizeof(content) + original.headers.size_bytes() + original.body.value_or("").size();
    for (auto const& [name, value] : original.headers)
        size += name.size() + value.size();
    return size;
}

stored_entry::stored_entry(entry_view const& original, entry_block& into) noexcept : block_(&into)
{
    static_assert(sizeof(content) % alignof(header_view) == 0);
    auto* const kept = ::new (into.take(size_of(original)))
        content{original.body ? original.body->size() : content::no_body, original.headers.size()};
    content_ = kept;
    auto* next = kept->first_header();
    auto* bytes = reinterpret_cast<char*>(next + kept->headers);
    auto const keep = [&](std::string_view text) {
        std::string_view const copy(bytes, text.size());
        bytes = std::ranges::copy(text, bytes).out;
        return copy;
    };

    if (original.body)
        keep(*original.body);
    for (auto const& [name, value] : original.headers) {
        auto const kept_name = keep(name);
        ::new (next++) header_view{kept_name, keep(value)};
    }
}

entry_view stored_entry::view() const noexcept
{
    entry_view seen;
    auto const* const headers = content_->first_header();
    seen.headers = {headers, content_->headers};
    if (content_->body_size != content::no_body)
        seen.body.emplace(reinterpret_cast<char const*>(headers + content_->headers), content_->body_size);
    return seen;
}

} // namespace strandline::memory
