#include "format/fields.hpp"

#include <algorithm>
#include <chrono>
#include <regex>
#include <set>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

// GOE (oeasenet/goe 2, core/event/serializer.go): what its Serialize makes of an event. The order of the
// fields is that of a Go map, which is any.
fields goe_entry()
{
    return {
        {"id", "0190b5a2-6a36-7c11-9d2f-3f0c9b9b1d11"},
        {"topic", "orders"},
        {"name", "order.created"},
        {"payload", R"({"id":"42","total":9.5})"},
        {"headers", R"({"key":"alice","tenant":"\u00e9"})"},
        {"timestamp", "2025-07-01T12:30:45.123456789+02:00"},
    };
}

std::string field(fields const& of, std::string_view name)
{
    auto const found = std::ranges::find(of, name, &header::name);
    BOOST_REQUIRE(found != of.end());
    return found->value;
}

} // namespace

BOOST_AUTO_TEST_SUITE(an_envelope)

BOOST_AUTO_TEST_CASE(of_goe_is_read)
{
    auto const what = read(*envelope(), goe_entry(), "event:stream:orders");
    BOOST_TEST(what.body.value() == R"({"id":"42","total":9.5})");
    BOOST_TEST(
        what.headers == (headers{
                            {"type", "order.created"},
                            {"id", "0190b5a2-6a36-7c11-9d2f-3f0c9b9b1d11"},
                            {"topic", "orders"},
                            {"timestamp", "2025-07-01T12:30:45.123456789+02:00"},
                            {"key", "alice"},
                            {"tenant", "\xC3\xA9"},
                        }),
        per_element()
    );
}

BOOST_AUTO_TEST_CASE(is_read_whatever_the_order_of_its_fields)
{
    auto shuffled = goe_entry();
    std::ranges::reverse(shuffled);
    auto const what = read(*envelope(), shuffled);
    BOOST_TEST(what.headers == read(*envelope(), goe_entry()).headers, per_element());
}

// Its Deserialize wants id, topic, name and timestamp (RFC 3339) and payload, all text, and parses headers as
// a map of strings.
BOOST_AUTO_TEST_CASE(is_written_as_the_reader_of_goe_expects_it)
{
    auto const stored = write(
        *envelope(), {R"({"id":"42"})", {{"type", "order.created"}, {"key", "a\"b"}, {"tenant", "x"}}},
        "event:stream:orders"
    );
    std::vector<std::string> names;
    for (auto const& one : stored)
        names.push_back(one.name);
    BOOST_TEST(
        names == (std::vector<std::string>{"id", "topic", "name", "payload", "headers", "timestamp"}),
        per_element()
    );
    static std::regex const uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    BOOST_TEST(std::regex_match(field(stored, "id"), uuid), field(stored, "id"));
    BOOST_TEST(field(stored, "topic") == "orders");
    BOOST_TEST(field(stored, "name") == "order.created");
    BOOST_TEST(field(stored, "payload") == R"({"id":"42"})");
    BOOST_TEST(field(stored, "headers") == R"({"key":"a\"b","tenant":"x"})");
    static std::regex const time(R"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d{0,8}[1-9])?Z)");
    BOOST_TEST(std::regex_match(field(stored, "timestamp"), time), field(stored, "timestamp"));
}

BOOST_AUTO_TEST_CASE(that_was_read_is_written_as_it_was)
{
    auto const stored = write(*envelope(), read(*envelope(), goe_entry()), "elsewhere");
    auto expected = goe_entry();
    expected[4].value = "{\"key\":\"alice\",\"tenant\":\"\xC3\xA9\"}";
    BOOST_TEST(stored == expected, per_element());
}

BOOST_AUTO_TEST_CASE(of_an_event_without_body_type_and_headers_is_whole)
{
    auto const stored = write(*envelope(), {std::nullopt, {}}, "jobs");
    BOOST_TEST(field(stored, "topic") == "jobs");
    BOOST_TEST(field(stored, "name") == "");
    BOOST_TEST(field(stored, "payload") == "null");
    BOOST_TEST(field(stored, "headers") == "{}");
    auto const what = read(*envelope(), stored);
    BOOST_TEST(what.body.value() == "null");
    BOOST_TEST(std::ranges::count(what.headers, "type", &header::name) == 0);
}

BOOST_AUTO_TEST_CASE(has_an_id_of_its_own)
{
    std::set<std::string> ids;
    for (int i = 0; i != 100; ++i)
        ids.insert(field(write(*envelope(), {"1", {}}), "id"));
    BOOST_TEST(ids.size() == 100);
}

BOOST_AUTO_TEST_CASE(keeps_the_first_of_a_repeated_name)
{
    auto const stored = write(
        *envelope(), {"1", {{"type", "a"}, {"type", "b"}, {"x", "1"}, {"x", "2"}, {"id", "7"}, {"id", "8"}}}
    );
    BOOST_TEST(field(stored, "name") == "a");
    BOOST_TEST(field(stored, "id") == "7");
    BOOST_TEST(field(stored, "headers") == R"({"x":"1"})");
}

// A Go map that was never made becomes null.
BOOST_AUTO_TEST_CASE(may_have_no_headers)
{
    auto const expected = headers{{"type", "n"}};
    BOOST_TEST(read(*envelope(), {{"name", "n"}, {"payload", "1"}}).headers == expected, per_element());
    BOOST_TEST(
        read(*envelope(), {{"name", "n"}, {"payload", "1"}, {"headers", "null"}}).headers == expected,
        per_element()
    );
}

BOOST_AUTO_TEST_CASE(that_is_a_dead_letter_is_read_with_the_headers_that_say_why)
{
    auto stored = goe_entry();
    stored.push_back({"dead-reason", "exhausted"});
    auto const what = read(*envelope(), stored);
    BOOST_TEST(what.headers.back() == (header{"dead-reason", "exhausted"}));
}

BOOST_AUTO_TEST_CASE(that_is_none_is_refused)
{
    auto const refuses = [](fields stored, std::string_view words) {
        auto const why = refusal_to_read(*envelope(), std::move(stored));
        BOOST_TEST((why == errc::not_decodable));
        BOOST_TEST(why.words() == words);
    };
    refuses({{"body", "{}"}, {"key", "a"}}, "the envelope has no field payload");
    refuses({{"payload", "1"}, {"headers", "[1]"}}, "the field headers is not a JSON object");
    refuses({{"payload", "1"}, {"headers", R"({"a":1})"}}, "the header \"a\" is not a string");
    refuses(
        {{"payload", "1"}, {"headers", "{"}},
        "the field headers is not JSON: the JSON text ends too early at byte offset 1"
    );
}

BOOST_AUTO_TEST_CASE(takes_headers_of_text_alone)
{
    auto const why = refusal_to_write(*envelope(), {"1", {{"a", "\xFF"}}});
    BOOST_TEST((why == errc::not_encodable));
    BOOST_TEST(why.words() == "the header \"a\" is not UTF-8");
}

BOOST_AUTO_TEST_SUITE_END()
