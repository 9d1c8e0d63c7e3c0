#pragma once

#include <strandline/json.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strandline {

/// How a `T` becomes the body of an entry and comes back.
///
/// As it stands here: as JSON. These types are other: `std::string`, `std::string_view`,
/// `std::vector<std::byte>` and `std::span<std::byte const>` are the body itself, byte by byte;
/// `boost::json::value` is any JSON.
///
/// Specialise it for a type of your own to use another format:
/// @code
/// template <>
/// struct strandline::codec<my_type>
/// {
///     static strandline::failure encode(my_type const& value, std::string& out);       // replaces what is
///     in out static strandline::failure decode(std::string_view body, my_type& out);          // out is a
///     fresh my_type
/// };
/// @endcode
/// Either function may be missing where it is not needed. Report failures with `errc::not_encodable` and
/// `errc::not_decodable` and words for a human; an exception counts as one, with its `what()` for words.
/// After a failure nobody looks at `out`.
template <class T>
struct codec
{
    static failure encode(T const& value, std::string& out) { return encode_json(value, out); }

    static failure decode(std::string_view body, T& out) { return decode_json(body, out); }
};

template <>
struct codec<std::string>
{
    static failure encode(std::string const& value, std::string& out)
    {
        out = value;
        return {};
    }

    static failure decode(std::string_view body, std::string& out)
    {
        out = body;
        return {};
    }
};

/// Decoded, it is a view into the body.
template <>
struct codec<std::string_view>
{
    static failure encode(std::string_view value, std::string& out)
    {
        out = value;
        return {};
    }

    static failure decode(std::string_view body, std::string_view& out)
    {
        out = body;
        return {};
    }
};

template <>
struct codec<std::vector<std::byte>>
{
    static failure encode(std::vector<std::byte> const& value, std::string& out)
    {
        out.assign(reinterpret_cast<char const*>(value.data()), value.size());
        return {};
    }

    static failure decode(std::string_view body, std::vector<std::byte>& out)
    {
        auto const* const data = reinterpret_cast<std::byte const*>(body.data());
        out.assign(data, data + body.size());
        return {};
    }
};

/// Decoded, it is a view into the body.
template <>
struct codec<std::span<std::byte const>>
{
    static failure encode(std::span<std::byte const> value, std::string& out)
    {
        out.assign(reinterpret_cast<char const*>(value.data()), value.size());
        return {};
    }

    static failure decode(std::string_view body, std::span<std::byte const>& out)
    {
        out = std::as_bytes(std::span(body));
        return {};
    }
};

namespace detail {

// String literals and C strings are text like any other.
template <class T>
struct coded_as
{
    using type = T;
};

template <class T>
    requires std::same_as<std::decay_t<T>, char*> || std::same_as<std::decay_t<T>, char const*>
struct coded_as<T>
{
    using type = std::string_view;
};

template <class T>
using codec_for = codec<typename coded_as<std::remove_cvref_t<T>>::type>;

} // namespace detail

/// A type that can be published.
template <class T>
concept encodable = requires(T const& value, std::string& out) {
    {
        detail::codec_for<T>::encode(value, out)
    } -> std::same_as<failure>;
};

/// A type that a body can be decoded into.
template <class T>
concept decodable = std::default_initializable<T> && requires(std::string_view body, T& out) {
    {
        detail::codec_for<T>::decode(body, out)
    } -> std::same_as<failure>;
};

template <class T>
concept codable = encodable<T> && decodable<T>;

/// The body for `value`, through its codec; replaces what is in `out`. What the codec throws becomes a
/// failure, but for `std::bad_alloc`.
template <class T>
failure encode(T const& value, std::string& out)
{
    return detail::codec_for<T>::encode(value, out);
}

/// Reads a body into a fresh `out`, through its codec. The body must stay as long as `out` where `T` is a
/// view. What the codec throws becomes a failure, but for `std::bad_alloc`.
template <class T>
failure decode(std::string_view body, T& out)
{
    return detail::codec_for<T>::decode(body, out);
}

} // namespace strandline
