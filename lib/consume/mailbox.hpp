#pragma once

#include "core/condition.hpp"

#include <strandline/detail/handler.hpp>
#include <strandline/pending_delivery.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace strandline::consume {

namespace asio = boost::asio;

/// A delivery on its way to a receiver, or with it. Shared by the handler that waits for the decision, the
/// mailbox, and the receiver.
struct ticket : std::enable_shared_from_this<ticket>
{
    /// `executor`: the broker's strand.
    ticket(asio::any_io_executor const& executor, detail::task const& of, std::function<void()> begin_time);

    pending_delivery make_delivery() { return pending_delivery(shared_from_this()); }

    /// The first decision counts. From any thread.
    void decide(detail::outcome how);

    asio::any_io_executor strand;
    std::string stream;
    delivery what;
    storage_ptr owner;
    /// Begins its time, from any thread.
    std::function<void()> extend;
    /// The handler has ended: what is decided now is too late.
    std::atomic<bool> is_over = false;

    // On the strand only.
    std::optional<detail::outcome> decided;
    condition changed;
};

/// Where deliveries of the streams that are pulled wait for who receives them, and receivers for deliveries.
/// On the consumer's strand. Its public functions may be called from any thread; called on the strand, all
/// but `receive` happen at once.
class mailbox : public std::enable_shared_from_this<mailbox>
{
public:
    using receive_handler = asio::any_completion_handler<void(failure, pending_delivery)>;

    explicit mailbox(asio::any_io_executor strand) : strand_(std::move(strand)) {}

    asio::any_io_executor const& get_executor() const noexcept { return strand_; }

    void receive(receive_handler handler);

    void offer(std::shared_ptr<ticket> const& one);

    /// It is not to be received any more.
    void withdraw(std::shared_ptr<ticket> const& one);

    /// A run begins in which so many streams are pulled.
    void open(std::size_t streams);

    /// No more deliveries of a stream come. After the last one, as after `close`, what nobody has received is
    /// handed back, and nobody receives any more.
    void stream_stops();

    void close();

private:
    struct waiting_receiver
    {
        receive_handler handler;
        /// Its own context must not run out of work meanwhile.
        asio::executor_work_guard<asio::any_completion_executor> work;
    };

    using receiver = std::shared_ptr<waiting_receiver>;

    void begin(receiver const& one);
    void cancel(receiver const& one);
    void take(std::shared_ptr<ticket> const& one);
    void hand_over(std::shared_ptr<ticket> const& what, receiver const& to);
    void shut();

    asio::any_io_executor strand_;
    std::deque<std::shared_ptr<ticket>> offered_;
    std::deque<receiver> receivers_;
    std::size_t streams_ = 0;
    bool closed_ = false;
};

/// The handler of a stream that is pulled: it runs from the offer to the decision, on its broker's strand.
class pull_handler final : public detail::handler
{
public:
    using extend_function = std::function<void(std::string const& stream, entry_id id)>;

    pull_handler(std::shared_ptr<mailbox> box, asio::any_io_executor strand, extend_function extend)
        : box_(std::move(box))
        , strand_(std::move(strand))
        , extend_(std::move(extend))
    {}

    bool stays_on_strand() const noexcept override { return true; }

    /// Not before somebody has received the delivery.
    bool has_time_from_start() const noexcept override { return false; }

    void run_stops() override { box_->stream_stops(); }

    asio::awaitable<void> run(std::span<detail::task> tasks) override;

private:
    std::shared_ptr<mailbox> box_;
    asio::any_io_executor strand_;
    extend_function extend_;
};

} // namespace strandline::consume
