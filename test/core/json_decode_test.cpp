#include "core/sales.hpp"

#include <strandline/json.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using strandline::decode_json;
using strandline::encode_json;
using strandline::errc;

namespace {

template <class T>
T read(std::string_view body)
{
    T out{};
    auto const why = decode_json(body, out);
    BOOST_REQUIRE_MESSAGE(!why, why << ": " << body);
    return out;
}

template <class T>
std::string refusal(std::string_view body)
{
    BOOST_TEST_INFO(body);
    T out{};
    auto const why = decode_json(body, out);
    BOOST_TEST((why == errc::not_decodable));
    BOOST_TEST(why.words().find("boost") == std::string_view::npos);
    BOOST_TEST(why.words().find("pp:") == std::string_view::npos);
    return std::string(why.words());
}

using lines = std::vector<sales::line>;

/// A request to a web server, as found in its log.
struct request
{
    std::string client;
    std::string time;
    std::string method;
    std::string path;
    std::uint16_t status = 0;
    std::uint64_t bytes = 0;
    std::optional<std::string> agent;
};
BOOST_DESCRIBE_STRUCT(request, (), (client, time, method, path, status, bytes, agent))

struct choosy
{
    int number = 0;

    friend choosy tag_invoke(boost::json::value_to_tag<choosy>, boost::json::value const& value)
    {
        return {value.as_object().at("n").to_number<int>()};
    }
};

struct defaults
{
    std::optional<int> limit = 10;
    int must = 0;
};
BOOST_DESCRIBE_STRUCT(defaults, (), (limit, must))

} // namespace

BOOST_AUTO_TEST_SUITE(json_decoding)

BOOST_AUTO_TEST_CASE(reads_what_others_write)
{
    auto const entry = read<request>(
        R"text( {"client":"83.149.9.216", "time":"17/May/2015:10:05:03 +0000", "method":"GET",
            "path":"\/images\/kibana-search.png?q=\u00e4\ud83d\ude00", "protocol":"HTTP\/1.1", "status":200,
            "bytes":203023, "referrer":null, "agent":"Mozilla/5.0 (Macintosh; \"Intel\" Mac OS X 10_9_1)"} )text"
    );
    BOOST_TEST(entry.client == "83.149.9.216");
    BOOST_TEST(entry.path == "/images/kibana-search.png?q=ä😀");
    BOOST_TEST(entry.status == 200);
    BOOST_TEST(entry.bytes == 203023U);
    BOOST_TEST(entry.agent.value() == "Mozilla/5.0 (Macintosh; \"Intel\" Mac OS X 10_9_1)");
}

BOOST_AUTO_TEST_CASE(reads_members_in_any_order)
{
    auto const line = read<sales::line>(R"({"note":"n","price":1,"sku":"s"})");
    BOOST_TEST((line == sales::line{"s", 1, "n"}));
}

BOOST_AUTO_TEST_CASE(ignores_members_that_nobody_asked_for)
{
    auto const line = read<sales::line>(
        R"({"a":{"sku":[{"price":[]}]},"sku":"s","b":[[],{}],"c":null,"price":2.5,"d":1,"d":-1.5,"e":"\n","f":true})"
    );
    BOOST_TEST((line == sales::line{"s", 2.5, {}}));
}

BOOST_AUTO_TEST_CASE(lets_only_optional_members_be_missing)
{
    BOOST_TEST(!read<sales::line>(R"({"sku":"s","price":1})").note.has_value());
    BOOST_TEST(!read<sales::line>(R"({"sku":"s","price":1,"note":null})").note.has_value());
    BOOST_TEST(refusal<sales::line>(R"({"sku":"s"})") == "member \"price\" is missing");
    BOOST_TEST(refusal<sales::line>("{}") == "member \"sku\" is missing");
    BOOST_TEST(
        refusal<sales::order>(
            R"({"id":"","total":0,"state":"open","lines":[],"stock":{},"payment":{"holder":"Ann"}})"
        ) ==
        "payment: expected null or an integer or a string or an object, found an object that is none of them"
    );
}

BOOST_AUTO_TEST_CASE(leaves_the_default_of_a_missing_optional_member)
{
    BOOST_TEST(read<defaults>(R"({"must":1})").limit.value() == 10);
    BOOST_TEST(!read<defaults>(R"({"must":1,"limit":null})").limit.has_value());
}

