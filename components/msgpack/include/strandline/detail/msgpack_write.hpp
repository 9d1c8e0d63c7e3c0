#pragma once

#include <strandline/detail/json_form.hpp>
#include <strandline/detail/msgpack_writer.hpp>

#include <boost/describe/enum_to_string.hpp>
#include <boost/json/value_from.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace strandline::detail {

/// Gives the writer a value that has been checked.
template <class T>
void msgpack_write(T const& value, msgpack_writer& to)
{
    using enum json_form;
    constexpr auto form = json_form_of<T, json_way::pack>();

    if constexpr (form == null)
        to.null();
    else if constexpr (form == boolean)
        to.boolean(value);
    else if constexpr (form == integer)
        to.integer(static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(value));
    else if constexpr (form == floating)
        to.floating(static_cast<double>(value));
    else if constexpr (form == string)
        to.text(json::string_view(value));
    else if constexpr (form == path)
        to.text(value.generic_string());
    else if constexpr (form == bytes)
        to.bytes(value);
    else if constexpr (form == enumeration)
        to.text(boost::describe::enum_to_string(value, ""));
    else if constexpr (form == optional) {
        if (value)
            msgpack_write(*value, to);
        else
            to.null();
    }
    else if constexpr (form == variant)
        visit([&to](auto const& alternative) { msgpack_write(alternative, to); }, value);
    else if constexpr (form == map) {
        to.begin_map();
        for (auto const& [name, mapped] : value) {
            to.key(json::string_view(name));
            msgpack_write(mapped, to);
        }
        to.end();
    }
    else if constexpr (form == sequence || form == array) {
        using element = json_element<T>;
        to.begin_array();
        // The elements of std::vector<bool> are objects of another type.
        for (element const& one : value)
            msgpack_write(one, to);
        to.end();
    }
    else if constexpr (form == tuple) {
        to.begin_array();
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            using std::get;
            (msgpack_write(get<I>(value), to), ...);
        }(std::make_index_sequence<std::tuple_size_v<T>>());
        to.end();
    }
    else if constexpr (form == object) {
        to.begin_map();
        mp11::mp_for_each<json_members<T>>([&](auto member) {
            to.key(member.name);
            msgpack_write(value.*member.pointer, to);
        });
        to.end();
    }
    else
        to.document(json::value_from(value));
}

} // namespace strandline::detail
