#pragma once

#include <strandline/config.hpp>

#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/json/conversion.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace strandline::detail {

namespace json = boost::json;
namespace mp11 = boost::mp11;

/// How a type travels as JSON; sorted as Boost.JSON sorts types.
enum class json_form
{
    none,
    boolean,
    integer,
    floating,
    null,
    string,
    /// `std::vector<std::byte>`, which MessagePack can carry and JSON cannot.
    bytes,
    optional,
    variant,
    map,
    /// An array of any length.
    sequence,
    /// An array of a known length and one type.
    array,
    /// An array of a known length and a type for each element.
    tuple,
    object,
    enumeration,
    path,
    /// A type of Boost.JSON's own.
    document,
    /// A type with conversions of its own (`tag_invoke`).
    custom,
};

/// The first two as JSON, the other two in notations that have bytes, too.
enum class json_way
{
    encode,
    decode,
    pack,
    unpack,
};

consteval bool json_writes(json_way way)
{
    return way == json_way::encode || way == json_way::pack;
}

/// The same way without bytes.
consteval json_way json_without_bytes(json_way way)
{
    return json_writes(way) ? json_way::encode : json_way::decode;
}

template <class T>
concept json_has_own_value_from =
    requires(T const& value, json::value& out) { tag_invoke(json::value_from_tag(), out, value); };

template <class T>
concept json_has_own_value_to = requires(json::value const& value) {
    tag_invoke(json::value_to_tag<T>(), value);
} || requires(json::value const& value) { tag_invoke(json::try_value_to_tag<T>(), value); };

template <class T>
inline constexpr std::size_t json_array_size = 0;

template <class T, std::size_t N>
inline constexpr std::size_t json_array_size<T[N]> = N;

template <class T, std::size_t N>
inline constexpr std::size_t json_array_size<std::array<T, N>> = N;

template <class T>
inline constexpr bool json_is_array = std::is_bounded_array_v<T>;

template <class T, std::size_t N>
inline constexpr bool json_is_array<std::array<T, N>> = true;

template <class T, json_way Way>
consteval json_form json_form_of()
{
    if constexpr (json_writes(Way) && json_has_own_value_from<T>)
        return json_form::custom;
    else if constexpr (!json_writes(Way) && json_has_own_value_to<T>)
        return json_form::custom;
    else if constexpr (std::is_same_v<T, json::value> || std::is_same_v<T, json::object> ||
                       std::is_same_v<T, json::array>)
        return json_form::document;
    else if constexpr (std::is_same_v<T, std::vector<std::byte>>)
        return json_form::bytes;
    else if constexpr (std::is_same_v<T, bool>)
        return json_form::boolean;
    else if constexpr (std::is_integral_v<T>)
        return json_form::integer;
    else if constexpr (std::is_floating_point_v<T>)
        // JSON here has numbers up to double.
        return std::is_same_v<T, long double> ? json_form::none : json_form::floating;
    else if constexpr (json::is_null_like<T>::value)
        return json_form::null;
    else if constexpr (json::is_string_like<T>::value)
        // Of an array of characters nobody knows where its text ends.
        return std::is_array_v<T> ? json_form::none : json_form::string;
    else if constexpr (json::is_variant_like<T>::value)
        return json_form::variant;
    else if constexpr (json::is_optional_like<T>::value)
        return json_form::optional;
    else if constexpr (json::is_map_like<T>::value)
        return json_form::map;
    else if constexpr (json_is_array<T>)
        return json_form::array;
    else if constexpr (json::is_sequence_like<T>::value)
        return json_form::sequence;
    else if constexpr (json::is_tuple_like<T>::value)
        return json_form::tuple;
    else if constexpr (json::is_described_class<T>::value)
        return json_form::object;
    else if constexpr (json::is_described_enum<T>::value)
        return json_form::enumeration;
    else if constexpr (json::is_path_like<T>::value)
        return json_form::path;
    else
        return json_form::none;
}

template <class T>
using json_members =
    boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;

/// The type of a described member; const where the member is.
template <class T, class Member>
using json_member_type = std::remove_reference_t<decltype(std::declval<T&>().*Member::pointer)>;

