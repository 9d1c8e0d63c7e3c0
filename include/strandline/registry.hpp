#pragma once

#include <strandline/broker.hpp>
#include <strandline/open.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strandline {

/// A stream and the groups that read it.
struct stream_declaration
{
    std::string name;
    /// None: it is only published to.
    std::vector<std::string> groups = {};
};

/// A server, or one of its databases, and the streams that live there.
struct server_options
{
    /// By which the program and its errors call it.
    std::string name;
    /// As for `open`. Never shown in an error or a log.
    std::string url;
    connection_times times = {};
    std::vector<stream_declaration> streams = {};
};

/// What a registry is made of: in code, or by `server_from_environment`, or by `parse_yaml` of the component
/// `strandline::yaml`.
struct registry_options
{
    std::vector<server_options> servers;
};

/// Checks that there is a server, that names can be used and are declared once (a stream once in the whole
/// registry, a group once for its stream), URLs, and ranges. The words begin with the member:
/// `registry_options::servers[1].streams[0].name: …`.
///
/// Errors: `invalid_option`, `invalid_name`, `invalid_url`.
failure validate(registry_options const& options);

/// Servers and the streams on them, each stream on one.
///
/// A handle: copies share the brokers, which stay open until `close`, or until the last copy and everything
/// that was made of the registry is gone. What it knows does not change. Thread safety: all members may be
/// called from any thread, also at the same time.
class registry
{
public:
    struct server
    {
        std::string name;
        broker_ptr broker;
        std::vector<stream_declaration> streams;
    };

    /// Opens a broker for each server, each on a strand of its own of `executor`, whose context must outlive
    /// them. Nothing is connected yet, as with `open`. Throws `error` with what `validate` says, or
    /// why a broker cannot be made, with the server's name.
    registry(asio::any_io_executor executor, registry_options options);

    /// The broker of the server on which the stream is. Error: `invalid_name`, whose words name the stream
    /// and those that are known.
    result<broker_ptr> broker_of(std::string_view stream) const;

    /// Whether the group is declared for the stream. Error: `invalid_name`, with the group, the stream, and
    /// the groups that are known; or those of `broker_of`.
    failure check_group(std::string_view stream, std::string_view group) const;

    /// All there is, in the order of the options; at least one. Valid as long as a copy of the registry.
    std::span<server const> servers() const noexcept;

    /// Closes all brokers, as `broker::close` does.
    void close() const;

private:
    struct state;

    std::shared_ptr<state const> state_;
};

} // namespace strandline
