#pragma once

#include <strandline/detail/json_form.hpp>

#include <boost/describe/enum_from_string.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace strandline::detail {

/// A value without parts; bytes stand in other notations than JSON only.
using json_scalar = std::variant<
    std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view, std::span<std::byte const>>;

struct json_shape;

/// A place for a value, and how to fill it.
struct json_slot
{
    json_shape const* shape = nullptr;
    void* target = nullptr;
};

/// The most members that an object can have.
inline constexpr std::size_t json_max_members = 256;

struct json_member
{
    std::string_view name;
    bool required = true;
    json_slot (*slot)(void* object) = nullptr;
};

/// How a type is filled from JSON, with the type itself left behind: so the decoder is compiled once, in the
/// library, and not for each type in each file. A function is set where the form has a use for it.
struct json_shape
{
    json_form form;
    /// "a number": for errors.
    std::string (*expected)();
    /// "from 0 to 255": integers.
    std::string (*range)() = nullptr;
    /// Stores a scalar; false when it does not fit.
    bool (*store)(void* target, json_scalar const& value) = nullptr;
    /// Objects.
    std::span<json_member const> members = {};
    /// Arrays and tuples: elements. Variants: alternatives.
    std::size_t count = 0;
    /// Arrays and tuples: the element of that index. Variants: the alternative of that index, set now.
    /// Sequences: a new element at the end. Optionals: the value, set now.
    json_slot (*part)(void* target, std::size_t index) = nullptr;
    /// Maps: a new entry, `key` then refers to the map's own; no target when it is there already.
    json_slot (*entry)(void* target, std::string_view& key) = nullptr;
    /// Empties what may be filled already: sequences, maps, optionals.
    void (*clear)(void* target) = nullptr;
    /// Everything else, by Boost.JSON's conversions.
    boost::system::error_code (*convert)(void* target, json::value const& value) = nullptr;
};

template <class T>
json_shape const& json_shape_of();

/// A sequence whose new elements can be filled in their place.
template <class T>
concept json_grows_at_end = requires(T& sequence) {
    sequence.clear();
    sequence.emplace_back();
    {
        sequence.back()
    } -> std::same_as<json_element<T>&>;
};

template <class T>
json_slot json_slot_of(T& target)
{
    return {&json_shape_of<T>(), &target};
}

template <class T>
T& json_target(void* target)
{
    return *static_cast<T*>(target);
}

/// The number, when it fits.
template <class T>
bool json_store_integer(T& out, json_scalar const& value)
{
    constexpr auto least = static_cast<std::int64_t>(std::numeric_limits<T>::min());
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    bool fits = false;
    if (auto const* number = std::get_if<std::int64_t>(&value)) {
        fits = *number >= least && (*number < 0 || static_cast<std::uint64_t>(*number) <= most);
        if (fits)
            out = static_cast<T>(*number);
    }
    else if (auto const* large = std::get_if<std::uint64_t>(&value)) {
        fits = *large <= most;
        if (fits)
            out = static_cast<T>(*large);
    }
    return fits;
}

/// The nearest number of that type; none when it is beyond the greatest.
template <class T>
bool json_store_floating(T& out, json_scalar const& value)
{
    if (auto const* number = std::get_if<double>(&value)) {
        if (!(std::abs(*number) <= static_cast<double>(std::numeric_limits<T>::max())))
            return false;
        out = static_cast<T>(*number);
        return true;
    }
    if (auto const* number = std::get_if<std::int64_t>(&value)) {
        out = static_cast<T>(*number);
        return true;
    }
    if (auto const* number = std::get_if<std::uint64_t>(&value)) {
        out = static_cast<T>(*number);
        return true;
    }
    return false;
}

template <class T>
void json_clear(void* target)
{
    json_target<T>(target).clear();
}

template <class T>
std::string json_integer_range()
{
    return "from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
           std::to_string(std::numeric_limits<T>::max());
}

template <class T>
std::string json_enumerator_names()
{
    std::string text;
    mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&text](auto enumerator) {
        text.append(text.empty() ? "one of \"" : ", \"").append(enumerator.name).append(1, '"');
    });
    return text;
}

template <class T>
std::string json_alternatives()
{
    std::string text;
    mp11::mp_for_each<mp11::mp_transform<std::type_identity, json_parts_of<T, json_way::decode>>>(
        [&text]<class Part>(std::type_identity<Part>) {
            text.append(text.empty() ? "" : " or ").append(json_shape_of<Part>().expected());
        }
    );
    return text;
}

template <class T, class... Member>
inline constexpr std::array<json_member, sizeof...(Member)> json_member_table = {json_member{
    Member::name,
    !json::is_optional_like<json_member_type<T, Member>>::value,
    [](void* object) { return json_slot_of(json_target<T>(object).*Member::pointer); },
}...};

template <class T>
consteval auto json_table_of()
{
    return []<class... Member>(mp11::mp_list<Member...>) {
        return std::span<json_member const>(json_member_table<T, Member...>);
    }(mp11::mp_rename<json_members<T>, mp11::mp_list>());
}

template <class T, class... Alternative>
json_slot json_set_alternative(T& variant, std::size_t index, mp11::mp_list<Alternative...>)
{
    return mp11::mp_with_index<sizeof...(Alternative)>(index, [&variant](auto i) {
        return json_slot_of(variant.template emplace<i>());
    });
}

