#include "memory/stored_entry.hpp"

#include <algorithm>

namespace strandline::memory {

boost::intrusive_ptr<stored_entry const> stored_entry::copy_of(entry_view const& original)
{
    auto size = sizeof(stored_entry) + original.headers.size_bytes() + original.body.value_or("").size();
    for (auto const& [name, value] : original.headers)
        size += name.size() + value.size();
    return ::new (::operator new(size)) stored_entry(original);
}

stored_entry::stored_entry(entry_view const& original) noexcept
{
    static_assert(sizeof(stored_entry) % alignof(header_view) == 0);
    auto* const headers = reinterpret_cast<header_view*>(this + 1);
    auto* bytes = reinterpret_cast<char*>(headers + original.headers.size());
    auto const keep = [&](std::string_view text) {
        std::string_view const kept(bytes, text.size());
        bytes = std::ranges::copy(text, bytes).out;
        return kept;
    };

    if (original.body)
        view_.body = keep(*original.body);
    auto* next = headers;
    for (auto const& [name, value] : original.headers) {
        auto const kept_name = keep(name);
        ::new (next++) header_view{kept_name, keep(value)};
    }
    view_.headers = {headers, next};
}

} // namespace strandline::memory
