#pragma once

#include "consume/held.hpp"
#include "consume/identity.hpp"
#include "consume/read_plan.hpp"
#include "consume/slots.hpp"
#include "core/condition.hpp"

#include <strandline/broker.hpp>
#include <strandline/consumer_options.hpp>
#include <strandline/consumer_status.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strandline::consume {

/// Reads the streams, as much as there are places.
///
/// Before a stream is read, at the start and after every failed read, its group is made sure of and what is
/// pending for this consumer is looked up: a read whose answer got lost has left its entries there. A stream
/// that fails is tried alone, with growing pauses, while the others go on.
class intake
{
public:
    struct hooks
    {
        std::function<void(held&&)> arrived;
        /// What is in hand of a stream, in the order of ids.
        std::function<std::vector<entry_id>(stream_index)> in_hand;
        /// What else the consumer has pending of a stream, in the order of ids; some of it may have come in
        /// hand meanwhile.
        std::function<void(stream_index, std::vector<pending_entry> const&)> recovered;
        /// The consumer's name in another stream's group is this process's.
        std::function<void()> joined;
        /// Deliveries queued for a lane.
        std::function<std::size_t()> queued;
        /// Places that others need at once.
        std::function<std::size_t()> wanted;
        /// A read brought less than it had reserved places for.
        std::function<void()> places_free;
        std::function<void(failure const&)> on_error;
        /// What the consumer cannot overcome: the broker was closed, its name is taken, or the group has
        /// another lease.
        std::function<void(failure const&)> fatal;
        /// A read ended after `close`.
        std::function<void()> ended;
        /// While draining: the streams hold nothing more, at the moment.
        std::function<void()> dry;
        std::function<void(asio::awaitable<void>)> spawn;
    };

    /// What is referred to must outlive the intake. When it drains it does not wait for new entries.
    intake(
        broker& engine, identity const& who, consumer_options const& options, slots& places, bool drains,
        hooks to
    );

    void start();

    /// Reads if there are places. To be called when some got free.
    void fill();

    /// While draining: looks once more whether there is anything new.
    void look_again();

    bool is_dry() const noexcept { return dry_; }

    void set_limit(std::size_t max_in_flight) { plan_.set_limit(max_in_flight); }

    /// Ends the wait of a read under way, so that the places it keeps get free.
    void wake() { reader_->wake(); }

    /// The consumer's name in that stream's group has been ours.
    bool has_joined(stream_index stream) const { return sources_[stream].joined; }

    /// Reads no more; what reads under way bring still arrives.
    void close();

    /// How a stream fares, but for what is handled of it.
    stream_status status(stream_index stream, std::chrono::steady_clock::time_point now) const;

    /// Streams can be read, and there is no room for what a read may bring.
    bool is_full() const noexcept
    {
        return !readable_.empty() && undecided_ == 0 && !busy() && !dry_ && !closed_;
    }

    /// Something is under way that can bring entries.
    bool busy() const noexcept { return plan_.under_way() != 0; }

    /// Cuts reads under way off. What they were about to bring stays pending for this consumer.
    void abandon() { reader_.reset(); }

private:
    struct source
    {
        source(std::string_view name, asio::any_io_executor const& strand) : name(name), pause(strand) {}

        std::string_view name;
        condition pause;
        /// Its group has existed: when it has to be made again, it begins at the beginning.
        bool known = false;
        /// The consumer's name there is ours.
        bool joined = false;
        bool readable = false;
        bool preparing = false;
        /// What went wrong last, until it goes well again.
        failure why;
        /// When a read of it was answered last.
        std::optional<std::chrono::steady_clock::time_point> read_at;
    };

    asio::awaitable<void> prepare(stream_index index);
    asio::awaitable<failure> join(stream_index index);
    asio::awaitable<failure> take_over_all(stream_index index);
    asio::awaitable<failure> look_up_backlog(stream_index index);
    asio::awaitable<void> read(read_plan::read what);
    void prepare_unreadable();

    broker& engine_;
    identity const& who_;
    consumer_options const& options_;
    slots& places_;
    hooks to_;
    std::unique_ptr<stream_reader> reader_;
    read_plan plan_;
    /// Stays where it is: coroutines refer to its members.
    std::deque<source> sources_;
    std::vector<stream_index> readable_;
    /// Kept for its capacity.
    std::vector<received> spare_;
    /// Failed reads since the last good one; those for want of a right count twice.
    std::uint32_t failures_ = 0;
    /// Streams that are being prepared and have not failed in it.
    std::size_t undecided_ = 0;
    bool filling_ = false;
    bool drains_ = false;
    /// While draining: there was nothing more.
    bool dry_ = false;
    bool closed_ = false;
};

} // namespace strandline::consume
