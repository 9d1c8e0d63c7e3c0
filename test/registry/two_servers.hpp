#pragma once

#include "pipeline/stage.hpp"

#include <strandline/registry.hpp>

#include <functional>
#include <string>

namespace strandline::testing {

/// What a test over two servers works on: a registry, and each server as a stage. The stream `orders` with
/// the groups `billing` and `shipping` is on the first, the streams `mails` with `billing` and `visits`
/// without groups on the second.
struct two_servers
{
    two_servers(asio::any_io_executor executor, std::string first_url, std::string second_url);

    registry known;
    stage first;
    stage second;

    std::shared_ptr<consumer> make_consumer(consumer_options options) const
    {
        return std::make_shared<consumer>(known, std::move(options));
    }

    /// Publishes to the server of the stream.
    asio::awaitable<entry_id> publish(std::string stream, std::string body);

    /// Entries of the group that are neither read nor settled on the stream's server, together.
    asio::awaitable<std::size_t> left(std::string stream, std::string group);

    /// How many entries the stream has on that server.
    static asio::awaitable<std::uint64_t> length(stage const& of, std::string stream);
};

/// Runs the body on the first server's strand: with both in memory, with one in memory and one a Redis
/// server, and with two databases of one Redis server. It fails when the body hangs, or when something goes
/// on after the registry is closed.
void check_on_two(std::function<asio::awaitable<void>(two_servers&)> body);

} // namespace strandline::testing
