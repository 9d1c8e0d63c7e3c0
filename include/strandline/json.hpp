#pragma once

#include <strandline/error.hpp>

#include <boost/json/parse_into.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>

namespace strandline {

template <class T>
failure encode_json(T const& value, std::string& out)
{
    out = boost::json::serialize(value);
    return {};
}

template <class T>
failure decode_json(std::string_view body, T& out)
{
    error_code code;
    boost::json::parse_into(out, body, code);
    return code ? failure(errc::not_decodable, code.message()) : failure();
}

} // namespace strandline
