#pragma once

#include <strandline/json.hpp>

#include <boost/json/value.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strandline {

/// How a `T` becomes the body of an entry and comes back.
///
/// As it stands here: as JSON (see `encode_json` and `decode_json`). These types are other: `std::string`,
/// `std::string_view`, `std::vector<std::byte>` and `std::span<std::byte const>` are the body itself, byte by
/// byte; `boost::json::value` is any JSON.
///
/// Specialise it for a type of your own to use another format:
/// @code
/// template <>
/// struct strandline::codec<my_type>
/// {
///     // Replaces what is in out.
///     static strandline::failure encode(my_type const& value, std::string& out);
///     // Given a fresh out; the body is valid as long as out.
///     static strandline::failure decode(std::string_view body, my_type& out);
/// };
/// @endcode
/// Either function may be missing where it is not needed. Report failures with `errc::not_encodable` and
/// `errc::not_decodable` and words for a human; an exception counts as one, with its `what()` for words.
/// After a failure nobody looks at `out`.
template <class T>
struct codec
{
    static failure encode(T const& value, std::string& out)
        requires json_encodable<T>
    {
        return encode_json(value, out);
    }

    static failure decode(std::string_view body, T& out)
        requires json_decodable<T>
    {
        return decode_json(body, out);
    }
};

/// Any JSON.
template <>
struct codec<boost::json::value>
{
    static failure encode(boost::json::value const& value, std::string& out)
    {
        detail::json_problem problem;
        if (!detail::json_check_document(value, problem))
            return {errc::not_encodable, problem.words(" ")};
        out = boost::json::serialize(value);
        return {};
    }

    static failure decode(std::string_view body, boost::json::value& out)
    {
        return detail::json_decode_document(body, out);
    }
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

// C strings and arrays of characters are text like any other.
template <class T>
concept c_text = std::same_as<std::decay_t<T>, char*> || std::same_as<std::decay_t<T>, char const*>;

template <class T>
struct coded_as
{
    using type = T;
};

template <c_text T>
struct coded_as<T>
{
    using type = std::string_view;
};

// An array ends at its first null character, or where it ends.
template <std::size_t N>
std::string_view to_encode(char const (&text)[N])
{
    std::string_view const all(text, N);
    return all.substr(0, all.find('\0'));
}

template <class T>
T const& to_encode(T const& value)
{
    if constexpr (std::is_pointer_v<T>) {
        if (value == nullptr)
            throw std::invalid_argument("the text is a null pointer");
    }
    return value;
}

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

namespace detail {

// The compiler names `Type` in its message: the part of the user's type that is the obstacle.
template <class Type>
struct cannot_be_encoded
{
    static_assert(
        sizeof(Type) == 0, "Type cannot become JSON: describe it with BOOST_DESCRIBE_STRUCT or "
                           "BOOST_DESCRIBE_ENUM; or give the type that is "
                           "published a strandline::codec with an encode function"
    );
};

template <class Type>
struct cannot_be_decoded
{
    static_assert(
        sizeof(Type) == 0, "Type cannot be read from JSON: describe it with BOOST_DESCRIBE_STRUCT or "
                           "BOOST_DESCRIBE_ENUM (views and const "
                           "members cannot be filled); or give the type that is consumed a strandline::codec "
                           "with a decode function"
    );
};

// Where JSON would do but the type has a codec of its own, that codec is the obstacle.
template <class T, json_way Way>
using codec_obstacle = std::conditional_t<std::is_void_v<json_obstacle<T, Way>>, T, json_obstacle<T, Way>>;

// Runs a codec; what it throws becomes a failure, except that there is no memory.
template <class Code>
failure guarded(errc code, Code run)
{
    try {
        return run();
    }
    catch (std::bad_alloc const&) {
        throw;
    }
    catch (error const& thrown) {
        return {code, thrown.cause().message()};
    }
    catch (boost::system::system_error const& thrown) {
        // Not what(), which may tell places in the source.
        return {code, thrown.code().message()};
    }
    catch (std::exception const& thrown) {
        return {code, thrown.what()};
    }
    catch (...) {
        return {code, "the codec has thrown something that is not a std::exception"};
    }
}

} // namespace detail

/// The body for `value`, by its codec; replaces what is in `out`. What the codec throws becomes a failure,
/// except `std::bad_alloc`.
template <class T>
failure encode(T const& value, std::string& out)
{
    if constexpr (encodable<T>)
        return detail::guarded(errc::not_encodable, [&] {
            return detail::codec_for<T>::encode(detail::to_encode(value), out);
        });
    else
        return detail::cannot_be_encoded<detail::codec_obstacle<T, detail::json_way::encode>>(), failure();
}

/// Reads a body into a fresh `out`, by its codec. The body must stay as long as `out` where `T` is a view.
/// What the codec throws becomes a failure, except `std::bad_alloc`.
template <class T>
failure decode(std::string_view body, T& out)
{
    if constexpr (decodable<T>)
        return detail::guarded(errc::not_decodable, [&] { return detail::codec_for<T>::decode(body, out); });
    else
        return detail::cannot_be_decoded<detail::codec_obstacle<T, detail::json_way::decode>>(), failure();
}

} // namespace strandline
