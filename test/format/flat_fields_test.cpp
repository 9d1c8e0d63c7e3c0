#include "format/fields.hpp"

#include <strandline/codec.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <map>
#include <optional>

using namespace strandline;
using namespace strandline::testing;
using boost::test_tools::per_element;

namespace {

struct user_created
{
    std::string user_id;
    std::string user_name;
};
BOOST_DESCRIBE_STRUCT(user_created, (), (user_id, user_name))

struct passage
{
    std::string rider;
    double speed = 0;
    int position = 0;
    std::uint64_t location_id = 0;
};
BOOST_DESCRIBE_STRUCT(passage, (), (rider, speed, position, location_id))

enum class color
{
    red,
    green
};
BOOST_DESCRIBE_ENUM(color, red, green)

struct everything
{
    std::string text;
    std::optional<std::string> maybe_text;
    bool flag = false;
    std::optional<bool> maybe_flag;
    std::optional<int> maybe_number;
    color paint = color::red;
    std::vector<int> list;
    std::map<std::string, std::string> names;
    std::optional<passage> last;
};
BOOST_DESCRIBE_STRUCT(
    everything, (), (text, maybe_text, flag, maybe_flag, maybe_number, paint, list, names, last)
)

template <class T>
T decoded(wire_format const& format, fields stored)
{
    auto const what = read(format, std::move(stored));
    T out;
    auto const why = decode(what.body.value(), out);
    BOOST_REQUIRE_MESSAGE(!why, why << ": " << *what.body);
    return out;
}

template <class T>
std::string refused(fields stored)
{
    auto const what = read(*flat_fields<T>(), std::move(stored));
    T out;
    auto const why = decode(what.body.value(), out);
    BOOST_TEST((why == errc::not_decodable));
    return std::string(why.words());
}

template <class T>
fields written(T const& value, headers with = {})
{
    event what{std::string(), std::move(with)};
    BOOST_REQUIRE(!encode(value, *what.body));
    return write(*flat_fields(), std::move(what));
}

} // namespace

BOOST_AUTO_TEST_SUITE(flat)

// go-slim-event-bus (muki119/go-slim-event-bus, README.md and sender.go): a Go map becomes the fields.
BOOST_AUTO_TEST_CASE(fields_are_the_members_of_the_body)
{
    fields const stored{{"user_id", "1a2b3c"}, {"user_name", "John Doe"}};
    auto const what = read(*flat_fields(), stored);
    BOOST_TEST(what.body.value() == R"({"user_id":"1a2b3c","user_name":"John Doe"})");
    // Also headers, for filters and for the order by key.
    BOOST_TEST(what.headers == stored, per_element());

    auto const user = decoded<user_created>(*flat_fields(), stored);
    BOOST_TEST(user.user_id == "1a2b3c");
    BOOST_TEST(user.user_name == "John Doe");
    // Its reader gets a map of strings.
    BOOST_TEST(written(user) == stored, per_element());
}

// The first command of the introduction to streams in Redis' documentation:
// XADD race:france * rider Castilla speed 30.2 position 1 location_id 1
BOOST_AUTO_TEST_CASE(numbers_are_read_from_text_where_the_struct_has_them)
{
    fields const stored{{"rider", "Castilla"}, {"speed", "30.2"}, {"position", "1"}, {"location_id", "1"}};
    auto const what = read(*flat_fields<passage>(), stored);
    BOOST_TEST(what.body.value() == R"({"rider":"Castilla","speed":30.2,"position":1,"location_id":1})");
    auto const one = decoded<passage>(*flat_fields<passage>(), stored);
    BOOST_TEST(one.rider == "Castilla");
    BOOST_TEST(one.speed == 30.2);
    BOOST_TEST(one.position == 1);
    BOOST_TEST(written(one) == stored, per_element());
}

BOOST_AUTO_TEST_CASE(text_that_looks_like_something_else_stays_text)
{
    auto const user = decoded<user_created>(
        *flat_fields<user_created>(), {{"user_id", "007"}, {"user_name", "\"null\"\n\xC3\xA9"}}
    );
    BOOST_TEST(user.user_id == "007");
    BOOST_TEST(user.user_name == "\"null\"\n\xC3\xA9");
}

// What go-redis makes of Go's values: 1 and 0 of Booleans, an empty text of nil.
BOOST_AUTO_TEST_CASE(every_kind_of_member_is_read)
{
    auto const all = decoded<everything>(
        *flat_fields<everything>(),
        {{"text", ""},
         {"maybe_text", ""},
         {"flag", "1"},
         {"maybe_flag", "false"},
         {"maybe_number", ""},
         {"paint", "green"},
         {"list", "[1, 2]"},
         {"names", R"({"a":"b"})"},
         {"last", R"({"rider":"C","speed":1,"position":2,"location_id":3,"else":4})"}}
    );
    BOOST_TEST(all.text == "");
    BOOST_TEST((all.maybe_text == ""));
    BOOST_TEST(all.flag);
    BOOST_TEST((all.maybe_flag == false));
    BOOST_TEST(!all.maybe_number);
    BOOST_TEST((all.paint == color::green));
    BOOST_TEST(all.list == (std::vector<int>{1, 2}), per_element());
    BOOST_TEST(all.names.at("a") == "b");
    BOOST_TEST(all.last.value().position == 2);
}

