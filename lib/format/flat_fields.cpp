#include <strandline/detail/json_decode.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/detail/utf8.hpp>
#include <strandline/wire_format.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace strandline::detail {

namespace {

std::string text_of(json::value const& value)
{
    if (auto const* const text = value.if_string())
        return std::string(*text);
    // The shortest text that reads back, and without an exponent where that is short.
    if (auto const* const number = value.if_double())
        return fmt::format("{}", *number);
    return json::serialize(value);
}

class flat final : public wire_format
{
public:
    explicit flat(std::vector<flat_member> members) : members_(std::move(members)) {}

    failure write(std::string_view, event& what) const override
    {
        if (!what.body)
            return {};
        json::value body;
        if (auto why = json_decode_document(*what.body, body))
            return {errc::not_encodable, "flat fields need a JSON object: " + std::string(why.words())};
        auto const* const object = body.if_object();
        if (!object)
            return {errc::not_encodable, "flat fields need a JSON object"};
        event entry;
        for (auto const& [name, value] : *object) {
            if (name.empty() || name.starts_with("dead-") || name == header_names::idempotency_key ||
                name == header_names::for_group)
                return {errc::invalid_name, "no field can have the name of the member " + quoted(name)};
            if (value.is_null())
                continue;
            if (name == "body")
                entry.body = text_of(value);
            else
                entry.headers.push_back({name, text_of(value)});
        }
        auto const members = entry.headers.size();
        for (auto& one : what.headers) {
            auto const first = entry.headers.begin();
            auto const end = first + static_cast<std::ptrdiff_t>(members);
            auto const same =
                std::find_if(first, end, [&](header const& member) { return member.name == one.name; });
            if (same == end)
                entry.headers.push_back(std::move(one));
            else if (same->value != one.value)
                return {errc::invalid_name, "member and header " + quoted(one.name) + " are one field"};
        }
        what = std::move(entry);
        return {};
    }

    failure read(std::string_view, event& what) const override
    {
        std::string object(1, '{');
        std::set<std::string_view> seen;
        std::string_view broken;
        auto const add = [&](std::string_view name, std::string_view text) {
            if (!seen.insert(name).second)
                return true;
            if (!is_utf8(name) || !is_utf8(text)) {
                broken = name;
                return false;
            }
            if (object.size() != 1)
                object.append(1, ',');
            object.append(json::serialize(name)).append(1, ':').append(value_of(name, text));
            return true;
        };
        auto good = !what.body || add("body", *what.body);
        for (auto const& [name, value] : what.headers)
            good = good && (name.starts_with("dead-") || add(name, value));
        if (!good)
            return {errc::not_decodable, "the field " + quoted(broken) + " is not UTF-8"};
        what.body = std::move(object.append(1, '}'));
        return {};
    }

private:
    /// The JSON that the text stands for.
    std::string value_of(std::string_view name, std::string_view text) const
    {
        auto const found = std::ranges::find(members_, name, &flat_member::name);
        if (found != members_.end()) {
            if (text.empty() && found->is_optional)
                return "null";
            if (found->kind == flat_kind::boolean && (text == "1" || text == "0"))
                return text == "1" ? "true" : "false";
            json::value ignored;
            if (!json_decode_document(text, ignored))
                return std::string(text);
        }
        return json::serialize(text);
    }

    std::vector<flat_member> members_;
};

} // namespace

wire_format_ptr make_flat_fields(std::vector<flat_member> members)
{
    return std::make_shared<flat>(std::move(members));
}

} // namespace strandline::detail

namespace strandline {

wire_format_ptr flat_fields()
{
    return detail::make_flat_fields({});
}

} // namespace strandline
