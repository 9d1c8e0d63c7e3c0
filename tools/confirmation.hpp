#pragma once

#include "session.hpp"

#include <boost/asio/awaitable.hpp>

#include <CLI/CLI.hpp>

#include <string>

namespace strandline::tools {

/// Commands that destroy something have the option --yes, without which they ask.
class confirmation
{
public:
    void add_to(CLI::App& command);

    /// Throws `usage_error` where somebody would have to be asked and there is nobody at a terminal. `what`
    /// is what would be done: "remove 3 delayed events of orders".
    void check(std::string const& what) const;

    /// Asks, unless it was said before. Throws std::runtime_error when the answer is not yes.
    asio::awaitable<void> ask(session& at, std::string what) const;

private:
    bool yes_ = false;
};

} // namespace strandline::tools
