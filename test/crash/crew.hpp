#pragma once

#include "support/process.hpp"
#include "support/redis_server.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Processes that consume from one server, and what they did, also those that were killed.
namespace strandline::testing {

/// A line of the workers' journal.
struct note
{
    /// The label of the worker.
    std::string who;
    /// "begin", "end" and "cancelled" of a handler; "trouble" and "report" of the consumer.
    std::string what;
    /// Of handlers only.
    std::string id;
    std::uint32_t attempt = 0;
    /// The entry's body; the other words of a consumer's note.
    std::string text;
};

/// The workers consume the stream "orders" as the group "billing"; worker.cpp says what their handlers do.
///
/// Everything here blocks, and throws std::runtime_error that says why.
class crew
{
public:
    crew();
    ~crew();

    crew(crew const&) = delete;
    crew& operator=(crew const&) = delete;

    redis_server server{{.tcp = true, .arguments = {}}};

    /// Starts a process, whose notes bear the label. Options: "name", "concurrency", "in-flight", "attempts",
    /// "lease" in ms, "port" of the server on 127.0.0.1; each followed by its value.
    process start(std::string const& label, std::vector<std::string> const& options);

    /// In order; returns the ids.
    std::vector<std::string> publish(std::vector<std::string> const& bodies);

    std::string publish(std::string const& body) { return publish(std::vector{body}).front(); }

    /// All that was noted so far, in the order in which it happened.
    std::vector<note> const& notes();

    std::size_t count(std::string_view what, std::string_view who = {});

    /// Asks again and again until it is so; `what` says in an error what was waited for.
    void until(std::string_view what, std::function<bool()> const& is_so);

    void until_count(std::size_t wanted, std::string_view what, std::string_view who = {});

    /// Until the server has so many connections of workers; what was sent on the others has been carried out.
    void until_connections(std::size_t count);

    std::set<std::string> pending(std::string_view consumer = {});

    /// Nothing is pending, and nothing is left to be read.
    bool is_done();

    /// The `dead-id` of each dead letter, in the order of their deaths.
    std::vector<std::string> dead_letters();

    /// A value of each dead letter's header.
    std::vector<std::string> dead_letters(std::string_view header);

private:
    std::string command(std::vector<std::string_view> const& words) const;

    std::filesystem::path journal_;
    std::ifstream file_;
    std::string unread_;
    std::vector<note> notes_;
    std::string last_published_;
};

/// Random moments; the same ones again with the environment's STRANDLINE_SEED.
class chance
{
public:
    chance();

    std::uint32_t seed() const noexcept { return seed_; }

    std::size_t up_to(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(from_); }

    /// A moment between the notes of a process that works.
    void nap();

private:
    std::uint32_t seed_;
    std::mt19937 from_;
};

} // namespace strandline::testing
