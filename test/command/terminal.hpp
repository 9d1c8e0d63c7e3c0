#pragma once

#include "command/invocation.hpp"

#include <string>
#include <string_view>

namespace strandline::testing {

/// A terminal of 10 lines of 60 columns; the command has its other end.
class terminal
{
public:
    /// Throws std::runtime_error.
    terminal();

    int theirs() const { return theirs_.get(); }

    void type(std::string_view keys) const { write_all(ours_, keys); }

    /// What was written since the last call, until that is in it; throws std::runtime_error when it never is.
    std::string read_until(std::string_view words) const;

    /// Whether keys are shown, and come as lines.
    bool is_as_usual() const;

private:
    owned_descriptor ours_;
    owned_descriptor theirs_;
};

} // namespace strandline::testing