/// The types that a type is made of.
template <class T, json_form Form>
struct json_parts
{
    using type = mp11::mp_list<>;
};

template <class T>
struct json_parts<T, json_form::optional>
{
    using type = mp11::mp_list<std::remove_cvref_t<decltype(std::declval<T&>().value())>>;
};

template <class T>
struct json_parts<T, json_form::variant>
{
    using type = mp11::mp_rename<T, mp11::mp_list>;
};

template <class T>
using json_element = std::iter_value_t<decltype(std::begin(std::declval<T&>()))>;

template <class T>
struct json_parts<T, json_form::map>
{
    using type = mp11::mp_list<
        std::remove_const_t<typename json_element<T>::first_type>, typename json_element<T>::second_type>;
};

template <class T>
struct json_parts<T, json_form::sequence>
{
    using type = mp11::mp_list<json_element<T>>;
};

template <class T>
struct json_parts<T, json_form::array> : json_parts<T, json_form::sequence>
{};

template <class T>
struct json_parts<T, json_form::tuple>
{
    template <class I>
    using element = std::remove_const_t<std::tuple_element_t<I::value, T>>;
    using type = mp11::mp_transform<element, mp11::mp_iota_c<std::tuple_size_v<T>>>;
};

template <class T>
struct json_parts<T, json_form::object>
{
    template <class Member>
    using member = json_member_type<T, Member>;
    using type = mp11::mp_transform<member, mp11::mp_rename<json_members<T>, mp11::mp_list>>;
};

template <class T, json_way Way>
using json_parts_of = typename json_parts<T, json_form_of<T, Way>()>::type;

/// A string that owns what it is given.
template <class T>
concept json_text_target = requires(T& text, char const* data, std::size_t size) { text.assign(data, size); };

template <class T, json_way Way>
consteval bool json_goes_itself()
{
    using plain = std::remove_const_t<T>;
    constexpr auto form = json_form_of<plain, Way>();
    if constexpr (form == json_form::none)
        return false;
    else if constexpr (form == json_form::bytes && Way == json_without_bytes(Way))
        return false;
    else if constexpr (json_writes(Way))
        return true;
    else if constexpr (std::is_const_v<T>)
        return false;
    else if constexpr (form == json_form::string)
        return json_text_target<T>;
    else if constexpr (form == json_form::array)
        return true;
    else
        return std::is_default_constructible_v<T>;
}

template <class T>
struct json_obstacle_is
{
    using type = T;
};

template <json_way Way, class... Outer>
constexpr json_obstacle_is<void> json_first_obstacle(mp11::mp_list<Outer...>, mp11::mp_list<>)
{
    return {};
}

template <json_way Way, class T, class... Outer>
constexpr auto json_find_obstacle(mp11::mp_list<Outer...>);

template <json_way Way, class... Outer, class T, class... Rest>
constexpr auto json_first_obstacle(mp11::mp_list<Outer...> outer, mp11::mp_list<T, Rest...>)
{
    using found = decltype(json_find_obstacle<Way, T>(outer));
    if constexpr (std::is_void_v<typename found::type>)
        return json_first_obstacle<Way>(outer, mp11::mp_list<Rest...>());
    else
        return found();
}

template <json_way Way, class T, class... Outer>
constexpr auto json_find_obstacle(mp11::mp_list<Outer...>)
{
    if constexpr ((std::is_same_v<T, Outer> || ...))
        return json_obstacle_is<void>();
    else if constexpr (!json_goes_itself<T, Way>())
        return json_obstacle_is<T>();
    else {
        // What may become one of several types is kept as JSON until it is known which.
        constexpr auto inner =
            json_form_of<std::remove_const_t<T>, Way>() == json_form::variant ? json_without_bytes(Way) : Way;
        return json_first_obstacle<inner>(
            mp11::mp_list<T, Outer...>(), json_parts_of<std::remove_const_t<T>, Way>()
        );
    }
}

/// The first type inside of `T`, or `T` itself, that cannot go that way; void when all can.
template <class T, json_way Way>
using json_obstacle = typename decltype(json_find_obstacle<Way, T>(mp11::mp_list<>()))::type;

/// How deep arrays and objects may be nested.
inline constexpr std::size_t json_max_depth = 32;

} // namespace strandline::detail
