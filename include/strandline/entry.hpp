#pragma once

#include <strandline/event.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

namespace strandline {

/// The content of an entry, seen in memory that somebody else keeps.
struct entry_view
{
    std::optional<std::string_view> body = {};
    std::span<header_view const> headers = {};

    /// The value of the first header of that name.
    std::optional<std::string_view> header(std::string_view name) const noexcept
    {
        auto const found = std::ranges::find(headers, name, &header_view::name);
        return found == headers.end() ? std::nullopt : std::optional(found->value);
    }
};

/// Memory that entries point into: an engine's batch or stored entry. Counted, because the deliveries of one
/// batch end at different times and, with a worker pool, on different threads.
class storage : public boost::intrusive_ref_counter<storage, boost::thread_safe_counter>
{
public:
    virtual ~storage() = default;

protected:
    storage() = default;
    storage(storage const&) = delete;
    storage& operator=(storage const&) = delete;
};

using storage_ptr = boost::intrusive_ptr<storage const>;

} // namespace strandline
