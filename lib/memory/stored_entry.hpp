#pragma once

#include <strandline/entry.hpp>

#include <new>

namespace strandline::memory {

/// An entry as the engine keeps it: one allocation that holds the object, its headers and all their bytes, so
/// that a delivery points into it and nothing is copied on the way to a handler.
class stored_entry final : public storage
{
public:
    static boost::intrusive_ptr<stored_entry const> copy_of(entry_view const& original);

    entry_view const& view() const noexcept { return view_; }

    // The memory is larger than the object, so it must not go back with the object's size.
    static void operator delete(void* memory) noexcept { ::operator delete(memory); }

private:
    explicit stored_entry(entry_view const& original) noexcept;

    entry_view view_;
};

} // namespace strandline::memory
