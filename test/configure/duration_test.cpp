#include <strandline/detail/duration.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>
#include <string>

using namespace std::chrono_literals;
using namespace strandline;

BOOST_AUTO_TEST_SUITE(duration)

BOOST_AUTO_TEST_CASE(has_a_number_and_a_unit)
{
    BOOST_TEST((detail::parse_duration("250ms").value() == 250ms));
    BOOST_TEST((detail::parse_duration("30s").value() == 30s));
    BOOST_TEST((detail::parse_duration("1m").value() == 1min));
    BOOST_TEST((detail::parse_duration("2h").value() == 2h));
    BOOST_TEST((detail::parse_duration("0s").value() == 0s));
    BOOST_TEST((detail::parse_duration("007s").value() == 7s));
}

BOOST_AUTO_TEST_CASE(of_another_form_is_refused_without_being_repeated)
{
    for (auto const* text :
         {"", "s", "30", "30 s", " 30s", "30s ", "-1s", "+1s", "1.5s", "1m30s", "30S", "1d", "ms", "0x1s",
          "99999999999999999999s"})
    {
        BOOST_TEST_INFO("'" << text << "'");
        auto const parsed = detail::parse_duration(text);
        BOOST_TEST_REQUIRE(!parsed);
        BOOST_TEST((parsed.error() == errc::invalid_option));
        BOOST_TEST(parsed.error().words() == "expected a time as 250ms, 30s, 1m or 2h");
    }
}

BOOST_AUTO_TEST_CASE(is_refused_where_milliseconds_cannot_hold_it)
{
    auto const most = std::numeric_limits<std::int64_t>::max();
    BOOST_TEST((detail::parse_duration(std::to_string(most) + "ms").value().count() == most));
    BOOST_TEST(
        (detail::parse_duration(std::to_string(most / 1000) + "s").value().count() == most / 1000 * 1000)
    );
    for (auto const& text :
         {std::to_string(most / 1000 + 1) + "s", std::to_string(most / 60'000 + 1) + "m",
          std::to_string(most) + "h", std::to_string(static_cast<std::uint64_t>(most) + 1) + "ms"})
        BOOST_TEST(!detail::parse_duration(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
