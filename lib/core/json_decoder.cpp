#include "core/json_decoder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace strandline::detail {

namespace {

std::string name_of(json_scalar const& value)
{
    struct namer
    {
        std::string operator()(std::nullptr_t) const { return "null"; }

        std::string operator()(bool flag) const { return flag ? "true" : "false"; }

        std::string operator()(std::int64_t number) const { return std::to_string(number); }

        std::string operator()(std::uint64_t number) const { return std::to_string(number); }

        std::string operator()(double number) const
        {
            if (!std::isfinite(number))
                return "a number that is too large";
            // Beyond the integers not all digits of the shortest text would be true.
            auto const format =
                std::abs(number) < 0x1p63 ? std::chars_format::general : std::chars_format::scientific;
            char text[32];
            std::string digits(text, std::to_chars(text, text + sizeof text, number, format).ptr);
            if (digits.find_first_not_of("-0123456789") == digits.npos)
                digits.append(".0");
            return digits;
        }

        std::string operator()(std::string_view) const { return "a string"; }

        std::string operator()(std::span<std::byte const>) const { return "bytes"; }
    };

    return std::visit(namer(), value);
}

} // namespace

std::string json_mismatch(json_shape const& shape, json_scalar const& found)
{
    auto const* number = std::get_if<double>(&found);
    if (shape.form == json_form::floating && number)
        return "the number is too large";
    auto text = "expected " + shape.expected();
    // A number that is an integer, but not in the range.
    if (shape.range &&
        (std::holds_alternative<std::int64_t>(found) || std::holds_alternative<std::uint64_t>(found) ||
         (number && std::isfinite(*number) && std::abs(*number) >= 0x1p63)))
        text.append(1, ' ').append(shape.range());
    auto const* name = std::get_if<std::string_view>(&found);
    return text.append(", found ")
        .append(shape.form == json_form::enumeration && name ? quoted(*name) : name_of(found));
}

bool json_decoder::replay(json::value const& value)
{
    error_code code;
    switch (value.kind()) {
    case json::kind::null:
        return on_null(code);
    case json::kind::bool_:
        return on_bool(value.get_bool(), code);
    case json::kind::int64:
        return on_int64(value.get_int64(), {}, code);
    case json::kind::uint64:
        return on_uint64(value.get_uint64(), {}, code);
    case json::kind::double_:
        return on_double(value.get_double(), {}, code);
    case json::kind::string:
        return on_string(value.get_string(), value.get_string().size(), code);
    case json::kind::array:
        return on_array_begin(code) &&
               std::ranges::all_of(
                   value.get_array(), [this](json::value const& element) { return replay(element); }
               ) &&
               on_array_end(value.get_array().size(), code);
    case json::kind::object:
        return on_object_begin(code) &&
               std::ranges::all_of(
                   value.get_object(),
                   [&](json::key_value_pair const& member) {
                       return on_key(member.key(), member.key().size(), code) && replay(member.value());
                   }
               ) &&
               on_object_end(value.get_object().size(), code);
    }
    return false;
}

} // namespace strandline::detail
