#include "format/fields.hpp"

#include <strandline/codec.hpp>

#include <boost/describe.hpp>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

/// The event of goxstreams' documentation, with the names that Go's fields have there.
struct go_event
{
    std::string Message;
    std::string Name;
    int Foo = 0;
    int Bar = 0;
};
BOOST_DESCRIBE_STRUCT(go_event, (), (Message, Name, Foo, Bar))

} // namespace

BOOST_AUTO_TEST_SUITE(the_body)

// goxstreams (khv1one/goxstreams, producer.go and converter.go): one field `body` with Go's JSON, and what
// its context transmitter adds as JSON in a field beside it. This is the library's own way.
BOOST_AUTO_TEST_CASE(of_goxstreams_needs_no_format)
{
    auto const entry = entry_of(
        {{"body", R"({"Message":"message","Name":"a \u003c b","Foo":712,"Bar":947})"},
         {"ctx_field", R"({"trace_id":"my_trace_id"})"}}
    );
    go_event read;
    BOOST_REQUIRE(!decode(*entry.body, read));
    BOOST_TEST(read.Message == "message");
    BOOST_TEST(read.Name == "a < b");
    BOOST_TEST(read.Foo == 712);
    BOOST_TEST(entry.headers == (headers{{"ctx_field", R"({"trace_id":"my_trace_id"})"}}), per_element());

    // Its reader wants the field `body`, and JSON in it with the names of its struct.
    std::string body;
    BOOST_REQUIRE(!encode(go_event{"message", "name", 712, 947}, body));
    BOOST_TEST(body == R"({"Message":"message","Name":"name","Foo":712,"Bar":947})");
}

BOOST_AUTO_TEST_CASE(stands_in_the_field_that_is_asked_for)
{
    auto const format = body_in("s");
    fields const stored{{"s", "\x93\x01\x02\x03"}, {"version", "2"}};
    BOOST_TEST(write(*format, {"\x93\x01\x02\x03", {{"version", "2"}}}) == stored, per_element());
    auto const what = read(*format, stored);
    BOOST_REQUIRE(what.body);
    BOOST_TEST(*what.body == "\x93\x01\x02\x03");
    BOOST_TEST(what.headers == (headers{{"version", "2"}}), per_element());
}

// BeeORM 2 (latolukasz/beeorm, event_broker.go) writes the meta fields first, in any order.
BOOST_AUTO_TEST_CASE(is_found_behind_other_fields)
{
    auto const what = read(*body_in("s"), {{"version", "2"}, {"s", "\xA5hello"}, {"ip", "12.24.11.1"}});
    BOOST_TEST(what.body.value() == "\xA5hello");
    BOOST_TEST(what.headers == (headers{{"version", "2"}, {"ip", "12.24.11.1"}}), per_element());
}

BOOST_AUTO_TEST_CASE(may_be_missing_where_there_is_meta_alone)
{
    auto const format = body_in("s");
    fields const page_view{{"url", "/about-us/"}, {"ip", "232.12.24.11"}};
    auto const what = read(*format, page_view);
    BOOST_TEST(!what.body);
    BOOST_TEST(what.headers == page_view, per_element());
    BOOST_TEST(write(*format, what) == page_view, per_element());
}

BOOST_AUTO_TEST_CASE(may_be_empty)
{
    auto const format = body_in("s");
    BOOST_TEST(write(*format, {"", {}}) == (fields{{"s", ""}}), per_element());
    BOOST_TEST(read(*format, {{"s", ""}}).body.value() == "");
}

BOOST_AUTO_TEST_CASE(is_the_first_field_of_that_name_and_a_field_named_body_is_a_header)
{
    auto const what = read(*body_in("s"), {{"body", "x"}, {"s", "1"}, {"s", "2"}});
    BOOST_TEST(what.body.value() == "1");
    BOOST_TEST(what.headers == (headers{{"body", "x"}, {"s", "2"}}), per_element());
}

BOOST_AUTO_TEST_CASE(keeps_headers_out_of_its_field)
{
    for (auto const& what : {event{"x", {{"s", "y"}}}, event{std::nullopt, {{"s", "y"}}}}) {
        auto const why = refusal_to_write(*body_in("s"), what);
        BOOST_TEST((why == errc::invalid_name));
        BOOST_TEST(why.words() == "the field \"s\" is the body's");
    }
}

BOOST_AUTO_TEST_CASE(cannot_stand_in_a_field_of_the_library)
{
    BOOST_TEST(!body_in("body"));
    for (auto const* const name : {"", "dead-id"})
        BOOST_CHECK_EXCEPTION((void)body_in(name), error, [](error const& thrown) {
            return thrown.cause() == errc::invalid_name;
        });
}

BOOST_AUTO_TEST_SUITE_END()
