#pragma once

#include <stdexcept>

namespace strandline::tools {

/// What the command tells who called it.
enum exit_status : int
{
    done = 0,
    /// It was tried and did not succeed; standard error says why.
    failed = 1,
    /// It was not tried, because what was asked for makes no sense.
    misused = 2,
};

/// Ends the command with `misused`; the words say what is wrong, and no secret.
class usage_error : public std::runtime_error
{
public:
    using runtime_error::runtime_error;
};

} // namespace strandline::tools
