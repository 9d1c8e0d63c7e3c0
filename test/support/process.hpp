#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace strandline::testing {

/// A program that runs beside the test. It ends with this object, and with the process of the test, however
/// that ends.
///
/// Everything here throws std::system_error or std::runtime_error.
class process
{
public:
    /// What a program has beside its arguments.
    struct surroundings
    {
        /// Descriptors for its standard input, output and error; -1: those of the test. They stay the
        /// caller's.
        int in = -1;
        int out = -1;
        int err = -1;
        /// `NAME=VALUE`, beside the variables of the test.
        std::vector<std::string> environment = {};
    };

    /// The program's path and its arguments.
    explicit process(std::vector<std::string> command) : process(std::move(command), surroundings{}) {}

    process(std::vector<std::string> command, surroundings const& with);
    ~process();

    process(process&& other) noexcept : id_(std::exchange(other.id_, -1)) {}

    process& operator=(process&& other) noexcept
    {
        std::swap(id_, other.id_);
        return *this;
    }

    /// Until it has been waited for.
    pid_t id() const noexcept { return id_; }

    void send(int signal) const;

    /// It need not have been waited for.
    bool has_ended() const;

    /// Waits for its end: its exit status, or the negative number of the signal that ended it.
    int wait();

    /// Ends it as a crash would, and returns when nothing of it goes on.
    void kill();

private:
    pid_t id_ = -1;
};

} // namespace strandline::testing
