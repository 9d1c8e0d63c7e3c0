#include "core/json_decoder.hpp"

#include <strandline/detail/json_decode.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/parser.hpp>

namespace strandline::detail {

namespace {

json::parse_options options()
{
    json::parse_options options;
    options.max_depth = json_max_depth;
    // The default reads one of ten doubles a little wrong.
    options.numbers = json::number_precision::precise;
    return options;
}

// Why the parser stopped, where it was the text's fault.
std::string syntax_words(error_code const& code, std::size_t offset)
{
    std::string text;
    switch (static_cast<json::error>(code.value())) {
    case json::error::incomplete:
        text = "the JSON text ends too early";
        break;
    case json::error::extra_data:
        text = "there is something after the JSON value";
        break;
    case json::error::too_deep:
        text = "nested deeper than " + std::to_string(json_max_depth) + " levels";
        break;
    default:
        // What Boost.JSON says of a code, without the place in its source that the code may know.
        text = code.message();
    }
    return text + " at byte offset " + std::to_string(offset);
}

failure syntax_failure(error_code const& code, std::string_view body, std::size_t offset)
{
    if (body.empty())
        return {errc::not_decodable, "the body is empty"};
    return {errc::not_decodable, syntax_words(code, offset)};
}

} // namespace

failure json_decode(std::string_view body, json_slot target)
{
    json::basic_parser<json_decoder> parser(options(), target);
    error_code code;
    auto const read = parser.write_some(false, body.data(), body.size(), code);
    if (!code && read != body.size())
        code = json::error::extra_data;
    if (!code)
        return {};
    if (parser.handler().refused())
        return {errc::not_decodable, parser.handler().words()};
    return syntax_failure(code, body, read);
}

failure json_decode_document(std::string_view body, json::value& out)
{
    json::parser parser(json::storage_ptr(), options());
    error_code code;
    auto const read = parser.write_some(body, code);
    if (!code && read != body.size())
        code = json::error::extra_data;
    if (code)
        return syntax_failure(code, body, read);
    out = parser.release();
    return {};
}

} // namespace strandline::detail