BOOST_AUTO_TEST_CASE(finds_missing_members_in_every_element)
{
    BOOST_TEST(
        refusal<lines>(R"([{"sku":"a","price":1},{"sku":"b"}])") == "[1]: member \"price\" is missing"
    );
    BOOST_TEST(
        (refusal<std::map<std::string, sales::line>>(R"({"x":{"sku":"a","price":1},"y":{}})")) ==
        "y: member \"sku\" is missing"
    );
    BOOST_TEST(
        (refusal<std::array<sales::line, 2>>(R"([{"sku":"a","price":1},{"price":1}])")) ==
        "[1]: member \"sku\" is missing"
    );
}

BOOST_AUTO_TEST_CASE(lets_no_element_inherit_from_the_one_before)
{
    auto const all = read<std::vector<std::optional<sales::line>>>(
        R"([{"sku":"a","price":1,"note":"n"},null,{"sku":"b","price":2}])"
    );
    BOOST_REQUIRE(all.size() == 3U);
    BOOST_TEST((all[0] == sales::line{"a", 1, "n"}));
    BOOST_TEST(!all[1].has_value());
    BOOST_TEST((all[2] == sales::line{"b", 2, {}}));
}

BOOST_AUTO_TEST_CASE(refuses_members_that_appear_twice)
{
    BOOST_TEST(refusal<sales::line>(R"({"sku":"a","sku":"b","price":1})") == "member \"sku\" appears twice");
    BOOST_TEST(
        (refusal<std::map<std::string, int>>(R"({"a":1,"b":2,"a":3})")) == "member \"a\" appears twice"
    );
    BOOST_TEST(
        refusal<lines>(R"([{"sku":"a","note":"","note":""}])") == "[0]: member \"note\" appears twice"
    );
}

BOOST_AUTO_TEST_CASE(names_the_member_and_what_was_found)
{
    BOOST_TEST(
        refusal<lines>(R"([{"sku":"a","price":1},{"sku":"b","price":2},{"sku":"c","price":"3"}])") ==
        "[2].price: expected a number, found a string"
    );
    auto const order = [](std::string_view lines) {
        return R"({"id":"1","total":1,"state":"open","lines":)" + std::string(lines) +
               R"(,"stock":{},"payment":null})";
    };
    BOOST_TEST(refusal<sales::order>(order("null")) == "lines: expected an array, found null");
    BOOST_TEST(refusal<sales::order>(order("{}")) == "lines: expected an array, found an object");
    BOOST_TEST(refusal<sales::order>(order("[[]]")) == "lines[0]: expected an object, found an array");
    BOOST_TEST(
        refusal<sales::order>(order(R"([{"sku":7,"price":1}])")) == "lines[0].sku: expected a string, found 7"
    );
    BOOST_TEST(
        refusal<sales::order>(order(R"([{"sku":"","price":1,"note":true}])")) ==
        "lines[0].note: expected a string or null, found true"
    );
    BOOST_TEST(
        (refusal<std::map<std::string, bool>>(R"({"ok":true,"a b\n":1})")) ==
        "[\"a b\\x0A\"]: expected true or false, found 1"
    );
    BOOST_TEST(refusal<sales::line>("[]") == "expected an object, found an array");
    BOOST_TEST(refusal<sales::line>("null") == "expected an object, found null");
    BOOST_TEST(refusal<bool>("0") == "expected true or false, found 0");
    BOOST_TEST(refusal<std::string>("1.5") == "expected a string, found 1.5");
    BOOST_TEST(refusal<std::monostate>("false") == "expected null, found false");
}

BOOST_AUTO_TEST_CASE(refuses_numbers_that_do_not_fit)
{
    BOOST_TEST(read<std::uint8_t>("255") == 255);
    BOOST_TEST(refusal<std::uint8_t>("256") == "expected an integer from 0 to 255, found 256");
    BOOST_TEST(refusal<std::uint8_t>("-1") == "expected an integer from 0 to 255, found -1");
    BOOST_TEST(read<std::int8_t>("-128") == -128);
    BOOST_TEST(refusal<std::int8_t>("-129") == "expected an integer from -128 to 127, found -129");
    BOOST_TEST(
        refusal<std::int64_t>("9223372036854775808") ==
        "expected an integer from -9223372036854775808 to 9223372036854775807, found 9223372036854775808"
    );
    BOOST_TEST(
        refusal<std::int64_t>("-9223372036854775809") ==
        "expected an integer from -9223372036854775808 to 9223372036854775807, found -9.223372036854776e+18"
    );
    BOOST_TEST(
        refusal<std::uint64_t>("18446744073709551616") ==
        "expected an integer from 0 to 18446744073709551615, found 1.8446744073709552e+19"
    );
    BOOST_TEST(refusal<int>("1e400") == "expected an integer, found a number that is too large");
    BOOST_TEST(refusal<int>("1.5") == "expected an integer, found 1.5");
    BOOST_TEST(refusal<int>("1.0") == "expected an integer, found 1.0");
    BOOST_TEST(refusal<int>("\"1\"") == "expected an integer, found a string");
    BOOST_TEST(read<double>("1e308") == 1e308);
    BOOST_TEST(refusal<double>("1e400") == "the number is too large");
    BOOST_TEST(refusal<double>("-1e400") == "the number is too large");
    BOOST_TEST(refusal<float>("1e39") == "the number is too large");
    BOOST_TEST(read<double>("1e-400") == 0);
    BOOST_TEST(read<double>("18446744073709551615") == 18446744073709551615.0);
}

