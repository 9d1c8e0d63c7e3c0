#pragma once

#include "session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::tools {

/// Things of one kind, to be printed: with --json each as a line of JSON, with all of its members; else as a
/// table of some members under a headline, columns aligned. A member `..._ms` is a duration, which a table
/// shows in units for people, without the ending in the headline.
class listing
{
public:
    /// The members that the table shows, in this order.
    explicit listing(std::initializer_list<std::string_view> columns);

    void add(boost::json::object thing) { things_.push_back(std::move(thing)); }

    /// Prints and forgets what was added. The headline comes with the first call. Columns of a later call may
    /// be of other widths. Fails as `standard_output::write` does.
    asio::awaitable<void> print(session& at);

    /// What `print` prints, and forgets as well.
    std::string take(bool json);

private:
    std::string lines() const;
    std::string table();

    std::vector<std::string> columns_;
    std::vector<boost::json::object> things_;
    bool has_headline_ = false;
};

/// A line of JSON.
std::string json_line(boost::json::object const& thing);

} // namespace strandline::tools
