#include "core/sales.hpp"

#include <strandline/json.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using strandline::decode_json;
using strandline::encode_json;
using strandline::errc;

namespace {

constexpr auto infinity = std::numeric_limits<double>::infinity();
constexpr auto not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A length of time with a conversion of its own.
struct seconds
{
    double count = 0;

    friend bool operator==(seconds const&, seconds const&) = default;

    friend void tag_invoke(boost::json::value_from_tag, boost::json::value& out, seconds const& value)
    {
        out = {{"unit", "s"}, {"count", value.count}};
    }

    friend seconds tag_invoke(boost::json::value_to_tag<seconds>, boost::json::value const& value)
    {
        return {value.at("count").to_number<double>()};
    }
};

struct folder
{
    std::string name;
    std::vector<folder> folders;

    friend bool operator==(folder const&, folder const&) = default;
};
BOOST_DESCRIBE_STRUCT(folder, (), (name, folders))

struct nothing
{
    friend bool operator==(nothing const&, nothing const&) = default;
};
BOOST_DESCRIBE_STRUCT(nothing, (), ())

struct base
{
    int inherited = 0;

    friend bool operator==(base const&, base const&) = default;
};
BOOST_DESCRIBE_STRUCT(base, (), (inherited))

struct rare : base
{
    std::array<int, 3> array{};
    std::tuple<int, std::string, bool> tuple;
    std::pair<std::string, float> pair;
    std::vector<bool> bits;
    std::set<int> set;
    std::map<int, std::string> numbered;
    std::vector<std::optional<sales::line>> gaps;
    std::variant<std::int64_t, double, bool, std::vector<int>, sales::card> any;
    boost::json::value document;
    boost::json::object object;
    std::filesystem::path path;
    seconds duration;
    nothing empty;
    std::monostate null;
    std::uint8_t small = 0;
    std::uint64_t large = 0;
    int plain[2] = {};

