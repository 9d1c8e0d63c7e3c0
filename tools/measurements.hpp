#pragma once

#include "session.hpp"

#include <strandline/statistics.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <vector>

/// What there is to be counted of streams, for the commands that show it.
namespace strandline::tools {

/// A stream and what was counted of it.
struct measurement
{
    std::string stream;
    stream_statistics counted;
};

struct measurements
{
    std::vector<measurement> of;
    /// What is to be said about streams of which nothing could be counted.
    std::vector<std::string> missing;
};

/// The names of all streams in their order, or without those of dead letters.
asio::awaitable<std::vector<std::string>> list_streams(session& at, bool with_dead_letters);

/// Of these streams. Throws `error`.
asio::awaitable<measurements> measure(session& at, std::vector<std::string> const& streams);

/// Of these, or where none is named of all but those of dead letters; one that goes meanwhile is not missing
/// then.
asio::awaitable<measurements> measure_these_or_all(session& at, std::vector<std::string> const& streams);

/// Of one stream. Throws std::runtime_error also when it is missing.
asio::awaitable<measurement> measure(session& at, std::string const& stream);

/// Throws std::runtime_error when some are missing.
void check_complete(measurements const& all);

/// The group of that name. Throws std::runtime_error when there is none.
group_statistics const& find_group(measurement const& in, std::string const& name);

/// Its numbers, without its groups.
boost::json::object to_json(measurement const& of);

/// Its numbers, among them that of its consumers.
boost::json::object to_json(group_statistics const& group, measurement const& in);

boost::json::object to_json(consumer_info const& consumer);

/// The same to be listed, with the names of what it belongs to. In a table, a lag that may be greater is
/// `10000+`.
boost::json::object row_of(session const& at, group_statistics const& group, measurement const& in);

boost::json::object row_of(consumer_info const& consumer, group_statistics const& of, measurement const& in);

} // namespace strandline::tools