BOOST_AUTO_TEST_CASE(refuses_names_that_are_not_of_the_enumeration)
{
    BOOST_TEST((read<sales::state>("\"shipped\"") == sales::state::shipped));
    BOOST_TEST((read<std::vector<sales::state>>(R"(["\u006fpen","paid","\u006fpen"])")).size() == 3U);
    BOOST_TEST(
        refusal<sales::state>("\"lost\"") == R"(expected one of "open", "paid", "shipped", found "lost")"
    );
    BOOST_TEST(refusal<sales::state>("0") == R"(expected one of "open", "paid", "shipped", found 0)");
}

BOOST_AUTO_TEST_CASE(counts_the_elements_of_arrays_and_tuples)
{
    using three = std::array<int, 3>;
    BOOST_TEST((read<three>("[1,2,3]") == three{1, 2, 3}));
    BOOST_TEST(refusal<three>("[1,2]") == "expected an array of 3 elements, found 2");
    BOOST_TEST(refusal<three>("[1,2,3,4]") == "expected an array of 3 elements, found 4");
    BOOST_TEST(refusal<three>("[1,true,3]") == "[1]: expected an integer, found true");
    using pair = std::tuple<int, std::vector<int>>;
    BOOST_TEST((read<pair>("[1,[2]]") == pair{1, {2}}));
    BOOST_TEST(refusal<pair>("[1]") == "expected an array of 2 elements, found 1");
    BOOST_TEST(refusal<pair>("[1,[2],[3,{\"a\":4}]]") == "expected an array of 2 elements, found 3");
}

BOOST_AUTO_TEST_CASE(takes_the_first_alternative_that_fits)
{
    using any = std::variant<
        int, double, std::string, std::vector<std::string>, sales::card, lines, std::optional<bool>>;
    BOOST_TEST(read<any>("5").index() == 0U);
    BOOST_TEST(read<any>("5.0").index() == 1U);
    BOOST_TEST(read<any>("5000000000").index() == 1U);
    BOOST_TEST(read<any>("\"5\"").index() == 2U);
    BOOST_TEST(read<any>("{\"last_digits\":5,\"holder\":\"\"}").index() == 4U);
    BOOST_TEST(read<any>("[{\"sku\":\"\",\"price\":5}]").index() == 5U);
    BOOST_TEST(read<any>("null").index() == 6U);
    BOOST_TEST(read<any>("true").index() == 6U);
}

BOOST_AUTO_TEST_CASE(says_when_no_alternative_fits)
{
    using any = std::variant<int, sales::card>;
    BOOST_TEST(refusal<any>("true") == "expected an integer or an object, found true");
    BOOST_TEST(
        refusal<any>("{\"holder\":\"\"}") ==
        "expected an integer or an object, found an object that is none of them"
    );
    BOOST_TEST(
        refusal<std::vector<any>>("[1,[]]") ==
        "[1]: expected an integer or an object, found an array that is none of them"
    );
}

BOOST_AUTO_TEST_CASE(says_when_a_conversion_of_the_types_own_fails)
{
    BOOST_TEST(read<choosy>(R"({"n":1,"m":[{}]})").number == 1);
    BOOST_TEST(read<std::vector<choosy>>(R"([{"n":1},{"n":2}])").size() == 2U);
    BOOST_TEST(refusal<std::vector<choosy>>(R"([{"n":1},{"m":2}])").starts_with("[1]: does not convert: "));
    BOOST_TEST(refusal<choosy>("1").starts_with("does not convert: "));
    BOOST_TEST(read<std::set<int>>("[3,1]").size() == 2U);
    BOOST_TEST(refusal<std::set<int>>("[3,\"\"]").starts_with("does not convert: "));
}

