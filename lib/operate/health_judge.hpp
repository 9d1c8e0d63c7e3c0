#pragma once

#include <strandline/health.hpp>

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace strandline::operate {

/// Decides what is wrong, from what was seen now and in earlier checks.
class health_judge
{
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit health_judge(health_options const& options) : options_(options) {}

    /// Adds findings and verdict to a report of what was seen of servers and consumers.
    void judge(health_report& report, time_point now);

private:
    /// How the backlog of a group goes on.
    struct trend
    {
        std::uint64_t lag = 0;
        time_point compared_at;
        /// Comparisons in a row in which it had grown.
        std::size_t grown = 0;
    };

    /// Of the groups of one stream.
    using trends = std::map<std::string, trend>;

    /// Since when a stream that its consumer has not read yet is known as such; by consumer and stream.
    using unread_streams = std::map<std::pair<std::string, std::string>, time_point>;

    void judge_server(server_health const& seen, time_point now);
    void judge_memory(server_info const& info, std::string const& where);
    void judge_stream(stream_health const& seen, std::string const& where, trends& known, time_point now);
    bool grows(trend& known, group_statistics const& group, time_point now) const;
    void judge_consumer(consumer_health const& seen, unread_streams const& before, time_point now);
    bool is_unread(
        consumer_health const& seen, stream_status const& of, unread_streams const& before, time_point now
    );
    void find(severity weight, health_problem what, std::string where, std::string words);

    health_options options_;
    /// By server and stream.
    std::map<std::pair<std::string, std::string>, trends> backlogs_;
    unread_streams unread_since_;
    /// Of the report at hand, the gravest first.
    std::vector<finding> findings_;
};

} // namespace strandline::operate
