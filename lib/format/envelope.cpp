#include <strandline/detail/json_decode.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/detail/utf8.hpp>
#include <strandline/wire_format.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace strandline {

namespace {

namespace json = boost::json;

std::string random_id()
{
    thread_local boost::uuids::random_generator generate;
    return to_string(generate());
}

/// RFC 3339 without the zeros at the end of the fraction.
std::string now_as_text()
{
    using namespace std::chrono;
    auto const now = floor<nanoseconds>(system_clock::now());
    auto const second = floor<seconds>(now);
    auto text = fmt::format(
        "{:%Y-%m-%dT%H:%M:%S}.{:09}", fmt::gmtime(second.time_since_epoch().count()), (now - second).count()
    );
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
        text.pop_back();
    return text.append(1, 'Z');
}

std::string topic_of(std::string_view stream)
{
    constexpr std::string_view prefix = "event:stream:";
    if (stream.starts_with(prefix))
        stream.remove_prefix(prefix.size());
    return std::string(stream);
}

/// Takes all headers of that name out; the first one's value.
std::optional<std::string> extract(headers& from, std::string_view name)
{
    auto const found = std::ranges::find(from, name, &header::name);
    if (found == from.end())
        return std::nullopt;
    auto value = std::move(found->value);
    std::erase_if(from, [&](header const& one) { return one.name == name; });
    return value;
}

class envelope_format final : public wire_format
{
public:
    failure write(std::string_view stream, event& what) const override
    {
        auto id = extract(what.headers, "id");
        auto topic = extract(what.headers, "topic");
        auto name = extract(what.headers, header_names::type);
        auto timestamp = extract(what.headers, "timestamp");
        for (auto const* const text : {&id, &topic, &name, &timestamp})
            if (*text && !detail::is_utf8(**text))
                return {
                    errc::not_encodable, detail::quoted(**text) + " is not UTF-8, and a field of the envelope"
                };
        if (what.body) {
            json::value ignored;
            if (auto const why = detail::json_decode_document(*what.body, ignored))
                return {
                    errc::not_encodable, "the payload of an envelope is JSON: " + std::string(why.words())
                };
        }
        json::object rest;
        for (auto const& one : what.headers) {
            if (!detail::is_utf8(one.name) || !detail::is_utf8(one.value))
                return {errc::not_encodable, "the header " + detail::quoted(one.name) + " is not UTF-8"};
            // Where the name is there already nothing is changed.
            rest.emplace(one.name, one.value);
        }
        headers fields;
        fields.push_back({"id", id ? std::move(*id) : random_id()});
        fields.push_back({"topic", topic ? std::move(*topic) : topic_of(stream)});
        fields.push_back({"name", std::move(name).value_or("")});
        fields.push_back({"payload", std::move(what.body).value_or("null")});
        fields.push_back({"headers", json::serialize(rest)});
        fields.push_back({"timestamp", timestamp ? std::move(*timestamp) : now_as_text()});
        what.body.reset();
        what.headers = std::move(fields);
        return {};
    }

    failure read(std::string_view, event& what) const override
    {
        auto& fields = what.headers;
        auto payload = extract(fields, "payload");
        if (!payload)
            return {errc::not_decodable, "the envelope has no field payload"};
        headers found;
        // An event without a type has an empty name.
        if (auto name = extract(fields, "name"); name && !name->empty())
            found.push_back({std::string(header_names::type), std::move(*name)});
        for (auto const* const name : {"id", "topic", "timestamp"})
            if (auto value = extract(fields, name))
                found.push_back({name, std::move(*value)});
        if (auto const text = extract(fields, "headers"))
            if (auto why = read_headers(*text, found))
                return why;
        if (what.body)
            found.push_back({"body", std::move(*what.body)});
        std::ranges::move(fields, std::back_inserter(found));
        what.body = std::move(*payload);
        what.headers = std::move(found);
        return {};
    }

private:
    static failure read_headers(std::string_view text, headers& to)
    {
        json::value read;
        if (auto const why = detail::json_decode_document(text, read))
            return {errc::not_decodable, "the field headers is not JSON: " + std::string(why.words())};
        // A map that was never made is null in Go.
        if (read.is_null())
            return {};
        auto const* const object = read.if_object();
        if (!object)
            return {errc::not_decodable, "the field headers is not a JSON object"};
        for (auto const& [name, value] : *object) {
            auto const* const one = value.if_string();
            if (!one)
                return {errc::not_decodable, "the header " + detail::quoted(name) + " is not a string"};
            to.push_back({name, std::string(*one)});
        }
        return {};
    }
};

} // namespace

wire_format_ptr envelope()
{
    return std::make_shared<envelope_format>();
}

} // namespace strandline