BOOST_AUTO_TEST_CASE(tells_where_the_text_is_not_json)
{
    BOOST_TEST(refusal<lines>("") == "the body is empty");
    BOOST_TEST(refusal<lines>(" ") == "the JSON text ends too early at byte offset 1");
    BOOST_TEST(refusal<lines>("[") == "the JSON text ends too early at byte offset 1");
    BOOST_TEST(refusal<lines>(R"([{"sku":"a)") == "the JSON text ends too early at byte offset 10");
    BOOST_TEST(refusal<lines>(R"([{"sku" "a"}])") == "syntax error at byte offset 8");
    BOOST_TEST(refusal<lines>("[] []") == "there is something after the JSON value at byte offset 3");
    BOOST_TEST(refusal<lines>("[],") == "there is something after the JSON value at byte offset 2");
    BOOST_TEST(refusal<lines>("[{}}") == "[0]: member \"sku\" is missing");
    BOOST_TEST(refusal<double>("NaN") == "syntax error at byte offset 0");
    BOOST_TEST(refusal<double>("01") == "there is something after the JSON value at byte offset 1");
    BOOST_TEST(refusal<int>("nul") == "the JSON text ends too early at byte offset 3");
    BOOST_TEST(refusal<std::string>("'a'") == "syntax error at byte offset 0");
    BOOST_TEST(refusal<std::string>("\"\xFF\"") == "syntax error at byte offset 1");
    BOOST_TEST(refusal<std::string>("\"\n\"") == "syntax error at byte offset 1");
    BOOST_TEST(refusal<std::string>(R"("\udc00")") == "illegal leading surrogate at byte offset 7");
    BOOST_TEST(refusal<std::string>(R"("\u00zz")").starts_with("expected hex digit at byte offset "));
    BOOST_TEST(refusal<int>("/* no */ 1") == "syntax error at byte offset 0");
    BOOST_TEST(refusal<std::vector<int>>("[1,]") == "syntax error at byte offset 3");
    BOOST_TEST(
        refusal<int>("\xEF\xBB\xBF"
                     "1") == "syntax error at byte offset 0"
    );
}

BOOST_AUTO_TEST_CASE(goes_32_levels_deep)
{
    auto const nested = [](std::size_t depth) {
        return R"({"sku":"","price":1,"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
               '}';
    };
    BOOST_TEST(read<sales::line>(nested(32)).price == 1);
    BOOST_TEST(refusal<sales::line>(nested(33)) == "nested deeper than 32 levels at byte offset 55");
    BOOST_TEST(refusal<sales::line>(std::string(100'000, '[')) == "expected an object, found an array");
}

BOOST_AUTO_TEST_CASE(reads_long_texts_with_escapes)
{
    std::string const text = [] {
        std::string all;
        for (int i = 0; i != 5000; ++i)
            all += i % 100 == 0 ? "\n\"" : "ä";
        return all;
    }();
    std::map<std::string, sales::line> const value = {{text, {text, 1, text}}, {text + '2', {"s", 2, text}}};
    std::string body;
    BOOST_REQUIRE(!encode_json(value, body));
    BOOST_TEST((read<std::map<std::string, sales::line>>(body) == value));
}

BOOST_AUTO_TEST_CASE(survives_any_text)
{
    std::string const good =
        R"({"id":"42","total":9.5E0,"state":"paid","lines":[{"sku":"a","price":4.5E0,"note":"gift"},)"
        R"({"sku":"b\u00e4","price":5E0,"note":null}],"stock":{"a":3,"b":-1},)"
        R"("payment":{"holder":"Ann","last_digits":1234},"backup":null,"more":[{}]})";
    std::string_view const bytes = "{}[]\",:\\0-.eE1tfn \x01\xC3\xA4\xFF";
    std::mt19937_64 random(1);
    std::size_t read_well = 0;
    for (int i = 0; i != 20'000; ++i) {
        auto body = good;
        for (auto changes = 1 + random() % 3; changes != 0; --changes) {
            auto const at = random() % body.size();
            switch (random() % 4) {
            case 0:
                body[at] = bytes[random() % bytes.size()];
                break;
            case 1:
                body.insert(at, 1, bytes[random() % bytes.size()]);
                break;
            case 2:
                body.erase(at, 1 + random() % 20);
                break;
            default:
                body.insert(at, body.substr(random() % body.size(), random() % 40));
            }
        }
        sales::order order;
        if (auto const why = decode_json(body, order)) {
            if (why.words().empty() || why != errc::not_decodable)
                BOOST_ERROR(body << ": " << why);
            continue;
        }
        ++read_well;
        std::string again;
        sales::order back;
        if (encode_json(order, again) || decode_json(again, back) || !(back == order))
            BOOST_ERROR(body);
    }
    BOOST_TEST(read_well > 500U);
}

BOOST_AUTO_TEST_SUITE_END()
