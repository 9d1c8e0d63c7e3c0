#include "operate/health_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace strandline::operate {

namespace {

health verdict_of(severity gravest)
{
    switch (gravest) {
    case severity::info:
        return health::healthy;
    case severity::warning:
        return health::degraded;
    case severity::critical:
        return health::failing;
    }
    return health::failing;
}

} // namespace

void health_judge::judge(health_report& report, time_point now)
{
    findings_.clear();
    for (auto const& seen : report.servers)
        judge_server(seen, now);
    // Who is not looked after any more is forgotten: another one may come by that name.
    auto const unread_before = std::exchange(unread_since_, {});
    for (auto const& seen : report.consumers)
        judge_consumer(seen, unread_before, now);
    report.verdict = verdict_of(findings_.empty() ? severity::info : findings_.front().weight);
    report.findings = std::move(findings_);
}

void health_judge::find(severity weight, health_problem what, std::string where, std::string words)
{
    auto const place = std::ranges::upper_bound(findings_, weight, std::greater(), &finding::weight);
    findings_.insert(place, {weight, what, std::move(where), std::move(words)});
}

void health_judge::judge_server(server_health const& seen, time_point now)
{
    auto const where = seen.name.empty() ? std::string("server") : "server " + seen.name;
    if (seen.why)
        return find(severity::critical, health_problem::unreachable, where, seen.why.message());
    if (seen.info)
        judge_memory(*seen.info, where);
    else
        find(
            severity::info, health_problem::not_told, where,
            "the user may not ask for the server's version, role and memory"
        );
    for (auto const& stream : seen.streams) {
        auto const place =
            seen.name.empty() ? "stream " + stream.name : fmt::format("stream {} of {}", stream.name, where);
        judge_stream(stream, place, backlogs_[{seen.name, stream.name}], now);
    }
}

void health_judge::judge_memory(server_info const& info, std::string const& where)
{
    if (info.role == server_role::replica)
        find(severity::critical, health_problem::replica, where, "it is a replica, and takes no writes");
    // Also where there is no limit yet: who sets one later thinks of other things.
    if (info.memory_policy.starts_with("allkeys-"))
        find(
            severity::warning, health_problem::evicting, where,
            info.memory_policy + ": when its memory is full the server removes whole streams"
        );
    else if (info.memory_policy.starts_with("volatile-"))
        find(
            severity::warning, health_problem::evicting, where,
            info.memory_policy + ": when its memory is full the server removes locks and idempotency marks"
        );
    auto const is_full = info.used_memory >= info.max_memory;
    auto const share = static_cast<double>(info.used_memory) / static_cast<double>(info.max_memory);
    if (info.max_memory != 0 && (is_full || share >= options_.memory_share))
        find(
            is_full ? severity::critical : severity::warning, health_problem::memory_nearly_full, where,
            fmt::format("{} of {} bytes are used", info.used_memory, info.max_memory)
        );
}

void health_judge::judge_stream(
    stream_health const& seen, std::string const& where, trends& known, time_point now
)
{
    auto const& told = seen.statistics;
    if (told.why) {
        // One that does not exist waits for its first event.
        if (told.why == errc::no_group)
            known.clear();
        else
            find(severity::warning, health_problem::stream_unusable, where, told.why.message());
        return;
    }
    std::erase_if(known, [&](auto const& one) {
        return std::ranges::find(told.groups, one.first, &group_statistics::name) == told.groups.end();
    });
    for (auto const& group : told.groups) {
        auto const [one, is_new] = known.try_emplace(group.name, trend{group.lag, now});
        if (!is_new && grows(one->second, group, now))
            find(
                severity::warning, health_problem::backlog_growing,
                fmt::format("group {} of {}", group.name, where),
                fmt::format(
                    "{}{} entries are not delivered yet; there were more at each of the last {} checks",
                    group.lag_is_at_least ? "at least " : "", group.lag, one->second.grown
                )
            );
    }
}

bool health_judge::grows(trend& known, group_statistics const& group, time_point now) const
{
    if (now - known.compared_at >= options_.growing_interval) {
        if (group.lag > known.lag)
            ++known.grown;
        // Two that could not be counted to the end cannot be compared.
        else if (!group.lag_is_at_least)
            known.grown = 0;
        known.lag = group.lag;
        known.compared_at = now;
    }
    return known.grown >= options_.growing_checks && group.lag >= options_.least_backlog;
}

void health_judge::judge_consumer(consumer_health const& seen, unread_streams const& before, time_point now)
{
    auto const where = "consumer " + seen.name;
    auto const& told = seen.status;
    if (seen.why == errc::timed_out)
        return find(
            severity::critical, health_problem::consumer_silent, where,
            fmt::format("it has not answered for {} ms", options_.timeout.count())
        );
    if (seen.why || !told.running)
        find(
            severity::critical, health_problem::consumer_stopped, where,
            seen.why ? "it was destroyed" : "it does not run"
        );
    if (told.stuck_handlers != 0)
        find(
            severity::warning, health_problem::handlers_stuck, where,
            fmt::format(
                "{} of {} handlers were cancelled and have not returned", told.stuck_handlers,
                told.running_handlers
            )
        );
    for (auto const& stream : told.streams)
        if (is_unread(seen, stream, before, now))
            find(
                severity::critical, health_problem::stream_not_read,
                fmt::format("stream {} of {}", stream.name, where),
                stream.why          ? stream.why.message()
                : stream.since_read ? fmt::format("it was read last {} ms ago", stream.since_read->count())
                                    : std::string("it has not been read yet")
            );
}

bool health_judge::is_unread(
    consumer_health const& seen, stream_status const& of, unread_streams const& before, time_point now
)
{
    std::pair key(seen.name, of.name);
    auto const never_read = seen.status.running && !of.since_read;
    auto since = now;
    if (never_read) {
        if (auto const known = before.find(key); known != before.end())
            since = known->second;
        unread_since_.emplace(std::move(key), since);
    }
    if (!seen.status.running || of.is_paused)
        return false;
    if (of.why)
        return true;
    return never_read ? now - since >= options_.read_timeout : *of.since_read >= options_.read_timeout;
}

} // namespace strandline::operate
