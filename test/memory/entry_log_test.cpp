#include "memory/entry_log.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

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
    auto const view = log.records().front().content.view();
    auto const owner = log.records().front().content.owner();
    log.remove_before({30, 0});
    BOOST_TEST(log.records().size() == 3);
    BOOST_TEST(log.find({20, 0}) == nullptr);
    BOOST_TEST(log.after(entry_id::min()).size() == 3);
    log.remove_before(entry_id::max());
    BOOST_TEST(log.records().empty());
    BOOST_TEST(log.last_generated() == (entry_id{50, 0}));
    BOOST_TEST(log.append(anything, at(0)) == (entry_id{50, 1}));
    // Deliveries keep what they hold.
    BOOST_TEST(view.body.value_or("none") == "x");
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
    entry_log log;
    auto const* const stored = log.find(log.append({body, headers}, at(1)));
    body = name = value = "????";
    headers = {};
    BOOST_TEST(stored->view().body.value_or("none") == "body");
    BOOST_REQUIRE(stored->view().headers.size() == 2);
    BOOST_TEST((stored->view().headers[0] == header_view{"name", "value"}));
    BOOST_TEST((stored->view().headers[1] == header_view{"", ""}));
    auto const* const bodiless = log.find(log.append({std::nullopt, headers}, at(1)));
    BOOST_TEST(!bodiless->view().body.has_value());
    BOOST_TEST(bodiless->view().headers.size() == 2);
    auto const* const empty = log.find(log.append({"", {}}, at(1)));
    BOOST_TEST(empty->view().body.value_or("none") == "");
}

BOOST_AUTO_TEST_CASE(entries_of_all_sizes_share_memory_and_keep_their_content)
{
    auto const text = [](std::size_t i) {
        constexpr std::size_t sizes[] = {0, 1, 7, 100, 4'000, 5'000, 20'000, 100'000};
        return std::string(sizes[i % std::size(sizes)], static_cast<char>('a' + i % 26));
    };
    std::optional<entry_log> log(std::in_place);
    std::vector<storage_ptr> owners;
    std::vector<entry_view> views;
    for (std::size_t i = 0; i != 1'000; ++i) {
        auto const value = text(i);
        header_view const headers[] = {{"value", value}};
        auto const* const stored = log->find(log->append({value, headers}, at(1)));
        // One in ten is a delivery, and outlives the others.
        if (i % 10 == 0) {
            owners.push_back(stored->owner());
            views.push_back(stored->view());
        }
        if (i == 500)
            log->remove_before({1, 333});
    }
    for (std::size_t i = 333; i != 1'000; ++i) {
        auto const* const stored = log->find({1, i});
        BOOST_REQUIRE(stored != nullptr);
        BOOST_REQUIRE((stored->view().body == text(i)));
        BOOST_REQUIRE((stored->view().header("value") == text(i)));
    }
    log.reset();
    for (std::size_t i = 0; i != views.size(); ++i) {
        BOOST_REQUIRE((views[i].body == text(i * 10)));
        BOOST_REQUIRE((views[i].header("value") == text(i * 10)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
