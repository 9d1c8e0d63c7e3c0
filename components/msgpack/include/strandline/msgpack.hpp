#pragma once

#include <strandline/codec.hpp>
#include <strandline/detail/json_check.hpp>
#include <strandline/detail/msgpack_decode.hpp>
#include <strandline/detail/msgpack_write.hpp>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strandline {

/// A type that can be written as MessagePack: what can be JSON, and `std::vector<std::byte>`, which becomes
/// binary; not inside of a `std::variant`.
template <class T>
concept msgpack_encodable =
    !std::is_pointer_v<T> && std::is_void_v<detail::json_obstacle<T, detail::json_way::pack>>;

/// A type that can be read from MessagePack: the same.
template <class T>
concept msgpack_decodable = std::is_void_v<detail::json_obstacle<T, detail::json_way::unpack>>;

/// A value whose body is MessagePack. It chooses the codec wherever a type or a value is given:
/// @code
/// co_await producer.async_publish("orders", strandline::msgpack(order));
/// consumer.on<strandline::msgpack<order>>("orders", [](order const& o) -> asio::awaitable<void> { … });
/// auto const o = received.as<strandline::msgpack<order>>();
/// @endcode
template <class T>
struct msgpack
{
    msgpack() = default;

    explicit msgpack(T of) : value(std::move(of)) {}

    /// So that a handler can take the value itself, as long as this lives.
    operator T const&() const noexcept { return value; }

    /// The value.
    T const& operator*() const noexcept { return value; }

    /// Its members.
    T const* operator->() const noexcept { return &value; }

    /// What is encoded, or was decoded.
    T value{};
};

/// Structs are maps with the names of their members for keys, in their order; enumerators are written by
/// name, an empty optional as nil, the value of a variant as itself, integers in as few bytes as they need,
/// numbers with a fraction in four bytes where these are exact, else in eight.
///
/// It refuses what JSON refuses when it is written: numbers that are not finite, text that is not UTF-8, an
/// enumeration's value without a name. Reading ignores members that the type does not have; those that it has
/// must be there, once, unless they are optional; numbers must fit; what is nested is so 32 deep at most. The
/// keys of maps are text. Failures name the member, or the byte.
template <class T>
struct codec<msgpack<T>>
{
    static failure encode(msgpack<T> const& of, std::string& out)
        requires msgpack_encodable<T>
    {
        detail::json_problem problem;
        if (!detail::json_check(of.value, problem))
            return {errc::not_encodable, problem.words(" ")};
        detail::msgpack_writer writer;
        detail::msgpack_write(of.value, writer);
        return writer.finish(out);
    }

    static failure decode(std::string_view body, msgpack<T>& out)
        requires msgpack_decodable<T>
    {
        return detail::msgpack_decode(body, detail::json_slot_of(out.value));
    }
};

} // namespace strandline