template <class T>
constexpr json_shape json_make_shape()
{
    using enum json_form;
    constexpr auto form = json_form_of<T, json_way::decode>();
    json_shape shape{.form = form, .expected = nullptr};

    if constexpr (form == boolean) {
        shape.expected = [] { return std::string("true or false"); };
        shape.store = [](void* target, json_scalar const& value) {
            auto const* flag = std::get_if<bool>(&value);
            if (flag)
                json_target<T>(target) = *flag;
            return flag != nullptr;
        };
    }
    else if constexpr (form == integer) {
        shape.expected = [] { return std::string("an integer"); };
        shape.range = json_integer_range<T>;
        shape.store = [](void* target, json_scalar const& value) {
            return json_store_integer(json_target<T>(target), value);
        };
    }
    else if constexpr (form == floating) {
        shape.expected = [] { return std::string("a number"); };
        shape.store = [](void* target, json_scalar const& value) {
            return json_store_floating(json_target<T>(target), value);
        };
    }
    else if constexpr (form == null) {
        shape.expected = [] { return std::string("null"); };
        shape.store = [](void* target, json_scalar const& value) {
            json_target<T>(target) = {};
            return std::holds_alternative<std::nullptr_t>(value);
        };
    }
    else if constexpr (form == string) {
        shape.expected = [] { return std::string("a string"); };
        shape.store = [](void* target, json_scalar const& value) {
            auto const* text = std::get_if<std::string_view>(&value);
            if (text)
                json_target<T>(target).assign(text->data(), text->size());
            return text != nullptr;
        };
    }
    else if constexpr (form == bytes) {
        shape.expected = [] { return std::string("bytes"); };
        shape.store = [](void* target, json_scalar const& value) {
            auto const* found = std::get_if<std::span<std::byte const>>(&value);
            if (found)
                json_target<T>(target).assign(found->begin(), found->end());
            return found != nullptr;
        };
    }
    else if constexpr (form == enumeration) {
        shape.expected = json_enumerator_names<T>;
        shape.store = [](void* target, json_scalar const& value) {
            auto const* name = std::get_if<std::string_view>(&value);
            return name && boost::describe::enum_from_string(*name, json_target<T>(target));
        };
    }
    else if constexpr (form == optional) {
        using inner = mp11::mp_front<json_parts_of<T, json_way::decode>>;
        shape.expected = [] { return json_shape_of<inner>().expected() + " or null"; };
        shape.part = [](void* target, std::size_t) {
            json_target<T>(target) = inner();
            return json_slot_of(*json_target<T>(target));
        };
        shape.clear = [](void* target) { json_target<T>(target).reset(); };
    }
    else if constexpr (form == variant) {
        using parts = json_parts_of<T, json_way::decode>;
        shape.expected = json_alternatives<T>;
        shape.count = mp11::mp_size<parts>::value;
        shape.part = [](void* target, std::size_t index) {
            return json_set_alternative(json_target<T>(target), index, parts());
        };
    }
    else if constexpr (form == map) {
        using key_type = std::remove_const_t<typename json_element<T>::first_type>;
        using mapped_type = typename json_element<T>::second_type;
        shape.expected = [] { return std::string("an object"); };
        shape.clear = json_clear<T>;
        shape.entry = [](void* target, std::string_view& key) -> json_slot {
            auto const [place, fresh] = json_target<T>(target).emplace(key_type(key), mapped_type());
            if (!fresh)
                return {};
            key = json::string_view(place->first);
            return json_slot_of(place->second);
        };
    }
    else if constexpr (form == sequence && json_grows_at_end<T>) {
        shape.expected = [] { return std::string("an array"); };
        shape.clear = json_clear<T>;
        shape.part = [](void* target, std::size_t) {
            json_target<T>(target).emplace_back();
            return json_slot_of(json_target<T>(target).back());
        };
    }
    else if constexpr (form == array) {
        shape.expected = [] { return "an array of " + std::to_string(json_array_size<T>) + " elements"; };
        shape.count = json_array_size<T>;
        shape.part = [](void* target, std::size_t index) {
            return json_slot_of(json_target<T>(target)[index]);
        };
    }
    else if constexpr (form == tuple) {
        constexpr auto size = std::tuple_size_v<T>;
        shape.expected = [] { return "an array of " + std::to_string(size) + " elements"; };
        shape.count = size;
        shape.part = [](void* target, std::size_t index) {
            return mp11::mp_with_index<size>(index, [target](auto i) {
                using std::get;
                return json_slot_of(get<i>(json_target<T>(target)));
            });
        };
    }
    else if constexpr (form == object) {
        shape.expected = [] { return std::string("an object"); };
        shape.members = json_table_of<T>();
        static_assert(
            json_table_of<T>().size() <= json_max_members, "an object can have 256 members at most"
        );
    }
    else {
        // A document, a path, a set, or a type with conversions of its own.
        shape.form = custom;
        shape.expected = [] { return std::string("another value"); };
        shape.convert = [](void* target, json::value const& value) {
            auto converted = json::try_value_to<T>(value);
            if (!converted)
                return converted.error();
            json_target<T>(target) = std::move(*converted);
            return boost::system::error_code();
        };
    }
    return shape;
}

template <class T>
json_shape const& json_shape_of()
{
    static constexpr json_shape shape = json_make_shape<T>();
    return shape;
}

} // namespace strandline::detail
