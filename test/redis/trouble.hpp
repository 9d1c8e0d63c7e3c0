#pragma once

#include "pipeline/stage.hpp"
#include "support/redis_proxy.hpp"
#include "support/redis_server.hpp"

#include <strandline/redis.hpp>

#include <memory>
#include <string>
#include <vector>

/// Producers and consumers on a server that something happens to.
namespace strandline::testing {

/// Options that soon notice that something has happened, and soon try again.
redis_options impatient(redis_server const& server);
redis_options impatient(redis_proxy const& proxy);

/// As `check`, with a broker of these options.
void check_on(redis_options const& options, std::function<asio::awaitable<void>(stage&)> body);

/// A broker of the same strand that reaches the server in its own way.
struct neighbour : stage
{
    neighbour(stage const& of, redis_options const& options) : stage(make_redis_broker(of.strand(), options))
    {}

    /// What a failed test leaves running shall not go on until the guard.
    ~neighbour() { broker->close(); }
};

/// What a consumer told of its troubles.
class troubles
{
public:
    explicit troubles(asio::any_io_executor const& strand) : told_(strand) {}

    void tell(failure const& why)
    {
        all_.push_back(why);
        told_.add();
    }

    std::vector<failure> const& all() const noexcept { return all_; }

    bool has(errc code) const;

    /// Waits until one of that code was told.
    asio::awaitable<void> until(errc code);

    /// Waits until so many were told in all.
    asio::awaitable<void> reach(std::size_t count) { return told_.reach(count); }

private:
    tally told_;
    std::vector<failure> all_;
};

/// Options of a consumer of that group that tells its troubles.
consumer_options telling(std::string group, std::shared_ptr<troubles> to);

/// The same with a name, for one that looks all the time for what others leave behind.
consumer_options leased(std::string name, std::shared_ptr<troubles> to, std::chrono::milliseconds lease);

/// A consumer of "orders" whose handlers wait at a gate.
class waiting_consumer
{
public:
    waiting_consumer(stage const& of, consumer_options options);

    std::size_t begun() const noexcept { return doors->arrived.count(); }

    std::shared_ptr<gate> doors;
    /// Handlers that were.
    std::shared_ptr<tally> cancelled;
    std::shared_ptr<consumer> clerk;
};

/// Publishes to "orders" so many times, over no connection that something happens to.
void publish_to(redis_server const& server, std::size_t count);

/// How much of "orders" is pending for that consumer of "billing".
std::size_t count_pending(redis_server const& server, std::string_view consumer);

/// Waits until reads of so many consumers wait at the server.
asio::awaitable<void> until_readers_wait(stage& of, redis_server const& server, std::size_t count = 1);

/// Waits until the replica has all that the master has now.
asio::awaitable<void> until_replicated(stage& of, redis_server const& master, redis_server const& replica);

/// The ids of the server's connections that now run that command, or did last.
std::vector<std::string> connections_in(redis_server const& server, std::string_view command);

/// How often the server carried out that command ("client|unblock"), or any when none is named.
long count_commands(redis_server const& server, std::string_view command = {});

/// Lets real time pass: for what must not happen meanwhile.
asio::awaitable<void> pass(std::chrono::milliseconds time);

} // namespace strandline::testing
