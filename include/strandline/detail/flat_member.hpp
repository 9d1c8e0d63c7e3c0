#pragma once

#include <strandline/detail/json_form.hpp>

#include <boost/json/conversion.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strandline {

class wire_format;

namespace detail {

/// What the text of a flat field stands for.
enum class flat_kind
{
    text,
    boolean,
    json,
};

struct flat_member
{
    std::string_view name;
    flat_kind kind = flat_kind::text;
    /// An empty text that is not text is none.
    bool is_optional = false;
};

template <class T>
consteval flat_kind flat_kind_of()
{
    constexpr auto form = json_form_of<T, json_way::decode>();
    if constexpr (form == json_form::optional)
        return flat_kind_of<mp11::mp_front<json_parts_of<T, json_way::decode>>>();
    else if constexpr (form == json_form::boolean)
        return flat_kind::boolean;
    else if constexpr (form == json_form::string || form == json_form::enumeration ||
                       form == json_form::path || form == json_form::custom)
        return flat_kind::text;
    else
        return flat_kind::json;
}

/// Those that are not text.
template <class T>
std::vector<flat_member> flat_members_of()
{
    static_assert(
        json_form_of<T, json_way::decode>() == json_form::object,
        "flat fields are the members of a struct described with BOOST_DESCRIBE_STRUCT"
    );
    std::vector<flat_member> members;
    mp11::mp_for_each<json_members<T>>([&members](auto member) {
        using type = std::remove_const_t<json_member_type<T, decltype(member)>>;
        constexpr auto kind = flat_kind_of<type>();
        if constexpr (kind != flat_kind::text)
            members.push_back({member.name, kind, json::is_optional_like<type>::value});
    });
    return members;
}

std::shared_ptr<wire_format const> make_flat_fields(std::vector<flat_member> members);

} // namespace detail
} // namespace strandline
