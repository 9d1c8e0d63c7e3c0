#pragma once

#include "promote/promoter.hpp"

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/janitor.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace strandline::operate {

/// What a janitor does on one server. Belongs to the broker's strand.
class housekeeping
{
public:
    housekeeping(
        broker_ptr engine, std::vector<stream_declaration> streams,
        std::shared_ptr<janitor_options const> options
    );

    asio::any_io_executor const& get_executor() const noexcept { return engine_->get_executor(); }

    /// Moves what is due, and cleans a stream whenever its turn in the interval is ours; until told to stop.
    /// One run at a time.
    asio::awaitable<detail::conclusion<janitor_report>> run(std::stop_token stop);

    /// Each stream once, without asking for turns.
    asio::awaitable<detail::conclusion<janitor_report>> sweep(std::stop_token stop);

private:
    asio::awaitable<void> clean_in_turns(std::stop_token stop, janitor_report& report);
    asio::awaitable<failure>
    clean(std::size_t stream, bool also_names, std::stop_token const& stop, janitor_report& report);
    asio::awaitable<failure>
    collect(stream_declaration const& stream, std::stop_token const& stop, janitor_report& report);
    asio::awaitable<failure>
    remove_consumers(stream_declaration const& stream, std::stop_token const& stop, janitor_report& report);
    asio::awaitable<failure>
    promote(std::string const& stream, std::stop_token const& stop, janitor_report& report);
    asio::awaitable<void> others() const;
    promote::promoter::hooks promoter_hooks(janitor_report& report, std::stop_source& over);
    void tell(std::string const& stream, failure const& why) const;

    broker_ptr engine_;
    std::vector<stream_declaration> streams_;
    std::vector<std::string> names_;
    std::shared_ptr<janitor_options const> options_;
    /// By which the lock of an interval is ours.
    std::string token_;
    /// When the names of each stream's consumers are looked at again in a turn: in a large group that takes
    /// the server long, and names stay for much longer than an interval.
    std::vector<std::chrono::steady_clock::time_point> next_names_;
    /// What was told last of cleaning each stream; empty when that went well since.
    std::vector<std::string> told_;
    /// The same of moving delayed events, by stream.
    std::map<std::string, std::string> told_of_delayed_;
};

} // namespace strandline::operate
