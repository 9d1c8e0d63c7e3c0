#pragma once

#include "support/process.hpp"
#include "support/redis_server.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The command strandline, run as a user does.
namespace strandline::testing {

/// A file without a name, or one end of a pipe; closed with this object.
class owned_descriptor
{
public:
    owned_descriptor() = default;
    explicit owned_descriptor(int of) noexcept : of_(of) {}
    ~owned_descriptor();

    owned_descriptor(owned_descriptor&& other) noexcept : of_(std::exchange(other.of_, -1)) {}

    owned_descriptor& operator=(owned_descriptor&& other) noexcept
    {
        std::swap(of_, other.of_);
        return *this;
    }

    int get() const noexcept { return of_; }

    void close() { *this = owned_descriptor(); }

private:
    int of_ = -1;
};

/// A file that holds the text, to be read from its beginning.
owned_descriptor file_of(std::string_view text);

/// All that the file has, also while somebody writes to it.
std::string content_of(owned_descriptor const& file);

struct pipe_ends
{
    owned_descriptor reading;
    owned_descriptor writing;
};

pipe_ends make_pipe();

void write_all(owned_descriptor const& to, std::string_view text);

/// Waits for it, at most as long as any test needs.
std::string read_line(owned_descriptor const& from);

/// Asks again and again until it is so; throws std::runtime_error that says what never was.
void until(std::string_view what, std::function<bool()> const& is_so);

std::vector<std::string> lines_of(std::string const& text);

/// A line each.
std::vector<boost::json::value> json_lines(std::string const& text);

/// What the command has said.
struct said
{
    int status = -1;
    std::string out;
    std::string err;

    bool complains(std::string_view words) const { return err.find(words) != err.npos; }
};

/// The command while it runs. Its output goes to files, unless it was given a descriptor.
class invocation
{
public:
    struct streams
    {
        /// Standard input; -1: it is empty.
        int in = -1;
        int out = -1;
        std::vector<std::string> environment = {};
    };

    invocation(std::vector<std::string> arguments, streams const& with);

    void send(int signal) const { process_.send(signal); }

    pid_t id() const noexcept { return process_.id(); }

    bool has_ended() const { return process_.has_ended(); }

    /// So far; empty where it goes elsewhere.
    std::string out() const { return content_of(out_); }

    std::string err() const { return content_of(err_); }

    /// Waits for its end.
    said end();

    void kill() { process_.kill(); }

private:
    owned_descriptor in_;
    owned_descriptor out_;
    owned_descriptor err_;
    process process_;
};

/// A server, and the command with its URL in the environment.
struct with_server
{
    redis_server server{{.tcp = true, .arguments = {}}};
    std::string url = "redis://127.0.0.1:" + std::to_string(server.port());

    invocation start(std::vector<std::string> arguments, invocation::streams with = {}) const;

    /// With that text for standard input.
    said run(std::vector<std::string> arguments, std::string_view input = {}) const;

    /// The number that the server answers.
    long number(std::initializer_list<std::string_view> command) const;
};

/// Without a server in the environment.
said run_alone(std::vector<std::string> arguments, std::string_view input = {});

} // namespace strandline::testing
