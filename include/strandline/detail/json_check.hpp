#pragma once

#include <strandline/detail/json_form.hpp>
#include <strandline/detail/json_problem.hpp>
#include <strandline/detail/utf8.hpp>

#include <boost/describe/enum_to_string.hpp>

#include <cmath>
#include <string>
#include <type_traits>

namespace strandline::detail {

/// Whether a value of the type can hold anything that JSON cannot carry: numbers that are not finite, text
/// that is not UTF-8, enumerators without a name. What has conversions of its own is checked in its converted
/// form.
template <class T, class... Outer>
consteval bool json_needs_check()
{
    using enum json_form;
    constexpr auto form = json_form_of<std::remove_const_t<T>, json_way::encode>();
    if constexpr ((std::is_same_v<T, Outer> || ...))
        return false;
    else if constexpr (form == floating || form == string || form == enumeration || form == variant ||
                       form == map || form == path)
        return true;
    else
        return []<class... Part>(mp11::mp_list<Part...>) {
            return (json_needs_check<Part, T, Outer...>() || ...);
        }(json_parts_of<std::remove_const_t<T>, json_way::encode>());
}

/// Elements that can be pointed to, as those of `std::vector<bool>` cannot.
template <class T>
concept json_refers_to_elements = std::is_lvalue_reference_v<decltype(*std::begin(std::declval<T const&>()))>;

/// Whether Boost.JSON can write the type without building a `json::value` of it first: it then looks at no
/// conversion of the type's own and cannot write an object without members. Nor does a type inside of itself
/// count, which is as deep as its value is: the document is checked for that.
template <class T, class... Outer>
consteval bool json_goes_directly()
{
    using enum json_form;
    using plain = std::remove_const_t<T>;
    using parts = json_parts_of<plain, json_way::encode>;
    constexpr auto form = json_form_of<plain, json_way::encode>();
    if constexpr ((std::is_same_v<T, Outer> || ...) || form == custom || form == document || form == path)
        return false;
    else if constexpr (form == sequence && !json_refers_to_elements<plain>)
        return false;
    else if constexpr (form == object && mp11::mp_empty<parts>::value)
        return false;
    else
        return []<class... Part>(mp11::mp_list<Part...>) {
            return (json_goes_directly<Part, T, Outer...>() && ...);
        }(parts());
}

/// Finds the first thing in the value that JSON cannot carry; true when there is none.
template <class T>
bool json_check(T const& value, json_problem& problem)
{
    using enum json_form;
    constexpr auto form = json_form_of<T, json_way::encode>();

    auto const refuse = [&problem](auto&& what) {
        problem.set(what);
        return false;
    };

    if constexpr (!json_needs_check<T>()) {
        return true;
    }
    else if constexpr (form == floating) {
        return std::isfinite(value) || refuse("is not a finite number");
    }
    else if constexpr (form == string) {
        if constexpr (std::is_pointer_v<T>) {
            if (value == nullptr)
                return refuse("is a null pointer");
        }
        return is_utf8(json::string_view(value)) || refuse("is not UTF-8");
    }
    else if constexpr (form == path) {
        return is_utf8(value.generic_string()) || refuse("is not UTF-8");
    }
    else if constexpr (form == enumeration) {
        if (boost::describe::enum_to_string(value, nullptr) != nullptr)
            return true;
        return refuse(
            "has the value " + std::to_string(static_cast<std::underlying_type_t<T>>(value)) +
            " without a name"
        );
    }
    else if constexpr (form == optional) {
        return !value || json_check(*value, problem);
    }
    else if constexpr (form == variant) {
        if (value.valueless_by_exception())
            return refuse("has no value");
        return visit([&problem](auto const& alternative) { return json_check(alternative, problem); }, value);
    }
    else if constexpr (form == map) {
        for (auto const& [key, mapped] : value) {
            if (!json_check(key, problem))
                return refuse("has a key that is not UTF-8");
            if (!json_check(mapped, problem)) {
                problem.in_member(json::string_view(key));
                return false;
            }
        }
        return true;
    }
    else if constexpr (form == sequence || form == array) {
        std::size_t index = 0;
        for (auto const& element : value) {
            if (!json_check(element, problem)) {
                problem.in_element(index);
                return false;
            }
            ++index;
        }
        return true;
    }
    else if constexpr (form == tuple) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            using std::get;
            return ((json_check(get<I>(value), problem) || (problem.in_element(I), false)) && ...);
        }(std::make_index_sequence<std::tuple_size_v<T>>());
    }
    else {
        static_assert(form == object);
        return [&]<class... Member>(mp11::mp_list<Member...>) {
            return (
                (json_check(value.*Member::pointer, problem) || (problem.in_member(Member::name), false)) &&
                ...
            );
        }(mp11::mp_rename<json_members<T>, mp11::mp_list>());
    }
}

/// The same for any JSON, which moreover must not be nested deeper than can be read back.
bool json_check_document(json::value const& value, json_problem& problem);

} // namespace strandline::detail
