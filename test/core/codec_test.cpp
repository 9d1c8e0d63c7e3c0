#include "core/sales.hpp"

#include <strandline/codec.hpp>

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using strandline::errc;
using strandline::failure;

namespace {

/// A position on a map with a binary form of its own: two numbers of four bytes.
struct position
{
    std::int32_t latitude = 0;
    std::int32_t longitude = 0;

    friend bool operator==(position const&, position const&) = default;
};

struct only_published
{};

struct throwing
{
    int what = 0;
};

struct undescribed
{
    int number = 0;
};

struct with_undescribed
{
    std::vector<undescribed> parts;
};
BOOST_DESCRIBE_STRUCT(with_undescribed, (), (parts))

struct with_view
{
    std::string_view text;
};
BOOST_DESCRIBE_STRUCT(with_view, (), (text))

struct with_const
{
    int const number = 0;
};
BOOST_DESCRIBE_STRUCT(with_const, (), (number))

struct with_characters
{
    char text[4] = {};
};
BOOST_DESCRIBE_STRUCT(with_characters, (), (text))

template <class T>
std::string body_of(T const& value)
{
    std::string out = "something from before";
    auto const why = strandline::encode(value, out);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return out;
}

} // namespace

template <>
struct strandline::codec<position>
{
    static failure encode(position const& value, std::string& out)
    {
        if (value.latitude < -90 || value.latitude > 90)
            return {errc::not_encodable, "latitude must be from -90 to 90"};
        out.resize(8);
        std::memcpy(out.data(), &value.latitude, 4);
        std::memcpy(out.data() + 4, &value.longitude, 4);
        return {};
    }

    static failure decode(std::string_view body, position& out)
    {
        if (body.size() != 8)
            return {errc::not_decodable, "expected 8 bytes, found " + std::to_string(body.size())};
        std::memcpy(&out.latitude, body.data(), 4);
        std::memcpy(&out.longitude, body.data() + 4, 4);
        return {};
    }
};

template <>
struct strandline::codec<only_published>
{
    static failure encode(only_published const&, std::string& out)
    {
        out = "here";
        return {};
    }
};

template <>
struct strandline::codec<throwing>
{
    [[noreturn]] static void fail(int what)
    {
        switch (what) {
        case 0:
            throw std::bad_alloc();
        case 1:
            throw std::runtime_error("no such field");
        case 2:
            throw boost::system::system_error(
                boost::system::errc::make_error_code(boost::system::errc::io_error)
            );
        case 3:
            throw strandline::error({errc::server_error, "own words"});
        default:
            throw what;
        }
    }

    static failure encode(throwing const& value, std::string&) { fail(value.what); }

    static failure decode(std::string_view body, throwing&) { fail(body.front() - '0'); }
};

BOOST_AUTO_TEST_SUITE(codecs)

BOOST_AUTO_TEST_CASE(carry_strings_byte_by_byte)
{
    std::string const text("not \"JSON\" \0\xFF", 13);
    BOOST_TEST(body_of(text) == text);
    BOOST_TEST(body_of(std::string_view(text)) == text);
    BOOST_TEST(body_of("a literal") == "a literal");
    char const* const pointer = "a pointer";
    BOOST_TEST(body_of(pointer) == "a pointer");
    char array[16] = "an array";
    BOOST_TEST(body_of(array) == "an array");
    char const full[3] = {'a', 'b', 'c'};
    BOOST_TEST(body_of(full) == "abc");
    BOOST_TEST(body_of(std::string()).empty());

    std::string back;
    BOOST_TEST(!strandline::decode(text, back));
    BOOST_TEST(back == text);
}

BOOST_AUTO_TEST_CASE(refuse_a_text_that_is_not_there)
{
    std::string out;
    char const* const nothing = nullptr;
    auto const why = strandline::encode(nothing, out);
    BOOST_TEST((why == errc::not_encodable));
    BOOST_TEST(why.words() == "the text is a null pointer");
}

BOOST_AUTO_TEST_CASE(give_views_into_the_body)
{
    std::string const body = "some bytes";
    std::string_view text;
    BOOST_TEST(!strandline::decode(body, text));
    BOOST_TEST(static_cast<void const*>(text.data()) == static_cast<void const*>(body.data()));
    BOOST_TEST(text == body);

    std::span<std::byte const> bytes;
    BOOST_TEST(!strandline::decode(body, bytes));
    BOOST_TEST(static_cast<void const*>(bytes.data()) == static_cast<void const*>(body.data()));
    BOOST_TEST(bytes.size() == body.size());
}

BOOST_AUTO_TEST_CASE(carry_bytes)
{
    std::vector<std::byte> const bytes = {std::byte{0}, std::byte{0xFF}, std::byte{'"'}};
    std::string const body("\0\xFF\"", 3);
    BOOST_TEST(body_of(bytes) == body);
    BOOST_TEST(body_of(std::span<std::byte const>(bytes)) == body);
    BOOST_TEST(body_of(std::vector<std::byte>()).empty());

    std::vector<std::byte> back(7);
    BOOST_TEST(!strandline::decode(body, back));
    BOOST_TEST((back == bytes));
    BOOST_TEST(!strandline::decode({}, back));
    BOOST_TEST(back.empty());
}

