#pragma once

#include <strandline/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace strandline::detail {

/// What is wrong in a value, and where. The place is told from the inside out, by each level that the search
/// passes on its way back, so that a search without result builds no text.
class json_problem
{
public:
    void set(std::string what) { what_ = std::move(what); }

    /// What was told so far is in the member of that name.
    void in_member(std::string_view name);

    /// What was told so far is in the element of that index.
    void in_element(std::size_t index);

    /// `lines[2].price is not a number`, where ` ` is the separator.
    std::string words(std::string_view separator) const;

private:
    std::string path_;
    std::string what_;
};

} // namespace strandline::detail
