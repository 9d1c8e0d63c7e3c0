#include "event_json.hpp"

#include <strandline/detail/utf8.hpp>
#include <strandline/event.hpp>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline::tools {

namespace json = boost::json;

namespace {

std::string as_utf8(std::string_view text)
{
    std::string made;
    for (;;) {
        auto const good = detail::utf8_prefix(text);
        made += text.substr(0, good);
        if (good == text.size())
            return made;
        made += "\xEF\xBF\xBD";
        text.remove_prefix(good + 1);
    }
}

json::value text_or_null(std::optional<std::string_view> text)
{
    return text ? json::value(as_utf8(*text)) : json::value();
}

bool is_json(std::string_view text)
{
    json::monotonic_resource memory;
    json::parse_options how;
    how.max_depth = 1'000;
    how.numbers = json::number_precision::none; // it is not looked at
    boost::system::error_code why;
    json::parse(text, why, &memory, how);
    return !why;
}

std::string base64(std::string_view bytes)
{
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string made;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        auto const group = bytes.substr(i, 3);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k != 3; ++k)
            bits = bits << 8U | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
        for (std::size_t k = 0; k != 4; ++k)
            made += k <= group.size() ? digits[bits >> (18U - 6U * k) & 63U] : '=';
    }
    return made;
}

/// As a member of an object.
std::string body_member(std::string_view body)
{
    if (!detail::is_utf8(body))
        return "\"body_base64\":\"" + base64(body) + '"';
    if (!is_json(body))
        return "\"body\":" + json::serialize(json::string_view(body));
    // The text itself, so that numbers stay what they are. Ends of lines are nothing but space in it.
    std::string text(body);
    std::ranges::replace(text, '\n', ' ');
    std::ranges::replace(text, '\r', ' ');
    return "\"body\":" + text;
}

std::vector<header_view> views_of(headers const& of)
{
    std::vector<header_view> views;
    for (auto const& one : of)
        views.push_back({one.name, one.value});
    return views;
}

} // namespace

std::string event_line(json::object about, entry_view const& event)
{
    about["type"] = text_or_null(event.header(header_names::type));
    about["key"] = text_or_null(event.header(header_names::key));
    json::object headers;
    for (auto const& one : event.headers)
        headers.emplace(as_utf8(one.name), as_utf8(one.value));
    about["headers"] = std::move(headers);

    auto line = json::serialize(about);
    if (event.body) {
        line.back() = ',';
        line += body_member(*event.body);
        line += '}';
    }
    line += '\n';
    return line;
}

std::string event_line(json::object about, event const& of)
{
    auto const views = views_of(of.headers);
    return event_line(std::move(about), entry_view{of.body, views});
}

void add_texts(json::object& to, event const& of)
{
    auto const views = views_of(of.headers);
    entry_view const content{of.body, views};
    auto const add = [&](std::string_view name, std::optional<std::string_view> text) {
        if (text)
            to[name] = *text;
    };
    add("type", content.header(header_names::type));
    add("key", content.header(header_names::key));
    add("body", content.body);
}

} // namespace strandline::tools
