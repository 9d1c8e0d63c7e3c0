#pragma once

#include "memory/entry_block.hpp"

#include <strandline/entry.hpp>

#include <cstddef>
#include <utility>

namespace strandline::memory {

/// An entry as the engine keeps it, in a block that it shares with others: its headers and all their bytes,
/// so that a delivery points into it and nothing is copied on the way to a handler.
///
/// Belongs to the engine's strand; what is delivered keeps the block by its `owner`.
class stored_entry
{
public:
    /// How much room a copy of the entry needs.
    static std::size_t size_of(entry_view const& original) noexcept;

    /// Copies the entry into the block, which has room for it.
    stored_entry(entry_view const& original, entry_block& into) noexcept;

    stored_entry(stored_entry&& other) noexcept
        : content_(other.content_)
        , block_(std::exchange(other.block_, nullptr))
    {}

    stored_entry& operator=(stored_entry&& other) noexcept
    {
        std::swap(content_, other.content_);
        std::swap(block_, other.block_);
        return *this;
    }

    ~stored_entry() { clear(); }

    /// Lets go of the block; there is no view any more.
    void clear() noexcept
    {
        if (auto* const block = std::exchange(block_, nullptr))
            block->drop();
    }

    bool is_empty() const noexcept { return block_ == nullptr; }

    entry_view view() const noexcept;

    /// Keeps what the view points to.
    storage_ptr owner() const noexcept { return block_; }

private:
    struct content;

    content const* content_;
    entry_block* block_;
};

} // namespace strandline::memory
