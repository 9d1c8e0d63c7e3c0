#pragma once

#include <strandline/broker.hpp>

#include <ostream>

// How Boost.Test shows values of the library's types.
namespace strandline {

inline std::ostream& boost_test_print_type(std::ostream& out, errc value)
{
    return out << make_error_code(value).message();
}

inline std::ostream& boost_test_print_type(std::ostream& out, holding value)
{
    return out << (value == holding::held ? "held" : value == holding::lost ? "lost" : "gone");
}

inline std::ostream& boost_test_print_type(std::ostream& out, header_view const& value)
{
    return out << value.name << ": " << value.value;
}

} // namespace strandline
