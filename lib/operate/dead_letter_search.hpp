#pragma once

#include <strandline/broker.hpp>
#include <strandline/dead_letters.hpp>

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace strandline::operate {

/// What an entry of a stream of dead letters says. A foreign one that says less has empty members.
dead_letter read_letter(listed_entry const& from);

/// Goes through the dead letters of a stream that a filter lets through, from the oldest to the youngest that
/// was there when it began.
class dead_letter_search
{
public:
    /// What is referred to must outlive this.
    dead_letter_search(broker& engine, std::string const& stream, dead_letter_filter const& which);

    /// Asks for the bounds. Errors: `invalid_name`, and what the engine cannot tell.
    asio::awaitable<failure> begin(entry_id after);

    /// Appends the next ones to `out`, none or more. Not after the end.
    asio::awaitable<failure> next(std::size_t most, std::vector<listed_entry>& out);

    bool at_end() const noexcept { return at_end_; }

    /// It has come so far.
    entry_id position() const noexcept { return position_; }

private:
    /// Within its bounds.
    bool lets_all_through() const;
    bool lets_through(listed_entry const& one) const;

    broker& engine_;
    std::string const& stream_;
    dead_letter_filter const& which_;
    entry_id position_;
    /// None behind it is looked at.
    entry_id last_;
    bool at_end_ = true;
};

} // namespace strandline::operate
