#include "core/sales.hpp"
#include "format/fields.hpp"

#include <strandline/consumer.hpp>
#include <strandline/msgpack.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <tuple>
#include <variant>

using namespace strandline;
using namespace strandline::testing;
using namespace std::string_literals;
using boost::test_tools::per_element;

namespace {

/// The events of BeeORM's documentation, with the names that Go's fields have there; `float32` is its type.
struct event_v1
{
    std::string Color;
    float Price = 0;
};
BOOST_DESCRIBE_STRUCT(event_v1, (), (Color, Price))

struct event_v2
{
    std::string Color;
    float Price = 0;
    int Discount = 0;
};
BOOST_DESCRIBE_STRUCT(event_v2, (), (Color, Price, Discount))

struct picture
{
    std::string name;
    std::vector<std::byte> data;
    std::optional<std::vector<std::byte>> thumb;
};
BOOST_DESCRIBE_STRUCT(picture, (), (name, data, thumb))

struct numbers
{
    std::uint8_t small = 0;
    std::int64_t large = 0;
    std::uint64_t huge = 0;
    double real = 0;
};
BOOST_DESCRIBE_STRUCT(numbers, (), (small, large, huge, real))

struct tree
{
    std::vector<tree> inner;
};
BOOST_DESCRIBE_STRUCT(tree, (), (inner))

struct with_document
{
    boost::json::value any;
};
BOOST_DESCRIBE_STRUCT(with_document, (), (any))

struct undescribed
{};

struct with_undescribed
{
    std::vector<std::byte> data;
    undescribed what;
};
BOOST_DESCRIBE_STRUCT(with_undescribed, (), (data, what))

static_assert(codable<msgpack<picture>>);
static_assert(!codable<picture>);
static_assert(!encodable<msgpack<undescribed>>);
static_assert(!encodable<msgpack<with_undescribed>>);
static_assert(!decodable<msgpack<std::string_view>>);
static_assert(!encodable<msgpack<std::variant<int, picture>>>);

// A handler takes the value or what is around it.
static_assert(detail::handles<asio::awaitable<void> (*)(picture const&), msgpack<picture>>);
static_assert(detail::handles<asio::awaitable<void> (*)(picture const&, delivery const&), msgpack<picture>>);
static_assert(detail::handles<asio::awaitable<void> (*)(msgpack<picture> const&), msgpack<picture>>);

template <class T>
std::string packed(T const& value)
{
    std::string out = "something";
    auto const why = encode(msgpack(value), out);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return out;
}

template <class T>
T unpacked(std::string_view body)
{
    msgpack<T> out;
    auto const why = decode(body, out);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return out.value;
}

template <class T>
std::string refused(std::string_view body)
{
    msgpack<T> out;
    auto const why = decode(body, out);
    BOOST_TEST((why == errc::not_decodable));
    return std::string(why.words());
}

template <class T>
void check_both_ways(T const& value, std::string const& bytes)
{
    BOOST_TEST(packed(value) == bytes);
    BOOST_TEST((unpacked<T>(bytes) == value));
}

sales::order some_order()
{
    sales::order one;
    one.id = "42";
    one.total = 9.5;
    one.state = sales::state::paid;
    one.lines = {{"a", 0.1, "x"}, {"b", 2, std::nullopt}};
    one.stock = {{"a", -1}, {"b", 70'000}};
    one.payment = sales::card{"J", 1234};
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(message_pack)

// BeeORM 1 and 2 (latolukasz/beeorm, event_broker.go) put what shamaton/msgpack 1.2.1 makes of a value into
// the field `s`: structs as maps with the names of Go's fields, float32 with its tag CA, strings and integers
// in their shortest form. Meta stands in other fields, before it (2) or behind it (1).
BOOST_AUTO_TEST_CASE(of_beeorm_is_read)
{
    auto const first = read(
        *body_in("s"), {{"s", "\x82\xA5"
                              "Color\xA3red\xA5Price\xCA\x41\x43\xAE\x14"},
                        {"version", "1"}}
    );
    auto const red = unpacked<event_v1>(*first.body);
    BOOST_TEST(red.Color == "red");
    BOOST_TEST(red.Price == 12.23F);
    BOOST_TEST(first.headers == (headers{{"version", "1"}}), per_element());

    auto const second = read(
        *body_in("s"), {{"version", "2"},
                        {"s", "\x83\xA5"
                              "Color\xA4"
                              "blue\xA5Price\xCA\x42\xF1\x00\x00\xA8"
                              "Discount\xCC\xC8"s}}
    );
    auto const blue = unpacked<event_v2>(*second.body);
    BOOST_TEST(blue.Color == "blue");
    BOOST_TEST(blue.Price == 120.5F);
    BOOST_TEST(blue.Discount == 200);

    // eventBroker.Publish("stream-a", "hello")
    BOOST_TEST(unpacked<std::string>("\xA5hello") == "hello");
}

// Its reader refuses eight bytes for a float32 and skips names that it does not know.
BOOST_AUTO_TEST_CASE(is_written_as_the_reader_of_beeorm_expects_it)
{
    event what{packed(event_v1{"red", 12.23F}), {{"version", "1"}}};
    BOOST_TEST(
        write(*body_in("s"), what) == (fields{
                                          {"s", "\x82\xA5"
                                                "Color\xA3red\xA5Price\xCA\x41\x43\xAE\x14"},
                                          {"version", "1"}
                                      }),
        per_element()
    );
    BOOST_TEST(packed("hello"s) == "\xA5hello");
}

// By the specification of MessagePack.
BOOST_AUTO_TEST_CASE(has_the_bytes_of_the_specification)
{
    check_both_ways(true, "\xC3");
    check_both_ways(std::optional<int>(), "\xC0");
    check_both_ways(127, "\x7F");
    check_both_ways(128, "\xCC\x80");
    check_both_ways(256, "\xCD\x01\x00"s);
    check_both_ways(65'536, "\xCE\x00\x01\x00\x00"s);
    check_both_ways(std::uint64_t(1) << 32, "\xCF\x00\x00\x00\x01\x00\x00\x00\x00"s);
    check_both_ways(std::numeric_limits<std::uint64_t>::max(), "\xCF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    check_both_ways(-1, "\xFF");
    check_both_ways(-33, "\xD0\xDF");
    check_both_ways(-129, "\xD1\xFF\x7F");
    check_both_ways(-32'769, "\xD2\xFF\xFF\x7F\xFF");
    check_both_ways(std::numeric_limits<std::int64_t>::min(), "\xD3\x80\x00\x00\x00\x00\x00\x00\x00"s);
    check_both_ways(9.5, "\xCA\x41\x18\x00\x00"s);
    check_both_ways(0.1, "\xCB\x3F\xB9\x99\x99\x99\x99\x99\x9A");
    check_both_ways(""s, "\xA0");
    check_both_ways(std::string(32, 'x'), "\xD9\x20" + std::string(32, 'x'));
    check_both_ways(std::string(300, 'x'), "\xDA\x01\x2C" + std::string(300, 'x'));
    check_both_ways(std::vector<std::byte>{std::byte(0), std::byte(255)}, "\xC4\x02\x00\xFF"s);
    check_both_ways(std::vector<std::byte>{}, "\xC4\x00"s);
    check_both_ways(std::vector<int>{1, 2}, "\x92\x01\x02");
    check_both_ways(std::vector<bool>{true, false}, "\x92\xC3\xC2");
    check_both_ways(std::array<int, 2>{1, 2}, "\x92\x01\x02");
    check_both_ways(std::tuple<int, std::string>{1, "a"}, "\x92\x01\xA1\x61");
    check_both_ways(std::vector<int>(16, 0), "\xDC\x00\x10"s + std::string(16, '\0'));
    check_both_ways(std::map<std::string, int>{{"a", 1}}, "\x81\xA1\x61\x01");
    check_both_ways(sales::state::paid, "\xA4paid");
    check_both_ways(std::variant<int, std::string>("a"), "\xA1\x61");
}

// Integers may be longer than they need be, and arrays, maps and text too; the writers of other languages do
// that.
BOOST_AUTO_TEST_CASE(is_read_in_any_width)
{
    for (auto const& one :
         {"\x07"s, "\xCC\x07"s, "\xCD\x00\x07"s, "\xCE\x00\x00\x00\x07"s,
          "\xCF\x00\x00\x00\x00\x00\x00\x00\x07"s, "\xD0\x07"s, "\xD1\x00\x07"s, "\xD2\x00\x00\x00\x07"s,
          "\xD3\x00\x00\x00\x00\x00\x00\x00\x07"s})
    {
        BOOST_TEST(unpacked<std::uint8_t>(one) == 7);
        BOOST_TEST(unpacked<double>(one) == 7.0);
    }
    for (auto const& one : {"\xD9\x01x"s, "\xDA\x00\x01x"s, "\xDB\x00\x00\x00\x01x"s})
        BOOST_TEST(unpacked<std::string>(one) == "x");
    for (auto const& one : {"\xDC\x00\x01\x05"s, "\xDD\x00\x00\x00\x01\x05"s})
        BOOST_TEST(unpacked<std::vector<int>>(one) == std::vector<int>{5}, per_element());
    for (auto const& one : {"\xDE\x00\x01\xA1x\x05"s, "\xDF\x00\x00\x00\x01\xA1x\x05"s})
        BOOST_TEST((unpacked<std::map<std::string, int>>(one).at("x")) == 5);
    for (auto const& one : {"\xC5\x00\x01\x05"s, "\xC6\x00\x00\x00\x01\x05"s})
        BOOST_TEST(unpacked<std::vector<std::byte>>(one).size() == 1);
}

BOOST_AUTO_TEST_CASE(of_a_whole_order_comes_back)
{
    auto const order = some_order();
    BOOST_TEST((unpacked<sales::order>(packed(order)) == order));
    BOOST_TEST((unpacked<sales::order>(packed(sales::order())) == sales::order()));
}

BOOST_AUTO_TEST_CASE(carries_bytes_in_members)
{
    picture const one{"p", {std::byte(0x80), std::byte(0)}, std::vector<std::byte>{std::byte(1)}};
    auto const bytes = packed(one);
    BOOST_TEST(
        bytes == "\x83\xA4name\xA1p\xA4"
                 "data\xC4\x02\x80\x00\xA5thumb\xC4\x01\x01"s
    );
    auto const back = unpacked<picture>(bytes);
    BOOST_TEST((back.data == one.data));
    BOOST_TEST((back.thumb == one.thumb));
    // An old thumb is not taken for a new one.
    BOOST_TEST(!unpacked<picture>("\x82\xA4name\xA1p\xA4"
                                  "data\xC4\x00"s)
                    .thumb);
}

BOOST_AUTO_TEST_CASE(carries_any_json)
{
    with_document const one{boost::json::value{{"a", {1, -1, nullptr, true, "x", 0.5, 1e300}}}};
    BOOST_TEST((unpacked<with_document>(packed(one)).any == one.any));
    auto const large = boost::json::value(std::numeric_limits<std::uint64_t>::max());
    BOOST_TEST((unpacked<boost::json::value>(packed(large)) == large));
}

BOOST_AUTO_TEST_CASE(of_a_large_map_is_written_in_the_time_of_its_size)
{
    std::map<std::string, int> large;
    for (int i = 0; i != 70'000; ++i)
        large[std::to_string(i)] = i;
    BOOST_TEST((unpacked<std::map<std::string, int>>(packed(large)) == large));
}

BOOST_AUTO_TEST_CASE(that_does_not_fit_is_refused_with_the_name_of_its_member)
{
    auto const of = [](std::string const& small, std::string const& real) {
        return "\x84\xA5small" + small + "\xA5large\x00\xA4huge\x00\xA4real"s + real;
    };
    BOOST_TEST(unpacked<numbers>(of("\x01", "\x02")).real == 2);
    BOOST_TEST(
        refused<numbers>(of("\xCD\x01\x00"s, "\x02")) == "small: expected an integer from 0 to 255, found 256"
    );
    BOOST_TEST(refused<numbers>(of("\xFF", "\x02")) == "small: expected an integer from 0 to 255, found -1");
    BOOST_TEST(
        refused<numbers>(of("\xCA\x3F\x80\x00\x00"s, "\x02")) == "small: expected an integer, found 1.0"
    );
    BOOST_TEST(refused<numbers>(of("\x01", "\xC3")) == "real: expected a number, found true");
    BOOST_TEST(refused<numbers>(of("\x01", "\xC4\x01x")) == "real: expected a number, found bytes");
    BOOST_TEST(refused<numbers>(of("\x01", "\xCA\x7F\x80\x00\x00"s)) == "real: the number is too large");
    BOOST_TEST(
        refused<boost::json::value>("\xCA\x7F\xC0\x00\x00"s) == "there is a number that is not finite"
    );
    BOOST_TEST(
        refused<picture>("\x82\xA4name\xC4\x01x\xA4"
                         "data\xC4\x00"s) == "name: expected a string, found bytes"
    );
    BOOST_TEST(
        refused<picture>("\x82\xA4name\xA1x\xA4"
                         "data\xA1x") == "data: expected bytes, found a string"
    );
    BOOST_TEST(refused<picture>("\x81\xA4name\xA1x") == "member \"data\" is missing");
    BOOST_TEST(refused<picture>("\x82\xA4name\xA1x\xA4name\xA1y") == "member \"name\" appears twice");
    // A slice or a map of Go that was never made is nil.
    BOOST_TEST(refused<std::vector<int>>("\xC0") == "expected an array, found null");
    BOOST_TEST(!unpacked<std::optional<std::vector<int>>>("\xC0"));
    BOOST_TEST(
        refused<with_document>("\x81\xA3"
                               "any\x91\xC4\x01x"
        ) == "any: has bytes inside, which can be kept in a member of their own only"
    );
    BOOST_TEST(
        refused<with_document>("\x81\xA3"
                               "any\xC4\x01x") == "any: expected another value, found bytes"
    );
}

BOOST_AUTO_TEST_CASE(that_the_type_does_not_know_is_skipped_with_all_that_is_in_it)
{
    auto const one = unpacked<picture>("\x83\xA4"
                                       "else\x81\xA1x\x92\xC4\x01x\xC0\xA4name\xA1p\xA4"
                                       "data\xC4\x00"s);
    BOOST_TEST(one.name == "p");
}

BOOST_AUTO_TEST_CASE(that_is_broken_is_refused)
{
    BOOST_TEST(refused<int>("") == "the body is empty");
    BOOST_TEST(refused<int>("\x01\x02") == "there is something after the MessagePack value at byte offset 1");
    BOOST_TEST(refused<int>("\xCD\x01") == "the MessagePack ends too early at byte offset 2");
    BOOST_TEST(refused<int>("\xC1") == "there is an invalid byte at byte offset 0");
    BOOST_TEST(refused<picture>("\x81\x01\x02") == "there is a key that is not text at byte offset 1");
    BOOST_TEST(refused<std::string>("\xA1\xFF") == "there is text that is not UTF-8: \"\\xFF\"");
    BOOST_TEST(refused<int>("\xD4\x01x") == "there is a value of an extension type");
    // It says that it is long.
    BOOST_TEST(
        refused<std::vector<int>>("\xDD\xFF\xFF\xFF\xFF") == "the MessagePack ends too early at byte offset 5"
    );
    BOOST_TEST(
        refused<std::string>("\xDB\xFF\xFF\xFF\xFFx") == "the MessagePack ends too early at byte offset 6"
    );
    BOOST_TEST(
        refused<std::vector<std::byte>>("\xC6\xFF\xFF\xFF\xFFx") ==
        "the MessagePack ends too early at byte offset 6"
    );
}

BOOST_AUTO_TEST_CASE(may_be_nested_32_deep)
{
    auto const nested = [](int levels) {
        tree root;
        for (int i = 1; i != levels; ++i)
            root = tree{{std::move(root)}};
        return root;
    };
    // Each is a map and an array.
    BOOST_TEST(packed(nested(16)).size() > 32);
    std::string out;
    auto const why = encode(msgpack(nested(17)), out);
    BOOST_TEST((why == errc::not_encodable));
    BOOST_TEST(why.words() == "nested deeper than 32 levels");
    (void)unpacked<tree>(packed(nested(16)));
    BOOST_TEST(refused<tree>("\x81\xA5inner\x91" + packed(nested(16))) == "nested deeper than 32 levels");
    // Also where nobody asked for it, and far beyond what a stack bears.
    BOOST_TEST(
        refused<picture>("\x81\xA1x" + std::string(10'000'000, '\x91')) == "nested deeper than 32 levels"
    );
    BOOST_TEST(refused<boost::json::value>(std::string(1'000, '\x91')) == "nested deeper than 32 levels");
}

BOOST_AUTO_TEST_CASE(is_not_written_where_it_would_not_come_back)
{
    auto const refuses = [](auto const& value) {
        std::string out;
        auto const why = encode(msgpack(value), out);
        BOOST_TEST((why == errc::not_encodable));
        return std::string(why.words());
    };
    BOOST_TEST(refuses(numbers{.real = NAN}) == "real is not a finite number");
    BOOST_TEST(refuses(picture{.name = "\xFF"}) == "name is not UTF-8");
    BOOST_TEST(refuses(static_cast<sales::state>(7)) == "has the value 7 without a name");
}

BOOST_AUTO_TEST_CASE(cut_at_any_byte_is_refused)
{
    auto const whole = packed(some_order());
    for (std::size_t size = 0; size != whole.size(); ++size) {
        msgpack<sales::order> out;
        // Its own memory, so that a step too far is seen.
        std::vector<char> const cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        BOOST_TEST((decode({cut.data(), cut.size()}, out) == errc::not_decodable), size);
    }
}

BOOST_AUTO_TEST_CASE(with_any_bit_or_byte_changed_is_read_or_refused)
{
    auto const whole = packed(some_order());
    std::size_t refusals = 0;
    auto const look_at = [&](std::string const& changed) {
        std::vector<char> const copy(changed.begin(), changed.end());
        msgpack<sales::order> out;
        msgpack<boost::json::value> any;
        if (auto const why = decode({copy.data(), copy.size()}, out)) {
            ++refusals;
            BOOST_TEST((why == errc::not_decodable));
        }
        else
            // What was read can be written, and is the same.
            BOOST_TEST((unpacked<sales::order>(packed(out.value)) == out.value));
        if (auto const why = decode({copy.data(), copy.size()}, any))
            BOOST_TEST((why == errc::not_decodable));
    };
    for (std::size_t i = 0; i != whole.size(); ++i)
        for (int value = 0; value != 256; ++value) {
            auto changed = whole;
            changed[i] = static_cast<char>(value);
            look_at(changed);
        }
    BOOST_TEST(refusals > whole.size());

    std::mt19937 noise(7);
    for (int i = 0; i != 20'000; ++i) {
        std::string garbage(noise() % 40, '\0');
        for (auto& one : garbage)
            one = static_cast<char>(noise());
        look_at(garbage);
    }
}

BOOST_AUTO_TEST_SUITE_END()
