#include <strandline/names.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace strandline;

namespace {

// The part of a key by which a cluster of servers finds its node, by the server's own rule.
std::string placed_by(std::string const& key)
{
    auto const open = key.find('{');
    auto const close = open == key.npos ? key.npos : key.find('}', open + 1);
    return close == key.npos || close == open + 1 ? key : key.substr(open + 1, close - open - 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(of_streams_are_refused_when_empty)
{
    auto const why = check_stream_name("");
    BOOST_TEST((why == errc::invalid_name));
    BOOST_TEST(why.words() == "a stream's name must not be empty");
}

BOOST_AUTO_TEST_CASE(of_streams_may_be_nearly_anything)
{
    for (auto const* name : {"orders", "a b", "ä:ö", "a{b", "{", "{{a}", "{a}", "x{a}b}c", "{a}b", "\n"})
        BOOST_TEST(!check_stream_name(name), name);
}

BOOST_AUTO_TEST_CASE(with_a_closing_brace_need_a_tag)
{
    for (auto const* name : {"}", "a}", "a}b{", "{}", "{}a", "{}{a}", "a{}b}"}) {
        BOOST_TEST_INFO(name);
        auto const why = check_stream_name(name);
        BOOST_TEST((why == errc::invalid_name));
        BOOST_TEST(why.words() == '"' + std::string(name) + "\" has a } but no {tag}");
    }
}

BOOST_AUTO_TEST_CASE(derived_from_a_stream_are_tagged_with_it)
{
    BOOST_TEST(derived_name("orders", "dead") == "{orders}:dead");
    BOOST_TEST(dead_letter_stream("orders") == "{orders}:dead");
    BOOST_TEST(derived_name("p:orders", "delayed") == "{p:orders}:delayed");
    BOOST_TEST(group_lock("orders", "billing") == "{orders}:lock:billing");
}

BOOST_AUTO_TEST_CASE(derived_from_a_tagged_stream_keep_its_tag)
{
    BOOST_TEST(derived_name("{a}b", "dead") == "{a}b:dead");
    BOOST_TEST(derived_name("x{a}", "dead") == "x{a}:dead");
}

BOOST_AUTO_TEST_CASE(derived_stay_on_the_node_of_their_stream)
{
    for (std::string const name : {"orders", "{a}b", "x{a}b}c", "{{a}", "p:orders", "{orders}:dead", "a{b"}) {
        BOOST_TEST_INFO(name);
        BOOST_REQUIRE(!check_stream_name(name));
        BOOST_TEST(placed_by(derived_name(name, "dead")) == placed_by(name));
    }
}

BOOST_AUTO_TEST_SUITE_END()
