#pragma once

#include <strandline/redis.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace strandline::redis {

/// `host:6379`, an IPv6 address in brackets.
std::string to_string(redis_address const& address);

/// Which address is tried next, and what became of those that were tried.
///
/// A stop is an address of the list, the socket, or with Sentinel a sentinel; a round goes through all stops
/// once. A sentinel's stop takes two attempts: at the sentinel, and at the master that it named.
class route
{
public:
    explicit route(redis_options const& options);

    /// Where an attempt goes.
    struct target
    {
        /// How errors name it.
        std::string name;
        redis_address at;
        bool is_sentinel = false;
        bool tls = false;
    };

    target next() const;

    /// The sentinel at hand named this master: it is next.
    void master_is(redis_address master) { master_ = std::move(master); }

    /// The attempt at hand failed: on to the next stop. True at the end of a round.
    bool failed(failure why);

    /// The attempt at hand has become a connection.
    void arrived();

    /// The connection has ended: a round begins, here.
    void lost(failure why);

    /// Why there is no connection after that time: `refused` or `unavailable` if a stop said so, else
    /// `unreachable`. The words name all stops, each with what was last said of it.
    failure problem(std::chrono::milliseconds waited) const;

    /// What each attempt may take, so that a round is over within the connect timeout.
    std::chrono::milliseconds time_for_attempt() const;

private:
    struct stop
    {
        redis_address at;
        std::string name;
        failure problem;
    };

    bool has_sentinels() const noexcept { return !master_name_.empty(); }

    void note(failure why);

    std::vector<stop> stops_;
    std::string master_name_;
    bool tls_;
    bool sentinel_tls_;
    std::chrono::milliseconds connect_timeout_;
    std::size_t at_ = 0;
    std::size_t failed_in_round_ = 0;
    std::optional<redis_address> master_;
};

} // namespace strandline::redis
