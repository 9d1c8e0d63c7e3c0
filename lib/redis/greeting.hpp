#pragma once

#include "redis/replies.hpp"

#include <strandline/redis.hpp>

#include <boost/redis/request.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace strandline::redis {

/// The first words on a connection, and what the answers mean.
class greeting
{
public:
    explicit greeting(redis_options const& options);

    /// Says who we are, and chooses the database.
    boost::redis::request const& to_server() const noexcept { return to_server_; }

    /// Says who we are, and asks for the master.
    boost::redis::request const& to_sentinel() const noexcept { return to_sentinel_; }

    /// Whether the server lets us in: `refused`, `unavailable`, or `unreachable` for a replica where the
    /// master should be. The words are the server's.
    failure judge(node_replies const& of_server) const;

    /// The connection's number; nothing where the user may not ask for it.
    std::optional<std::uint64_t> client_id(node_replies const& of_server) const;

    /// `refused`, or `unreachable` when the sentinel does not know the master.
    result<redis_address> master(node_replies const& of_sentinel) const;

private:
    boost::redis::request to_server_;
    boost::redis::request to_sentinel_;
    std::string password_;
    std::string sentinel_password_;
    std::string master_name_;
    bool asks_role_;
};

} // namespace strandline::redis