    friend bool operator==(rare const&, rare const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    rare, (base),
    (array, tuple, pair, bits, set, numbered, gaps, any, document, object, path, duration, empty, null, small,
     large, plain)
)

struct plain
{
    int number = 0;
    bool flag = false;
    std::vector<std::optional<std::uint64_t>> numbers;
};
BOOST_DESCRIBE_STRUCT(plain, (), (number, flag, numbers))

struct with_pointer
{
    char const* text = nullptr;
};
BOOST_DESCRIBE_STRUCT(with_pointer, (), (text))

sales::order some_order()
{
    return {
        .id = "42",
        .total = 9.5,
        .state = sales::state::paid,
        .lines = {{"a", 4.5, "gift"}, {"b", 5, {}}},
        .stock = {{"a", 3}, {"b", -1}},
        .payment = sales::card{"Ann", 1234},
        .backup = {},
    };
}

template <class T>
std::string text_of(T const& value)
{
    std::string out;
    auto const why = encode_json(value, out);
    BOOST_REQUIRE_MESSAGE(!why, why);
    return out;
}

template <class T>
void comes_back(T const& value)
{
    auto const text = text_of(value);
    BOOST_TEST_INFO(text);
    T back{};
    auto const why = decode_json(text, back);
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_TEST((back == value));
}

template <class T>
std::string refusal(T const& value)
{
    std::string out;
    auto const why = encode_json(value, out);
    BOOST_TEST((why == errc::not_encodable));
    return std::string(why.words());
}

/// Any string of UTF-8: of all lengths of characters, with control characters, quotes and backslashes.
std::string random_text(std::mt19937_64& random)
{
    static constexpr std::array<std::string_view, 14> characters = {
        "a",    "Z",    " ", "\"", "\\",           "/",  "\n", std::string_view("\0", 1),
        "\x1F", "\x7F", "ä", "€",  "\xEF\xBF\xBD", "😀",
    };
    std::string text;
    auto const size = random() % 4 == 0 ? random() % 6000 : random() % 12;
    for (std::size_t i = 0; i != size; ++i)
        text += characters[random() % characters.size()];
    return text;
}

/// Any finite double: all exponents, not only numbers of a usual size.
double random_number(std::mt19937_64& random)
{
    for (;;) {
        auto const number = std::bit_cast<double>(random());
        if (std::isfinite(number))
            return number;
    }
}

sales::card random_card(std::mt19937_64& random)
{
    return {random_text(random), static_cast<std::uint16_t>(random())};
}

sales::order random_order(std::mt19937_64& random)
{
    sales::order order;
    order.id = random_text(random);
    order.total = random_number(random);
    order.state = static_cast<sales::state>(random() % 3);
    for (auto i = random() % 4; i != 0; --i) {
        auto& line =
            order.lines.emplace_back(random_text(random), static_cast<double>(random() % 10'000) / 100);
        if (random() % 2)
            line.note = random_text(random);
    }
    for (auto i = random() % 4; i != 0; --i)
        order.stock[random_text(random)] = static_cast<std::int64_t>(random());
    switch (random() % 4) {
    case 0:
        break;
    case 1:
        order.payment = static_cast<std::int64_t>(random());
        break;
    case 2:
        order.payment = random_text(random);
        break;
    default:
        order.payment = random_card(random);
    }
    if (random() % 2)
        order.backup = random_card(random);
    return order;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_encoding)

BOOST_AUTO_TEST_CASE(writes_members_by_name)
{
    BOOST_TEST(
        text_of(some_order()) ==
        R"({"id":"42","total":9.5E0,"state":"paid","lines":[{"sku":"a","price":4.5E0,"note":"gift"},)"
        R"({"sku":"b","price":5E0,"note":null}],"stock":{"a":3,"b":-1},)"
        R"("payment":{"holder":"Ann","last_digits":1234},"backup":null})"
    );
}

BOOST_AUTO_TEST_CASE(writes_what_comes_back)
{
    BOOST_TEST(text_of(with_pointer{"a"}) == R"({"text":"a"})");
    comes_back(some_order());
    comes_back(sales::order());
    comes_back(std::vector<sales::order>{some_order(), {}, some_order()});
    comes_back(std::map<std::string, std::vector<std::optional<int>>>{{"", {1, {}, 3}}, {"a\"b", {}}});
    comes_back(std::string("text with \0 inside", 18));
    comes_back(true);
    comes_back(std::numeric_limits<std::int64_t>::min());
    comes_back(std::numeric_limits<std::uint64_t>::max());
    comes_back(std::numeric_limits<double>::denorm_min());
    comes_back(std::numeric_limits<double>::max());
    comes_back(std::numeric_limits<float>::lowest());
    comes_back(0.1 + 0.2);
    comes_back(sales::state::shipped);
    comes_back(std::optional<sales::state>());
    comes_back(std::optional<std::optional<std::vector<int>>>({{1, 2}}));
}

BOOST_AUTO_TEST_CASE(writes_rare_types_that_come_back)
{
    rare value;
    comes_back(value);

    value.inherited = -7;
    value.array = {1, 2, 3};
    value.tuple = {-1, "two", true};
    value.pair = {"pair", 0.1F};
    value.bits = {true, false, true};
    value.set = {3, 1, 2};
    value.numbered = {{1, "one"}, {-2, "two"}};
    value.gaps = {std::nullopt, sales::line{"a", 1, "note"}, sales::line{"b", 2, {}}};
    value.any = 5.0;
    value.document = {{"a", {1, 2.5, nullptr}}};
    value.object = {{"k", "v"}};
    value.path = "/tmp/ä";
    value.duration = {2.5};
    value.small = 255;
    value.large = std::numeric_limits<std::uint64_t>::max();
    value.plain[1] = 9;
    comes_back(value);

    value.any = sales::card{"Ann", 7};
    comes_back(value);
    value.any = std::vector<int>{1, 2};
    comes_back(value);
    value.any = true;
    comes_back(value);
}

BOOST_AUTO_TEST_CASE(writes_types_inside_of_themselves)
{
    comes_back(folder{"/", {{"a", {{"b", {}}}}, {"c", {}}}});

    folder deep;
    for (int i = 0; i != 20; ++i)
        deep = folder{"x", {deep}};
    BOOST_TEST(refusal(deep).ends_with("is nested deeper than 32 levels"));
}

BOOST_AUTO_TEST_CASE(writes_what_comes_back_whatever_it_is)
{
    std::mt19937_64 random(20240229);
    for (int i = 0; i != 2000; ++i)
        comes_back(random_order(random));
}

BOOST_AUTO_TEST_CASE(refuses_numbers_that_are_not_finite)
{
    auto order = some_order();
    order.total = not_a_number;
    BOOST_TEST(refusal(order) == "total is not a finite number");

    order = some_order();
    order.lines.push_back({"c", -infinity, {}});
    BOOST_TEST(refusal(order) == "lines[2].price is not a finite number");

    BOOST_TEST(refusal(infinity) == "is not a finite number");
    BOOST_TEST(
        refusal(std::vector<float>{0, std::numeric_limits<float>::infinity()}) == "[1] is not a finite number"
    );
    BOOST_TEST(refusal(std::optional(not_a_number)) == "is not a finite number");
    BOOST_TEST(refusal(std::tuple(1, infinity)) == "[1] is not a finite number");
    BOOST_TEST(
        refusal(std::map<std::string, double>{{"a", 1}, {"b c", infinity}}) ==
        "[\"b c\"] is not a finite number"
    );
}

BOOST_AUTO_TEST_CASE(refuses_text_that_is_not_utf8)
{
    auto order = some_order();
    order.lines[1].note = "\xE4";
    BOOST_TEST(refusal(order) == "lines[1].note is not UTF-8");

    order = some_order();
    order.payment = sales::card{"\xED\xA0\x80", 1};
    BOOST_TEST(refusal(order) == "payment.holder is not UTF-8");

    order = some_order();
    order.stock["\xC0\x80"] = 1;
    BOOST_TEST(refusal(order) == "stock has a key that is not UTF-8");

    rare value;
    value.path = "/\xFF";
    BOOST_TEST(refusal(value) == "path is not UTF-8");
    BOOST_TEST(refusal(std::string_view("\xF4\x90\x80\x80")) == "is not UTF-8");
    BOOST_TEST(refusal(with_pointer()) == "text is a null pointer");
}

BOOST_AUTO_TEST_CASE(refuses_enumerations_values_without_a_name)
{
    auto order = some_order();
    order.state = static_cast<sales::state>(7);
    BOOST_TEST(refusal(order) == "state has the value 7 without a name");
}

BOOST_AUTO_TEST_CASE(refuses_the_same_in_what_converts_itself)
{
    rare value;
    value.duration = {infinity};
    BOOST_TEST(refusal(value) == "duration.count is not a finite number");
    value = {};
    value.document = {1, {{"x", not_a_number}}};
    BOOST_TEST(refusal(value) == "document[1].x is not a finite number");
}

BOOST_AUTO_TEST_CASE(looks_at_nothing_where_nothing_can_be_wrong)
{
    using strandline::detail::json_needs_check;
    static_assert(!json_needs_check<plain>());
    static_assert(!json_needs_check<std::tuple<int, bool>>());
    static_assert(json_needs_check<sales::line>());
    static_assert(json_needs_check<std::vector<std::optional<float>>>());
    static_assert(json_needs_check<std::map<std::string, int>>());
    static_assert(json_needs_check<std::variant<int, bool>>());

    using strandline::detail::json_goes_directly;
    static_assert(json_goes_directly<sales::order>());
    static_assert(!json_goes_directly<rare>());
    static_assert(!json_goes_directly<folder>());
}

BOOST_AUTO_TEST_SUITE_END()