BOOST_AUTO_TEST_CASE(carry_any_json)
{
    auto const value = boost::json::parse(R"({"a":[1,-2,18446744073709551615,0.1,"ä",null,true,{}]})");
    auto const body = body_of(value);
    boost::json::value back;
    BOOST_TEST(!strandline::decode(body, back));
    BOOST_TEST((back == value));

    auto const why = strandline::decode("{\"a\":[1,}", back);
    BOOST_TEST((why == errc::not_decodable));
    BOOST_TEST(why.words() == "syntax error at byte offset 8");
}

BOOST_AUTO_TEST_CASE(refuse_json_that_would_not_come_back)
{
    auto const refusal = [](boost::json::value const& value) {
        std::string out;
        auto const why = strandline::encode(value, out);
        BOOST_TEST((why == errc::not_encodable));
        return std::string(why.words());
    };
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    BOOST_TEST(refusal(infinity) == "is not a finite number");
    BOOST_TEST(refusal({{"a", {1, {{"b", infinity}}}}}) == "a[1].b is not a finite number");
    BOOST_TEST(refusal({{"a b", {1, "\xFF"}}}) == "[\"a b\"][1] is not UTF-8");
    BOOST_TEST(refusal({{"a", {{"\xFF", 1}}}}) == "a has a key that is not UTF-8");

    boost::json::value deep = 1;
    for (int i = 0; i != 32; ++i)
        deep = boost::json::array{deep};
    auto const body = body_of(deep);
    boost::json::value back;
    BOOST_TEST(!strandline::decode(body, back));
    BOOST_TEST((back == deep));
    BOOST_TEST(refusal(boost::json::array{deep}).ends_with(" is nested deeper than 32 levels"));
    BOOST_TEST(
        strandline::decode('[' + body + ']', back).words() == "nested deeper than 32 levels at byte offset 32"
    );
}

BOOST_AUTO_TEST_CASE(carry_described_types_as_json)
{
    BOOST_TEST(body_of(sales::card{"Ann", 1234}) == R"({"holder":"Ann","last_digits":1234})");
    BOOST_TEST(body_of(std::vector<std::string>{"a", "b"}) == R"(["a","b"])");
    BOOST_TEST(body_of(42) == "42");

    sales::card card;
    BOOST_TEST(!strandline::decode(R"({"holder":"Ann","last_digits":1234})", card));
    BOOST_TEST((card == sales::card{"Ann", 1234}));
}

BOOST_AUTO_TEST_CASE(can_be_written_for_any_type)
{
    position const here{48, 11};
    auto const body = body_of(here);
    BOOST_TEST(body.size() == 8U);
    position back;
    BOOST_TEST(!strandline::decode(body, back));
    BOOST_TEST((back == here));

    std::string out;
    BOOST_TEST(strandline::encode(position{91, 0}, out).words() == "latitude must be from -90 to 90");
    BOOST_TEST(strandline::decode("short", back).words() == "expected 8 bytes, found 5");
}

BOOST_AUTO_TEST_CASE(that_throw_fail)
{
    std::string out;
    throwing back;
    for (int what : {1, 2, 3, 4}) {
        auto const why = strandline::encode(throwing{what}, out);
        BOOST_TEST((why == errc::not_encodable));
        auto const why_back = strandline::decode(std::to_string(what), back);
        BOOST_TEST((why_back == errc::not_decodable));
        BOOST_TEST(why_back.words() == why.words());
        BOOST_TEST(why.words().find(".cpp") == std::string::npos);
    }
    BOOST_TEST(strandline::encode(throwing{1}, out).words() == "no such field");
    BOOST_TEST(strandline::encode(throwing{3}, out).words() == "server answered an error: own words");
}

BOOST_AUTO_TEST_CASE(that_have_no_memory_say_so)
{
    std::string out;
    throwing back;
    BOOST_CHECK_THROW(strandline::encode(throwing{0}, out), std::bad_alloc);
    BOOST_CHECK_THROW(strandline::decode("0", back), std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(are_known_to_exist_or_not)
{
    static_assert(strandline::codable<sales::order>);
    static_assert(strandline::codable<std::string>);
    static_assert(strandline::codable<std::string_view>);
    static_assert(strandline::codable<std::vector<std::byte>>);
    static_assert(strandline::codable<std::span<std::byte const>>);
    static_assert(strandline::codable<boost::json::value>);
    static_assert(strandline::codable<position>);
    static_assert(strandline::encodable<char const*>);
    static_assert(strandline::encodable<char[4]>);
    static_assert(!strandline::decodable<char const*>);
    static_assert(strandline::encodable<only_published>);
    static_assert(!strandline::decodable<only_published>);

    static_assert(!strandline::encodable<undescribed>);
    static_assert(!strandline::decodable<undescribed>);
    static_assert(!strandline::encodable<with_undescribed>);
    static_assert(!strandline::encodable<std::optional<undescribed>>);
    static_assert(!strandline::encodable<with_characters>);
    static_assert(strandline::encodable<with_view>);
    static_assert(!strandline::decodable<with_view>);
    static_assert(strandline::encodable<with_const>);
    static_assert(!strandline::decodable<with_const>);

    using strandline::detail::json_obstacle;
    using strandline::detail::json_way;
    static_assert(std::is_same_v<json_obstacle<with_undescribed, json_way::encode>, undescribed>);
    static_assert(std::is_same_v<json_obstacle<with_view, json_way::decode>, std::string_view>);
}

BOOST_AUTO_TEST_SUITE_END()
