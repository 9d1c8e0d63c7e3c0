#include <strandline/detail/quoted.hpp>
#include <strandline/detail/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

using strandline::detail::is_utf8;
using strandline::detail::quoted;
using strandline::detail::utf8_prefix;

namespace {

std::string encoded(std::uint32_t point)
{
    auto const byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
    if (point < 0x80)
        return {byte(point)};
    if (point < 0x800)
        return {byte(0xC0 | point >> 6), byte(0x80 | (point & 63))};
    if (point < 0x10000)
        return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 63)), byte(0x80 | (point & 63))};
    return {
        byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 63)), byte(0x80 | (point >> 6 & 63)),
        byte(0x80 | (point & 63))
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(utf8)

BOOST_AUTO_TEST_CASE(is_every_code_point_but_the_surrogates)
{
    for (std::uint32_t point = 0; point <= 0x110001; ++point) {
        bool const good = point <= 0x10FFFF && !(0xD800 <= point && point <= 0xDFFF);
        if (is_utf8(encoded(point)) != good)
            BOOST_ERROR("U+" << std::hex << point);
    }
}

BOOST_AUTO_TEST_CASE(has_no_overlong_forms)
{
    for (std::string_view const text :
         {"\xC0\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF",
          "\xF0\x8F\xBF\xBF"})
        BOOST_TEST(!is_utf8(text));
}

BOOST_AUTO_TEST_CASE(does_not_end_in_the_middle_of_a_character)
{
    for (std::string_view const whole : {"ä", "€", "😀"}) {
        for (std::size_t size = 1; size != whole.size(); ++size) {
            BOOST_TEST(!is_utf8(whole.substr(0, size)));
            BOOST_TEST(!is_utf8(std::string(whole.substr(0, size)) + "a"));
        }
    }
}

BOOST_AUTO_TEST_CASE(has_no_stray_bytes)
{
    for (int byte = 0x80; byte <= 0xFF; ++byte)
        BOOST_TEST(!is_utf8(std::string(1, static_cast<char>(byte))));
}

BOOST_AUTO_TEST_CASE(is_judged_alike_wherever_the_bad_byte_stands)
{
    for (std::size_t size = 1; size != 40; ++size) {
        for (std::size_t at = 0; at != size; ++at) {
            std::string text(size, 'a');
            BOOST_TEST(is_utf8(text));
            text[at] = '\xFF';
            BOOST_TEST(utf8_prefix(text) == at);
        }
    }
    BOOST_TEST(is_utf8("aaaaaaaaäaaaaaaa€aaaaaaaaaaaa😀"));
    BOOST_TEST(is_utf8(""));
    BOOST_TEST(is_utf8(std::string_view("\0", 1)));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(quoted_text)

BOOST_AUTO_TEST_CASE(is_itself_where_it_can_be_read)
{
    BOOST_TEST(quoted("") == "\"\"");
    BOOST_TEST(quoted("a b: ä€😀") == "\"a b: ä€😀\"");
}

BOOST_AUTO_TEST_CASE(shows_what_cannot_be_read_as_escapes)
{
    BOOST_TEST(quoted("a\nb\x7F\"\\") == "\"a\\x0Ab\\x7F\\\"\\\\\"");
    BOOST_TEST(quoted("\xFF\xE2\x82") == "\"\\xFF\\xE2\\x82\"");
    BOOST_TEST(quoted("\x1B[31mred") == "\"\\x1B[31mred\"");
}

BOOST_AUTO_TEST_CASE(is_cut_when_long_but_not_within_a_character)
{
    BOOST_TEST(quoted(std::string(64, 'a')) == '"' + std::string(64, 'a') + '"');
    BOOST_TEST(quoted(std::string(65, 'a')) == '"' + std::string(64, 'a') + "\"…");
    BOOST_TEST(quoted(std::string(63, 'a') + "€€") == '"' + std::string(63, 'a') + "\"…");
    BOOST_TEST(quoted(std::string(61, 'a') + "€€") == '"' + std::string(61, 'a') + "€\"…");
}

BOOST_AUTO_TEST_SUITE_END()
