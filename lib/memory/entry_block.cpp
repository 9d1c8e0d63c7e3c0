#include "memory/entry_block.hpp"

#include <algorithm>
#include <new>

namespace strandline::memory {

boost::intrusive_ptr<entry_block> entry_block::of_size(std::size_t bytes)
{
    return ::new (::operator new(sizeof(entry_block) + bytes)) entry_block(bytes);
}

void* entry_block::take(std::size_t bytes) noexcept
{
    static_assert(sizeof(entry_block) % alignof(void*) == 0);
    if (entries_++ == 0)
        intrusive_ptr_add_ref(this);
    auto* const taken = next_;
    auto const rounded = std::min((bytes + alignof(void*) - 1) / alignof(void*) * alignof(void*), room_);
    next_ += rounded;
    room_ -= rounded;
    return taken;
}

} // namespace strandline::memory
