#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace strandline::tools {

/// How far a command is with standard input: a line on the terminal of standard error, written again and
/// again; nothing where there is no terminal, where the input is typed at one, or where the command prints
/// to the terminal what would stand in between.
class progress
{
public:
    explicit progress(bool prints);

    /// So many events are done, and so many bytes of the input were read.
    void update(std::uint64_t events, std::uint64_t bytes);

    /// Removes the line.
    void clear() const;

private:
    using clock = std::chrono::steady_clock;

    bool shown_;
    /// Of the input, where it is a file.
    std::optional<std::uint64_t> size_;
    clock::time_point began_ = clock::now();
    clock::time_point updated_ = began_;
};

} // namespace strandline::tools
