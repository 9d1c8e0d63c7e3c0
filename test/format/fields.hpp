#pragma once

#include <strandline/wire_format.hpp>

#include <boost/test/unit_test.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

inline std::ostream& boost_test_print_type(std::ostream& out, header const& value)
{
    return out << value.name << ": " << value.value;
}

inline std::ostream& boost_test_print_type(std::ostream& out, errc value)
{
    return out << make_error_code(value).message();
}

} // namespace strandline

namespace strandline::testing {

/// The fields of an entry in their order.
using fields = headers;

/// An entry as an engine has it.
inline event entry_of(fields all)
{
    event entry;
    for (auto& one : all)
        if (one.name == "body" && !entry.body)
            entry.body = std::move(one.value);
        else
            entry.headers.push_back(std::move(one));
    return entry;
}

inline fields fields_of(event entry)
{
    if (entry.body)
        entry.headers.insert(entry.headers.begin(), {"body", std::move(*entry.body)});
    return std::move(entry.headers);
}

/// The event that the format reads from these fields.
inline event read(wire_format const& format, fields all, std::string_view stream = "orders")
{
    auto what = entry_of(std::move(all));
    auto const why = format.read(stream, what);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return what;
}

inline failure refusal_to_read(wire_format const& format, fields all)
{
    auto what = entry_of(std::move(all));
    return format.read("orders", what);
}

/// The fields that the format writes for this event.
inline fields write(wire_format const& format, event what, std::string_view stream = "orders")
{
    auto const why = format.write(stream, what);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return fields_of(std::move(what));
}

inline failure refusal_to_write(wire_format const& format, event what)
{
    return format.write("orders", what);
}

} // namespace strandline::testing
