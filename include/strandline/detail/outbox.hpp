#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/outgoing.hpp>
#include <strandline/producer_options.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace strandline::detail {

/// Where started publishes wait until they travel, many together, to the engine.
///
/// Any thread puts them in; everything else runs on the broker's strand. Each request takes at most 64 single
/// events of those that wait, or up to 1000 of a batch, and several are under way at once, so that client and
/// server work at the same time: one request for all that wait would lock a set of publishers in step with
/// the server.
///
/// What waits stands in the order in which it came, also what comes back because there was no connection:
/// then nothing is sent until all requests have come back and the engine is ready again. So no event
/// overtakes another.
class outbox : public std::enable_shared_from_this<outbox>
{
public:
    outbox(broker_ptr broker, producer_options const& options);
    ~outbox();

    outbox(outbox const&) = delete;
    outbox& operator=(outbox const&) = delete;

    asio::any_io_executor const& get_executor() const noexcept { return broker_->get_executor(); }

    /// Takes the operation over. Safe from any thread.
    void submit(outgoing* operation);

    /// A number by which `cancel` finds an operation. Safe from any thread.
    std::uint64_t make_ticket() noexcept { return ++last_ticket_; }

    /// Sends nothing more of the operation: what still waits of it ends with `operation_aborted`. Safe from
    /// any thread.
    void cancel(std::uint64_t ticket);

private:
    using clock = outgoing::clock;
    using operations = std::vector<outgoing*>;

    struct request;
    class scheduled_pump;
    class travelling;

    void pump();
    void take_inbox();
    void send_waiting();
    bool fits(std::size_t events, std::size_t bytes) const noexcept;
    bool take_next(request& into);
    bool take_singles(request& into);
    bool take_of_batch(request& into);
    void start(std::unique_ptr<request> next);
    static asio::awaitable<void> send(std::shared_ptr<outbox> self, travelling what);
    void returned(std::unique_ptr<request> done);
    void came_back(outgoing_event& operation, result<entry_id> const& outcome);
    void came_back(outgoing_batch& operation, std::span<appending> items);
    void wait_again(outgoing& operation);
    void give_up(outgoing& operation, failure const& why);
    void stop_waiting(outgoing& operation);

    void get_ready();
    static asio::awaitable<void> wait_until_ready(std::shared_ptr<outbox> self);
    void fail_waiting(failure const& why, clock::time_point due_until);
    void expire_under_way(clock::time_point now);
    void watch_deadlines();

    void end(outgoing_event& operation, result<entry_id> const& outcome);
    void end_if_done(outgoing_batch& operation);
    template <class Complete>
    void call(Complete complete);
    void forget(request const& gone) noexcept;
    void abandon_all() noexcept;

    broker_ptr broker_;
    std::size_t max_in_flight_;
    std::size_t max_bytes_in_flight_;
    std::chrono::milliseconds timeout_;

    std::atomic<std::uint64_t> last_ticket_ = 0;

    std::mutex mutex_;
    operations inbox_;
    /// A pump has been posted and has not begun, or `returned` will post one when it has called its handlers.
    bool scheduled_ = false;

    // On the strand only.
    /// In the order of their numbers.
    std::deque<outgoing*> waiting_;
    /// Not to be sent.
    std::deque<outgoing_event*> refused_;
    std::uint64_t last_number_ = 0;
    /// In the order in which they were sent.
    std::vector<request*> under_way_;
    std::size_t events_under_way_ = 0;
    std::size_t bytes_under_way_ = 0;
    /// Not under way; kept for their capacity.
    std::vector<std::unique_ptr<request>> spare_;
    /// The engine had a connection when it was last asked, or used.
    bool is_ready_ = false;
    bool is_getting_ready_ = false;
    /// Wakes at the earliest deadline, as long as something waits or is under way.
    asio::steady_timer deadline_;
    bool is_watching_ = false;
};

} // namespace strandline::detail
