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
    /// The program's path and its arguments.
    explicit process(std::vector<std::string> command);
    ~process();

    process(process&& other) noexcept : id_(std::exchange(other.id_, -1)) {}

    process& operator=(process&& other) noexcept
    {
        std::swap(id_, other.id_);
        return *this;
    }

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
