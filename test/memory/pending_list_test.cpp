#include "memory/pending_list.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>

using namespace strandline;
using namespace strandline::memory;

namespace {

entry_id id(std::uint64_t number)
{
    return {number, 0};
}

} // namespace

BOOST_AUTO_TEST_SUITE(pending_list_of_memory)

BOOST_AUTO_TEST_CASE(counts_for_the_owner)
{
    consumer owner;
    pending_list list;
    list.add({id(1), {}, &owner, 1});
    list.add({id(2), {}, &owner, 1});
    BOOST_TEST(owner.pending == 2);
    BOOST_TEST(list.size() == 2);
    list.remove(*list.find(id(1)));
    BOOST_TEST(owner.pending == 1);
    BOOST_TEST(list.size() == 1);
    BOOST_TEST(list.find(id(1)) == nullptr);
    BOOST_REQUIRE(list.find(id(2)) != nullptr);
    BOOST_TEST(list.find(id(2))->id == id(2));
}

BOOST_AUTO_TEST_CASE(finds_in_any_order)
{
    consumer owner;
    pending_list list;
    for (std::uint64_t i = 1; i <= 10; ++i)
        list.add({id(i * 2), {}, &owner, 1});
    for (auto const number : {2, 4, 6, 20, 18, 2, 12, 14, 20})
        BOOST_TEST((list.find(id(static_cast<std::uint64_t>(number))) != nullptr));
    for (auto const number : {0, 1, 3, 21, 13})
        BOOST_TEST((list.find(id(static_cast<std::uint64_t>(number))) == nullptr));
    BOOST_TEST(list.from(id(7)).front().id == id(8));
    BOOST_TEST(list.from(id(8)).front().id == id(8));
    BOOST_TEST(list.from(id(21)).empty());
}

// A list that keeps an old entry while thousands pass must not keep a trace of them.
BOOST_AUTO_TEST_CASE(keeps_no_more_gaps_than_records)
{
    consumer owner;
    pending_list list;
    list.add({id(1), {}, &owner, 1});
    for (std::uint64_t i = 2; i != 10'000; ++i) {
        list.add({id(i), {}, &owner, 1});
        list.remove(*list.find(id(i)));
        BOOST_REQUIRE(list.from(id(0)).size() <= 66);
    }
    BOOST_TEST(list.size() == 1);
    BOOST_TEST((list.find(id(1)) != nullptr));
}

BOOST_AUTO_TEST_CASE(agrees_with_a_map)
{
    std::mt19937 random(42);
    consumer owner;
    pending_list list;
    std::map<entry_id, std::uint32_t> model;
    std::uint64_t next = 1;
    for (int step = 0; step != 20'000; ++step) {
        // Between an empty list and a long one, and back.
        auto const grows = random() % 100 < (step / 2000 % 2 == 0 ? 60U : 40U);
        if (grows || model.empty()) {
            auto const attempts = static_cast<std::uint32_t>(random());
            list.add({id(next), {}, &owner, attempts});
            model[id(next++)] = attempts;
        }
        else {
            auto found = std::next(
                model.begin(), static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(model.size(), 8))
            );
            auto* const record = list.find(found->first);
            BOOST_REQUIRE(record != nullptr);
            BOOST_REQUIRE(record->attempts == found->second);
            list.remove(*record);
            BOOST_REQUIRE(list.find(found->first) == nullptr);
            model.erase(found);
        }
        BOOST_REQUIRE(list.size() == model.size());
        BOOST_REQUIRE(owner.pending == model.size());
    }
    std::vector<entry_id> left;
    for (auto const& record : list.from(entry_id::min()))
        if (!record.is_gap())
            left.push_back(record.id);
    std::vector<entry_id> expected;
    for (auto const& [key, attempts] : model)
        expected.push_back(key);
    BOOST_TEST(left == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
