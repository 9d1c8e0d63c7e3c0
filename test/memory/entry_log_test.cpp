#include "memory/entry_log.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>

using namespace strandline;
using namespace strandline::memory;

namespace {

constexpr instant at(std::int64_t ms)
{
    return instant(std::chrono::milliseconds(ms));
}

entry_view const anything{"x", {}};

} // namespace

BOOST_AUTO_TEST_SUITE(entry_log_of_memory)

BOOST_AUTO_TEST_CASE(ids_follow_the_clock)
{
    entry_log log;
    BOOST_TEST(log.append(anything, at(1000)) == (entry_id{1000, 0}));
    BOOST_TEST(log.append(anything, at(1000)) == (entry_id{1000, 1}));
    BOOST_TEST(log.append(anything, at(1001)) == (entry_id{1001, 0}));
    BOOST_TEST(log.last_generated() == (entry_id{1001, 0}));
}

BOOST_AUTO_TEST_CASE(ids_rise_when_the_clock_goes_back)
{
    entry_log log;
    log.append(anything, at(1000));
    BOOST_TEST(log.append(anything, at(999)) == (entry_id{1000, 1}));
    BOOST_TEST(log.append(anything, at(0)) == (entry_id{1000, 2}));
    BOOST_TEST(log.append(anything, at(1001)) == (entry_id{1001, 0}));
}

BOOST_AUTO_TEST_CASE(no_entry_has_the_least_id)
{
    entry_log log;
    BOOST_TEST(log.append(anything, at(0)) == (entry_id{0, 1}));
    BOOST_TEST(log.append(anything, at(-5)) == (entry_id{0, 2}));
    entry_log late;
    auto const last = std::numeric_limits<std::int64_t>::max();
    BOOST_TEST(late.append(anything, at(last)) == (entry_id{static_cast<std::uint64_t>(last), 0}));
    BOOST_TEST(late.append(anything, at(last)) == (entry_id{static_cast<std::uint64_t>(last), 1}));
}

BOOST_AUTO_TEST_CASE(entries_are_found_by_their_id)
{
    entry_log log;
    auto const id = log.append(anything, at(10));
    log.append({"y", {}}, at(10));
    BOOST_REQUIRE(log.find(id) != nullptr);
    BOOST_TEST(log.find(id)->view().body.value_or("none") == "x");
    BOOST_TEST(log.find({10, 1})->view().body.value_or("none") == "y");
    BOOST_TEST(log.find({9, 0}) == nullptr);
    BOOST_TEST(log.find({10, 2}) == nullptr);
    BOOST_TEST(log.find(entry_id::max()) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_comes_after_an_id)
{
    entry_log log;
    BOOST_TEST(log.after(entry_id::min()).empty());
    for (int i = 1; i <= 5; ++i)
        log.append(anything, at(i * 10));
    BOOST_TEST(log.after(entry_id::min()).size() == 5);
    BOOST_TEST(log.after({20, 0}).size() == 3);
    BOOST_TEST((log.after({20, 0}).front().id == entry_id{30, 0}));
    BOOST_TEST((log.after({25, 7}).front().id == entry_id{30, 0}));
    BOOST_TEST(log.after({50, 0}).empty());
    BOOST_TEST(log.after(entry_id::max()).empty());
}

BOOST_AUTO_TEST_CASE(removed_entries_leave_their_ids_behind)
{
    entry_log log;
    for (int i = 1; i <= 5; ++i)
        log.append(anything, at(i * 10));
    boost::intrusive_ptr<stored_entry const> const kept = log.records().front().content;
    log.remove_before({30, 0});
    BOOST_TEST(log.records().size() == 3);
    BOOST_TEST(log.find({20, 0}) == nullptr);
    BOOST_TEST(log.after(entry_id::min()).size() == 3);
    log.remove_before(entry_id::max());
    BOOST_TEST(log.records().empty());
    BOOST_TEST(log.last_generated() == (entry_id{50, 0}));
    BOOST_TEST(log.append(anything, at(0)) == (entry_id{50, 1}));
    // Deliveries keep what they hold.
    BOOST_TEST(kept->view().body.value_or("none") == "x");
}

BOOST_AUTO_TEST_CASE(an_entry_between_others_can_be_removed)
{
    entry_log log;
    for (int i = 1; i <= 5; ++i)
        log.append(anything, at(i * 10));
    log.remove({30, 0});
    log.remove({30, 0});
    log.remove({31, 0});
    BOOST_TEST(log.size() == 4);
    BOOST_TEST(log.find({30, 0}) == nullptr);
    BOOST_TEST(log.find({40, 0}) != nullptr);
    BOOST_TEST(log.count_after({10, 0}) == 3);
    BOOST_TEST(log.count_after({30, 0}) == 2);
    // At the ends nothing but entries.
    log.remove({50, 0});
    log.remove({40, 0});
    BOOST_TEST((log.records().back().id == entry_id{20, 0}));
    BOOST_TEST(log.after({20, 0}).empty());
    log.remove({10, 0});
    BOOST_TEST((log.records().front().id == entry_id{20, 0}));
    log.remove({20, 0});
    BOOST_TEST(log.size() == 0);
    BOOST_TEST(log.records().empty());
    BOOST_TEST(log.append(anything, at(0)) == (entry_id{50, 1}));
}

BOOST_AUTO_TEST_CASE(gaps_are_closed_and_trimmed)
{
    entry_log log;
    for (int i = 1; i <= 1000; ++i)
        log.append(anything, at(i));
    for (std::uint64_t i = 2; i < 1000; ++i)
        if (i % 100 != 0)
            log.remove({i, 0});
    BOOST_TEST(log.size() == 11);
    BOOST_TEST(log.records().size() < 100);
    log.keep_newest(9);
    BOOST_TEST(log.size() == 9);
    BOOST_TEST((log.records().front().id == entry_id{200, 0}));
    log.remove_before({201, 0});
    BOOST_TEST(log.size() == 8);
    BOOST_TEST((log.records().front().id == entry_id{300, 0}));
    BOOST_TEST(log.count_after({400, 0}) == 6);
    log.keep_newest(0);
    BOOST_TEST(log.size() == 0);
    BOOST_TEST(log.records().empty());
}

BOOST_AUTO_TEST_CASE(a_stored_entry_is_a_copy)
{
    std::string body = "body";
    std::string name = "name";
    std::string value = "value";
    std::array<header_view, 2> headers{{{name, value}, {"", ""}}};
    auto const stored = stored_entry::copy_of({body, headers});
    body = name = value = "????";
    headers = {};
    BOOST_TEST(stored->view().body.value_or("none") == "body");
    BOOST_REQUIRE(stored->view().headers.size() == 2);
    BOOST_TEST((stored->view().headers[0] == header_view{"name", "value"}));
    BOOST_TEST((stored->view().headers[1] == header_view{"", ""}));
    BOOST_TEST(!stored_entry::copy_of({std::nullopt, headers})->view().body.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