BOOST_AUTO_TEST_CASE(every_kind_of_member_is_written)
{
    everything all;
    all.text = "x";
    all.flag = true;
    all.maybe_number = -3;
    all.list = {1, 2};
    all.last = passage{"C", 0.5, 2, 3};
    fields const stored{
        {"text", "x"},
        {"flag", "true"},
        {"maybe_number", "-3"},
        {"paint", "red"},
        {"list", "[1,2]"},
        {"names", "{}"},
        {"last", R"({"rider":"C","speed":5E-1,"position":2,"location_id":3})"}
    };
    BOOST_TEST(written(all) == stored, per_element());
    auto const back = decoded<everything>(*flat_fields<everything>(), stored);
    BOOST_TEST(back.last.value().speed == 0.5);
    BOOST_TEST(!back.maybe_text);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_with_the_name_of_its_member)
{
    fields good{{"rider", "C"}, {"speed", "1"}, {"position", "1"}, {"location_id", "1"}};
    auto const with = [&](std::size_t index, std::string text) {
        auto changed = good;
        changed[index].value = std::move(text);
        return refused<passage>(changed);
    };
    BOOST_TEST(with(1, "fast") == "speed: expected a number, found a string");
    BOOST_TEST(with(1, "") == "speed: expected a number, found a string");
    BOOST_TEST(with(2, "007") == "position: expected an integer, found a string");
    BOOST_TEST(with(2, "1.5") == "position: expected an integer, found 1.5");
    // No text gets out of its member.
    BOOST_TEST(with(2, "1,\"location_id\":2") == "position: expected an integer, found a string");
    good.pop_back();
    BOOST_TEST(refused<passage>(good) == "member \"location_id\" is missing");
}

BOOST_AUTO_TEST_CASE(of_a_repeated_name_the_first_counts)
{
    auto const what = read(*flat_fields(), {{"a", "1"}, {"a", "2"}});
    BOOST_TEST(what.body.value() == R"({"a":"1"})");
}

BOOST_AUTO_TEST_CASE(a_field_named_body_is_a_member_like_any_other)
{
    auto const what = read(*flat_fields(), {{"body", "hello"}, {"subject", "x"}});
    BOOST_TEST(what.body.value() == R"({"body":"hello","subject":"x"})");
    BOOST_TEST(what.headers == (headers{{"subject", "x"}}), per_element());
    BOOST_TEST(
        write(*flat_fields(), {*what.body, {}}) == (fields{{"body", "hello"}, {"subject", "x"}}),
        per_element()
    );
}

BOOST_AUTO_TEST_CASE(headers_are_fields_and_what_was_read_can_be_written_again)
{
    BOOST_TEST(
        written(user_created{"1", "J"}, {{"key", "1"}}) ==
            (fields{{"user_id", "1"}, {"user_name", "J"}, {"key", "1"}}),
        per_element()
    );
    fields const stored{{"user_id", "1"}, {"user_name", "J"}};
    BOOST_TEST(write(*flat_fields(), read(*flat_fields(), stored)) == stored, per_element());
    BOOST_TEST(write(*flat_fields(), {std::nullopt, stored}) == stored, per_element());
}

BOOST_AUTO_TEST_CASE(what_the_library_adds_to_a_dead_letter_is_no_member)
{
    auto const what = read(*flat_fields(), {{"a", "1"}, {"dead-id", "1-1"}});
    BOOST_TEST(what.body.value() == R"({"a":"1"})");
    BOOST_TEST(what.headers == (headers{{"a", "1"}, {"dead-id", "1-1"}}), per_element());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_fields_is_refused)
{
    auto const format = flat_fields();
    auto const refuses = [&](event what, errc code, std::string_view words) {
        auto const why = refusal_to_write(*format, std::move(what));
        BOOST_TEST((why == code), why);
        BOOST_TEST(why.words() == words);
    };
    refuses({"[1]", {}}, errc::not_encodable, "flat fields need a JSON object");
    refuses(
        {"\x93", {}}, errc::not_encodable, "flat fields need a JSON object: syntax error at byte offset 0"
    );
    refuses({R"({"":1})", {}}, errc::invalid_name, "no field can have the name of the member \"\"");
    refuses(
        {R"({"dead-id":1})", {}}, errc::invalid_name, "no field can have the name of the member \"dead-id\""
    );
    refuses({R"({"a":1})", {{"a", "2"}}}, errc::invalid_name, "member and header \"a\" are one field");
    auto const why = refusal_to_read(*format, {{"a", "1"}, {"b", "\xFF"}});
    BOOST_TEST((why == errc::not_decodable));
    BOOST_TEST(why.words() == "the field \"b\" is not UTF-8");
}

BOOST_AUTO_TEST_SUITE_END()
