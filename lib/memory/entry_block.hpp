#pragma once

#include <strandline/entry.hpp>

#include <cstddef>

namespace strandline::memory {

/// Memory for the contents of many entries, one behind the other: to store one costs no allocation, and to
/// remove them all no walk through the heap.
///
/// It lives as long as one of the entries that were stored in it, or a delivery that points into it. The
/// entries count without atomics, because they belong to the engine's strand; together they have one
/// reference of the storage.
class entry_block final : public storage
{
public:
    static boost::intrusive_ptr<entry_block> of_size(std::size_t bytes);

    bool has_room_for(std::size_t bytes) const noexcept { return bytes <= room_; }

    /// That many bytes, for an entry more; they are aligned for pointers.
    void* take(std::size_t bytes) noexcept;

    /// An entry less. May destroy the block.
    void drop() noexcept
    {
        if (--entries_ == 0)
            intrusive_ptr_release(this);
    }

    // The memory is larger than the object, so it must not go back with the object's size.
    static void operator delete(void* memory) noexcept { ::operator delete(memory); }

private:
    explicit entry_block(std::size_t bytes) noexcept
        : next_(reinterpret_cast<std::byte*>(this + 1))
        , room_(bytes)
    {}

    std::byte* next_;
    std::size_t room_;
    std::size_t entries_ = 0;
};

} // namespace strandline::memory
