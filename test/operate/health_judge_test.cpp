#include "operate/health_judge.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace strandline;
using namespace std::chrono_literals;
using strandline::operate::health_judge;

namespace {

health_judge::time_point at(std::chrono::seconds passed)
{
    return health_judge::time_point(1h + passed);
}

/// A report of one good server with the stream "orders", whose group "billing" has that lag.
health_report of_lag(std::uint64_t lag, bool at_least = false)
{
    health_report report;
    auto& server = report.servers.emplace_back();
    server.info.emplace();
    auto& stream = server.streams.emplace_back();
    stream.name = "orders";
    auto& group = stream.statistics.groups.emplace_back();
    group.name = "billing";
    group.lag = lag;
    group.lag_is_at_least = at_least;
    return report;
}

/// A report of one good consumer of the stream "orders".
health_report of_consumer()
{
    health_report report;
    auto& seen = report.consumers.emplace_back();
    seen.name = "clerk";
    seen.status.running = true;
    auto& stream = seen.status.streams.emplace_back();
    stream.name = "orders";
    stream.is_read = true;
    stream.since_read = 1s;
    return report;
}

finding const* found(health_report const& report, health_problem what)
{
    auto const place = std::ranges::find(report.findings, what, &finding::what);
    return place == report.findings.end() ? nullptr : &*place;
}

health_report judged(health_report report, std::chrono::seconds passed = 0s)
{
    health_judge judge({});
    judge.judge(report, at(passed));
    return report;
}

/// Whether the last of these lags, seen a minute apart, is a backlog that grows.
bool grows(std::vector<std::uint64_t> const& lags, bool at_least = false, std::chrono::seconds apart = 60s)
{
    health_judge judge({});
    auto passed = 0s;
    auto is_found = false;
    for (auto const lag : lags) {
        auto report = of_lag(lag, at_least);
        judge.judge(report, at(passed));
        is_found = found(report, health_problem::backlog_growing) != nullptr;
        BOOST_TEST((report.verdict == (is_found ? health::degraded : health::healthy)));
        passed += apart;
    }
    return is_found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(health_of_a_server)

BOOST_AUTO_TEST_CASE(that_is_well_gives_no_finding)
{
    auto report = of_lag(0);
    report.servers[0].info->memory_policy = "noeviction";
    report.servers[0].info->used_memory = 89;
    report.servers[0].info->max_memory = 100;
    report = judged(std::move(report));
    BOOST_TEST(report.findings.empty());
    BOOST_TEST((report.verdict == health::healthy));
    BOOST_TEST((judged({}).verdict == health::healthy));
}

BOOST_AUTO_TEST_CASE(that_does_not_answer_is_failing)
{
    health_report report;
    report.servers.push_back({.name = "main", .why = failure(errc::unreachable, "nobody is there")});
    report = judged(std::move(report));
    BOOST_REQUIRE(report.findings.size() == 1U);
    BOOST_TEST((report.findings[0].what == health_problem::unreachable));
    BOOST_TEST((report.findings[0].weight == severity::critical));
    BOOST_TEST(report.findings[0].where == "server main");
    BOOST_TEST((report.findings[0].words.find("nobody is there") != std::string::npos));
    BOOST_TEST((report.verdict == health::failing));
}

BOOST_AUTO_TEST_CASE(that_may_not_be_asked_about_itself_is_healthy)
{
    auto report = of_lag(0);
    report.servers[0].info.reset();
    report = judged(std::move(report));
    BOOST_REQUIRE(report.findings.size() == 1U);
    BOOST_TEST((report.findings[0].what == health_problem::not_told));
    BOOST_TEST((report.verdict == health::healthy));
}

BOOST_AUTO_TEST_CASE(that_is_a_replica_is_failing)
{
    auto report = of_lag(0);
    report.servers[0].info->role = server_role::replica;
    report = judged(std::move(report));
    BOOST_TEST(found(report, health_problem::replica));
    BOOST_TEST((report.verdict == health::failing));
}

BOOST_AUTO_TEST_CASE(that_may_drop_streams_locks_or_marks_is_degraded)
{
    for (auto const* const policy : {"allkeys-lru", "allkeys-random", "volatile-ttl", "volatile-lfu"}) {
        auto report = of_lag(0);
        report.servers[0].info->memory_policy = policy;
        report = judged(std::move(report));
        auto const* const one = found(report, health_problem::evicting);
        BOOST_REQUIRE(one);
        BOOST_TEST((one->words.find(policy) != std::string::npos));
        BOOST_TEST((report.verdict == health::degraded));
    }
}

BOOST_AUTO_TEST_CASE(whose_memory_is_nearly_full_is_degraded_and_failing_when_it_is_full)
{
    for (auto const used : {90U, 99U, 100U, 130U}) {
        auto report = of_lag(0);
        report.servers[0].info->used_memory = used;
        report.servers[0].info->max_memory = 100;
        report = judged(std::move(report));
        BOOST_TEST(found(report, health_problem::memory_nearly_full));
        BOOST_TEST((report.verdict == (used < 100 ? health::degraded : health::failing)));
    }
}

BOOST_AUTO_TEST_CASE(with_a_stream_that_is_something_else_is_degraded)
{
    auto report = of_lag(0);
    report.servers[0].name = "main";
    report.servers[0].streams[0].statistics.why = failure(errc::wrong_type, "a text");
    report = judged(std::move(report));
    auto const* const one = found(report, health_problem::stream_unusable);
    BOOST_REQUIRE(one);
    BOOST_TEST(one->where == "stream orders of server main");
    report.servers[0].streams[0].statistics.why = errc::no_group;
    BOOST_TEST(judged(std::move(report)).findings.empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(health_of_a_backlog)

BOOST_AUTO_TEST_CASE(is_bad_when_it_has_grown_three_times_in_a_row)
{
    BOOST_TEST(!grows({1'000, 2'000, 3'000}));
    BOOST_TEST(grows({1'000, 2'000, 3'000, 4'000}));
    BOOST_TEST(grows({9'000, 1'000, 2'000, 3'000, 4'000}));
    BOOST_TEST(!grows({1'000, 2'000, 3'000, 4'000, 4'000}));
    BOOST_TEST(!grows({1'000, 2'000, 1'500, 3'000, 4'000}));
    BOOST_TEST(!grows({9'000, 9'000, 9'000, 9'000, 9'000}));
}

BOOST_AUTO_TEST_CASE(is_good_while_it_is_small)
{
    BOOST_TEST(!grows({0, 1, 2, 99}));
    BOOST_TEST(grows({0, 1, 2, 100}));
}

BOOST_AUTO_TEST_CASE(is_not_compared_by_checks_that_come_close_together)
{
    BOOST_TEST(!grows({1'000, 2'000, 3'000, 4'000, 5'000, 6'000}, false, 1s));
    // Of these every fifth is.
    BOOST_TEST(
        grows({100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 300, 301, 302, 303, 304, 400}, false, 2s)
    );
}

BOOST_AUTO_TEST_CASE(is_not_known_to_end_where_it_could_not_be_counted)
{
    health_judge judge({});
    std::vector<bool> told;
    auto passed = 0s;
    for (auto report :
         {of_lag(1'000), of_lag(5'000), of_lag(9'000), of_lag(10'000, true), of_lag(10'000, true),
          of_lag(9'000)})
    {
        judge.judge(report, at(passed));
        auto const* const one = found(report, health_problem::backlog_growing);
        told.push_back(one != nullptr);
        if (one) {
            BOOST_TEST(one->where == "group billing of stream orders");
            BOOST_TEST(one->words.starts_with("at least 10000 "));
        }
        passed += 60s;
    }
    BOOST_TEST((told == std::vector{false, false, false, true, true, false}));
}

BOOST_AUTO_TEST_CASE(is_remembered_while_the_server_is_gone_and_forgotten_with_its_group)
{
    health_judge judge({});
    auto passed = 0s;
    auto const see = [&](health_report report) {
        judge.judge(report, at(passed += 60s));
        return found(report, health_problem::backlog_growing) != nullptr;
    };
    for (auto const lag : {100U, 200U, 300U})
        BOOST_TEST(!see(of_lag(lag)));
    health_report gone;
    gone.servers.push_back({.name = "", .why = errc::unreachable});
    BOOST_TEST(!see(gone));
    BOOST_TEST(see(of_lag(400)));
    auto without = of_lag(0);
    without.servers[0].streams[0].statistics.groups.clear();
    BOOST_TEST(!see(without));
    BOOST_TEST(!see(of_lag(500)));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(health_of_a_consumer)

BOOST_AUTO_TEST_CASE(that_reads_is_good)
{
    BOOST_TEST(judged(of_consumer()).findings.empty());
}

BOOST_AUTO_TEST_CASE(that_was_destroyed_or_does_not_run_or_does_not_answer_is_failing)
{
    auto stopped = of_consumer();
    stopped.consumers[0].status.running = false;
    stopped.consumers[0].status.streams[0].since_read.reset();
    BOOST_TEST(found(judged(stopped), health_problem::consumer_stopped));
    auto destroyed = of_consumer();
    destroyed.consumers[0].status = {};
    destroyed.consumers[0].why = errc::not_running;
    BOOST_TEST(found(judged(destroyed), health_problem::consumer_stopped));
    auto silent = of_consumer();
    silent.consumers[0].status = {};
    silent.consumers[0].why = errc::timed_out;
    auto const report = judged(silent);
    BOOST_REQUIRE(report.findings.size() == 1U);
    BOOST_TEST((report.findings[0].what == health_problem::consumer_silent));
    BOOST_TEST(report.findings[0].where == "consumer clerk");
    BOOST_TEST((report.verdict == health::failing));
}

BOOST_AUTO_TEST_CASE(whose_reads_fail_is_failing)
{
    auto report = of_consumer();
    report.consumers[0].status.streams[0].why = failure(errc::wrong_type, "a text");
    report = judged(std::move(report));
    auto const* const one = found(report, health_problem::stream_not_read);
    BOOST_REQUIRE(one);
    BOOST_TEST(one->where == "stream orders of consumer clerk");
    BOOST_TEST((one->words.find("a text") != std::string::npos));
    BOOST_TEST((report.verdict == health::failing));
}

BOOST_AUTO_TEST_CASE(that_has_not_read_for_long_is_failing_unless_it_is_not_to_read)
{
    auto report = of_consumer();
    auto& status = report.consumers[0].status;
    status.streams[0].since_read = 29s;
    BOOST_TEST(judged(report).findings.empty());
    status.streams[0].since_read = 30s;
    BOOST_TEST(found(judged(report), health_problem::stream_not_read));
    status.streams[0].is_paused = true;
    BOOST_TEST(judged(report).findings.empty());
}

BOOST_AUTO_TEST_CASE(that_has_just_begun_has_time_to_read)
{
    health_judge judge({});
    auto const see = [&](std::chrono::seconds passed, bool has_read) {
        auto report = of_consumer();
        if (!has_read)
            report.consumers[0].status.streams[0].since_read.reset();
        judge.judge(report, at(passed));
        return found(report, health_problem::stream_not_read) != nullptr;
    };
    BOOST_TEST(!see(0s, false));
    BOOST_TEST(!see(29s, false));
    BOOST_TEST(see(30s, false));
    BOOST_TEST(!see(31s, true));
    // Another run.
    BOOST_TEST(!see(32s, false));
    BOOST_TEST(!see(61s, false));
    BOOST_TEST(see(62s, false));
}

BOOST_AUTO_TEST_CASE(that_comes_by_the_name_of_one_who_is_not_looked_after_any_more_has_time_to_read)
{
    health_judge judge({});
    auto const see = [&](std::chrono::seconds passed) {
        auto report = of_consumer();
        report.consumers[0].status.streams[0].since_read.reset();
        judge.judge(report, at(passed));
        return found(report, health_problem::stream_not_read) != nullptr;
    };
    BOOST_TEST(!see(0s));
    health_report of_nobody;
    judge.judge(of_nobody, at(20s));
    BOOST_TEST(!see(40s));
    BOOST_TEST(see(70s));
}

BOOST_AUTO_TEST_CASE(with_stuck_handlers_is_degraded_and_what_is_worse_comes_first)
{
    auto report = of_consumer();
    report.consumers[0].status.running_handlers = 5;
    report.consumers[0].status.stuck_handlers = 2;
    report = judged(std::move(report));
    BOOST_REQUIRE(report.findings.size() == 1U);
    BOOST_TEST((report.findings[0].what == health_problem::handlers_stuck));
    BOOST_TEST((report.verdict == health::degraded));
    report.consumers[0].status.streams[0].why = errc::wrong_type;
    report = judged(std::move(report));
    BOOST_REQUIRE(report.findings.size() == 2U);
    BOOST_TEST((report.findings[0].what == health_problem::stream_not_read));
    BOOST_TEST((report.findings[1].what == health_problem::handlers_stuck));
}

BOOST_AUTO_TEST_SUITE_END()
