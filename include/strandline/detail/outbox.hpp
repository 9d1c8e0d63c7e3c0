#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/publish_operation.hpp>

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
/// Any thread puts operations in; everything else runs on the broker's strand. Each request takes at most 64
/// of those that wait and several are under way at once, so that client and server work at the same time: one
/// request for all that wait would lock a set of publishers in step with the server.
class outbox : public std::enable_shared_from_this<outbox>
{
public:
    explicit outbox(broker_ptr broker);
    ~outbox();

    outbox(outbox const&) = delete;
    outbox& operator=(outbox const&) = delete;

    asio::any_io_executor const& get_executor() const noexcept { return broker_->get_executor(); }

    /// Takes the operation over. Safe from any thread.
    void submit(publish_operation* operation);

    /// A number by which `cancel` finds an operation. Safe from any thread.
    std::uint64_t make_ticket() noexcept { return ++last_ticket_; }

    /// Completes the operation with `operation_aborted` if it still waits. Safe from any thread.
    void cancel(std::uint64_t ticket);

private:
    using operations = std::vector<publish_operation*>;

    struct request;
    class scheduled_pump;
    class travelling;

    void pump();
    void take_inbox();
    void fail_waiting(std::uint64_t last, failure const& why);
    void abandon_all() noexcept;
    std::unique_ptr<request> make_request();
    void recycle(std::unique_ptr<request> done);
    static asio::awaitable<void> send(std::shared_ptr<outbox> self, travelling batch);

    broker_ptr broker_;

    std::atomic<std::uint64_t> last_ticket_ = 0;

    std::mutex mutex_;
    operations inbox_;
    /// A pump is on its way to the strand, or runs; it will look into the inbox again before it ends.
    bool scheduled_ = false;

    // On the strand only.
    std::deque<publish_operation*> waiting_;
    std::uint64_t last_number_ = 0;
    std::size_t requests_under_way_ = 0;
    /// Not under way; kept for their capacity.
    std::vector<std::unique_ptr<request>> spare_;
};

/// Starts an `async_publish`: what the completion token calls with its handler.
struct initiate_publish
{
    std::shared_ptr<outbox> to;

    using executor_type = asio::any_io_executor;

    executor_type get_executor() const noexcept { return to->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, publication&& what) const
    {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto* const operation = publish_operation_of<std::decay_t<Handler>>::make(
            std::move(what), std::forward<Handler>(handler), to->get_executor()
        );
        if (slot.is_connected()) {
            // Weak: the slot may keep this long after the operation has completed.
            operation->ticket = to->make_ticket();
            slot.assign([outbox = std::weak_ptr(to), ticket = operation->ticket](asio::cancellation_type) {
                if (auto const alive = outbox.lock())
                    alive->cancel(ticket);
            });
        }
        to->submit(operation);
    }
};

} // namespace strandline::detail
