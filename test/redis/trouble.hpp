#pragma once

#include "pipeline/stage.hpp"
#include "support/redis_server.hpp"

#include <strandline/redis.hpp>

#include <memory>
#include <string>
#include <vector>

/// Producers and consumers on a server that something happens to.
namespace strandline::testing {

/// Options that soon notice that something has happened, and soon try again.
redis_options impatient(redis_server const& server);

/// As `check`, with a broker of these options.
void check_on(redis_options const& options, std::function<asio::awaitable<void>(stage&)> body);

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

/// The ids of the server's connections that now run that command, or did last.
std::vector<std::string> connections_in(redis_server const& server, std::string_view command);

/// How often the server carried out that command ("client|unblock"), or any when none is named.
long count_commands(redis_server const& server, std::string_view command = {});

/// Lets real time pass: for what must not happen meanwhile.
asio::awaitable<void> pass(std::chrono::milliseconds time);

} // namespace strandline::testing
