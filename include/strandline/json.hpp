#pragma once

#include <strandline/detail/json_check.hpp>
#include <strandline/detail/json_decode.hpp>
#include <strandline/detail/json_form.hpp>
#include <strandline/error.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace strandline {

/// A type that can be written as JSON: numbers, `bool`, strings, enumerations and structs described with
/// Boost.Describe, types of Boost.JSON, types with a `tag_invoke` of their own for
/// `boost::json::value_from_tag`, and what is made of them: `std::optional`, `std::variant`, `std::vector`,
/// `std::map` and the like.
template <class T>
concept json_encodable =
    !std::is_pointer_v<T> && std::is_void_v<detail::json_obstacle<T, detail::json_way::encode>>;

/// A type that can be read from JSON: the same, where strings own their text, and with a `tag_invoke` for
/// `boost::json::value_to_tag` or `boost::json::try_value_to_tag`.
template <class T>
concept json_decodable = std::is_void_v<detail::json_obstacle<T, detail::json_way::decode>>;

/// Writes the value as JSON to `out`, replacing what is there.
///
/// Enumerators are written by name, an empty optional as null, the value of a variant as itself. Fails with
/// `errc::not_encodable` for what would not come back: a number that is not finite, text that is not UTF-8,
/// an enumeration's value without a name; the words name the member.
template <json_encodable T>
failure encode_json(T const& value, std::string& out)
{
    detail::json_problem problem;
    if (!detail::json_check(value, problem))
        return {errc::not_encodable, problem.words(" ")};
    if constexpr (detail::json_goes_directly<T>()) {
        out = boost::json::serialize(value);
    }
    else {
        auto const document = boost::json::value_from(value);
        if (!detail::json_check_document(document, problem))
            return {errc::not_encodable, problem.words(" ")};
        out = boost::json::serialize(document);
    }
    return {};
}

/// Reads JSON into a fresh `out`.
///
/// Members that `out` does not have are ignored; members that it has must be there, once, unless they are
/// optional. Integers are written without a point or an exponent and must fit. A variant becomes the first
/// alternative that fits. Arrays and objects may be nested 32 deep. Fails with `errc::not_decodable`; the
/// words name the member, or the byte where the text is not JSON. What `out` then holds is of no use.
template <json_decodable T>
failure decode_json(std::string_view body, T& out)
{
    return detail::json_decode(body, detail::json_slot_of(out));
}

} // namespace strandline
