#include <strandline/entry_id.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

using strandline::entry_id;
using strandline::errc;

namespace {

constexpr auto greatest = std::numeric_limits<std::uint64_t>::max();

void refuses(std::string_view text, std::string_view words)
{
    auto const id = entry_id::parse(text);
    BOOST_REQUIRE(!id.has_value());
    BOOST_TEST((id.error() == errc::invalid_entry_id));
    BOOST_TEST(id.error().words() == words);
}

} // namespace

BOOST_AUTO_TEST_SUITE(entry_ids)

BOOST_AUTO_TEST_CASE(are_read_from_milliseconds_and_number)
{
    BOOST_TEST((entry_id::parse("1526919030474-55").value() == entry_id{1526919030474, 55}));
    BOOST_TEST((entry_id::parse("0-0").value() == entry_id::min()));
    BOOST_TEST((entry_id::parse("18446744073709551615-18446744073709551615").value() == entry_id::max()));
}

BOOST_AUTO_TEST_CASE(without_a_number_stand_for_the_first_of_their_millisecond)
{
    BOOST_TEST((entry_id::parse("1526919030474").value() == entry_id{1526919030474, 0}));
    BOOST_TEST((entry_id::parse("18446744073709551615").value() == entry_id{greatest, 0}));
}

BOOST_AUTO_TEST_CASE(may_have_leading_zeros)
{
    BOOST_TEST((entry_id::parse("0007-00").value() == entry_id{7, 0}));
    BOOST_TEST((entry_id::parse(std::string(60, '0') + "1-1").value() == entry_id{1, 1}));
}

BOOST_AUTO_TEST_CASE(beyond_64_bits_are_refused)
{
    refuses("18446744073709551616", "\"18446744073709551616\" is too large");
    refuses("18446744073709551616-0", "\"18446744073709551616-0\" is too large");
    refuses("0-18446744073709551616", "\"0-18446744073709551616\" is too large");
    refuses("99999999999999999999-1", "\"99999999999999999999-1\" is too large");
}

BOOST_AUTO_TEST_CASE(that_are_none_are_refused_with_the_reason)
{
    refuses("", "\"\" is empty");
    refuses("-", "\"-\" has a part that does not begin with a digit");
    refuses("-1", "\"-1\" has a part that does not begin with a digit");
    refuses("+1-1", "\"+1-1\" has a part that does not begin with a digit");
    refuses("1-", "\"1-\" has a part that does not begin with a digit");
    refuses("1--1", "\"1--1\" has a part that does not begin with a digit");
    refuses("1-+1", "\"1-+1\" has a part that does not begin with a digit");
    refuses(" 1-1", "\" 1-1\" has a part that does not begin with a digit");
    refuses("1 -1", "\"1 -1\" has something other than a dash after the milliseconds");
    refuses("1x", "\"1x\" has something other than a dash after the milliseconds");
    refuses("1-1 ", "\"1-1 \" has something after the number");
    refuses("1-1-1", "\"1-1-1\" has something after the number");
    refuses("0x10-1", "\"0x10-1\" has something other than a dash after the milliseconds");
    refuses("$", "\"$\" has a part that does not begin with a digit");
    refuses(std::string_view("1-1\0", 4), "\"1-1\\x00\" has something after the number");
}

BOOST_AUTO_TEST_CASE(are_printed_as_they_are_read)
{
    for (auto const* text : {"0-0", "1-0", "1526919030474-55", "18446744073709551615-18446744073709551615"}) {
        auto const id = entry_id::parse(text).value();
        BOOST_TEST(id.to_string() == text);
        std::ostringstream out;
        out << id;
        BOOST_TEST(out.str() == text);
    }
    BOOST_TEST(entry_id::max().to_string().size() == entry_id::max_text);
}

BOOST_AUTO_TEST_CASE(are_ordered_by_milliseconds_then_number)
{
    std::vector<entry_id> const rising = {
        entry_id::min(), {0, 1},  {0, greatest}, {1, 0},          {1, 2},
        {2, 1},          {10, 0}, {greatest, 0}, entry_id::max(),
    };
    BOOST_TEST(std::ranges::is_sorted(rising));
    for (std::size_t i = 0; i != rising.size(); ++i) {
        for (std::size_t j = 0; j != rising.size(); ++j) {
            BOOST_TEST((rising[i] < rising[j]) == (i < j));
            BOOST_TEST((rising[i] == rising[j]) == (i == j));
        }
    }
}

BOOST_AUTO_TEST_CASE(have_a_next_and_a_previous_one_up_to_the_limits)
{
    BOOST_TEST((entry_id{5, 7}.next() == entry_id{5, 8}));
    BOOST_TEST((entry_id{5, greatest}.next() == entry_id{6, 0}));
    BOOST_TEST((entry_id{greatest, greatest - 1}.next() == entry_id::max()));
    BOOST_TEST(!entry_id::max().next().has_value());

    BOOST_TEST((entry_id{5, 7}.previous() == entry_id{5, 6}));
    BOOST_TEST((entry_id{5, 0}.previous() == entry_id{4, greatest}));
    BOOST_TEST((entry_id{0, 1}.previous() == entry_id::min()));
    BOOST_TEST(!entry_id::min().previous().has_value());

    static_assert(entry_id{1, 1}.next()->previous() == entry_id{1, 1});
}

BOOST_AUTO_TEST_CASE(of_a_busy_stream_hardly_share_a_hash)
{
    std::unordered_set<std::size_t> hashes;
    for (std::uint64_t ms = 0; ms != 100; ++ms) {
        for (std::uint64_t seq = 0; seq != 100; ++seq)
            hashes.insert(std::hash<entry_id>()({1526919030474 + ms, seq}));
    }
    BOOST_TEST(hashes.size() == 10'000U);
}

BOOST_AUTO_TEST_SUITE_END()
