#include "redis/key.hpp"

#include <strandline/names.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

using namespace strandline;
using redis::key;
using redis::key_name;

namespace {

/// All texts of up to that length, of the characters that matter in names.
std::vector<std::string> texts_up_to(std::size_t length)
{
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i != all.size(); ++i)
        if (all[i].size() < length)
            for (char const c : {'{', '}', 'a', ':'})
                all.push_back(all[i] + c);
    return all;
}

/// What a server computes a key's slot from.
std::string tag_of(std::string const& key)
{
    auto const open = key.find('{');
    auto const close = open == key.npos ? open : key.find('}', open + 1);
    return close == key.npos || close == open + 1 ? key : key.substr(open + 1, close - open - 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(N1_keys)

BOOST_AUTO_TEST_CASE(have_the_prefix_before_the_name_or_in_the_tag_at_its_beginning)
{
    BOOST_TEST(key_name("p:", "orders") == "p:orders");
    BOOST_TEST(key_name("p:", "{orders}:dead") == "{p:orders}:dead");
    BOOST_TEST(key_name("p:", "{a}b") == "{p:a}b");
    BOOST_TEST(key_name("p:", "b{a}") == "p:b{a}");
    BOOST_TEST(key_name("p:", "{a") == "p:{a");
    BOOST_TEST(key_name("p:", "{{a}:dead") == "{p:{a}:dead");
}

BOOST_AUTO_TEST_CASE(of_derived_names_are_derived_from_keys)
{
    std::size_t good = 0;
    for (auto const& name : texts_up_to(6)) {
        if (check_stream_name(name))
            continue;
        ++good;
        for (auto const* suffix : {"dead", "lock:g", "once:{x}"}) {
            auto const of_name = key_name("p:", derived_name(name, suffix));
            auto const of_key = derived_name(key_name("p:", name), suffix);
            BOOST_TEST(of_name == of_key, name << ": " << of_name << " and " << of_key);
            // They are kept in the same place.
            BOOST_TEST(tag_of(of_key) == tag_of(key_name("p:", name)), name);
        }
        BOOST_TEST(!check_stream_name(key_name("p:", name)), name);
    }
    BOOST_TEST(good > 1'000U);
}

BOOST_AUTO_TEST_CASE(differ_as_names_do)
{
    std::map<std::string, std::string> names;
    for (auto const& name : texts_up_to(6))
        if (!check_stream_name(name)) {
            auto const [place, is_new] = names.emplace(key_name("p:", name), name);
            BOOST_TEST(is_new, name << " and " << place->second);
        }
}

BOOST_AUTO_TEST_CASE(lead_back_to_their_names_alone)
{
    for (auto const* const prefix : {"", "p:", "a"})
        for (auto const& name : texts_up_to(6))
            if (!check_stream_name(name))
                for (auto const& one : {name, derived_name(name, "dead")}) {
                    auto const back = redis::name_of_key(prefix, key_name(prefix, one));
                    BOOST_TEST(back.value_or("(none)") == one, prefix << one);
                }
    for (auto const* const other :
         {"orders", "", "p:", "q:orders", "{orders}:dead", "xp:orders", "p:{a}", "{p:a"})
        BOOST_TEST(!redis::name_of_key("p:", other).has_value(), other);
}

BOOST_AUTO_TEST_CASE(are_found_by_patterns_that_mean_nothing_else)
{
    BOOST_TEST(redis::glob_of("shop:") == "shop:");
    BOOST_TEST(redis::glob_of("*a?[b]\\^-") == "\\*a\\?\\[b\\]\\\\\\^\\-");
}

BOOST_AUTO_TEST_CASE(without_a_prefix_are_the_names_themselves)
{
    std::string_view const name = "{orders}:dead";
    BOOST_TEST((key("", name).text().data() == name.data()));
    BOOST_TEST(key("p:", name).text() == "{p:orders}:dead");
}

BOOST_AUTO_TEST_SUITE_END()
