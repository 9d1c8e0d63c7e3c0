#pragma once

#include "consume/intake.hpp"
#include "consume/lanes.hpp"
#include "consume/lease_keeper.hpp"
#include "consume/reclaimer.hpp"
#include "consume/redelivery.hpp"
#include "consume/settler.hpp"
#include "consume/slots.hpp"
#include "consume/verdict.hpp"

#include <strandline/broker.hpp>
#include <strandline/consumer.hpp>
#include <strandline/detail/handler.hpp>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strandline::consume {

/// A stream and what handles its entries.
struct subscription
{
    std::string stream;
    std::unique_ptr<detail::handler> handler;
};

/// One `async_run`, from its start to its report. It joins the parts, which do not know each other:
///
/// intake → lanes → (verdict) → settler, or → redelivery → lanes;
/// reclaimer → redelivery; lease_keeper ↔ all that hold deliveries.
///
/// Every coroutine of it shares ownership. Runs on the broker's strand.
class session : public std::enable_shared_from_this<session>
{
public:
    struct ending
    {
        failure why;
        consume_report report;
    };

    /// `subscriptions` is shared with the consumer and does not change any more.
    session(
        broker_ptr engine, std::shared_ptr<std::vector<subscription> const> subscriptions,
        std::shared_ptr<consumer_options const> options
    );

    asio::awaitable<ending> run();

    void stop(std::chrono::milliseconds grace);

    /// The same, for a cancelled `async_run`.
    void cancel(std::chrono::milliseconds grace);

private:
    using clock = std::chrono::steady_clock;

    std::vector<std::string_view> stream_names() const;
    settler::hooks settler_hooks();
    lanes::functions lane_functions();
    intake::hooks intake_hooks();
    redelivery::hooks redelivery_hooks();
    lease_keeper::hooks lease_hooks();
    reclaimer::hooks reclaimer_hooks();
    void spawn(asio::awaitable<void> coroutine, asio::cancellation_slot slot = {});
    void tell(failure const& why);
    void broker_closed();

    void arrived(held delivery);
    asio::awaitable<void> handle(held const& delivery);
    void ended(held& delivery, outcome how);
    void recovered(stream_index stream, std::vector<pending_entry> const& entries);
    std::vector<entry_ref> held_since_before(boot_clock::time_point time);
    void renewed(std::span<lease_keeper::answer const> answers);
    void give_back(retry_queue::waiting const& delivery);
    std::size_t wanted() const noexcept;
    void place_free();
    asio::awaitable<void> wait_while_busy(clock::time_point deadline);

    broker_ptr engine_;
    std::shared_ptr<std::vector<subscription> const> subscriptions_;
    std::shared_ptr<consumer_options const> options_;

    slots places_;
    judge judge_;
    settler settler_;
    lanes lanes_;
    redelivery redelivery_;
    intake intake_;
    lease_keeper leases_;
    reclaimer reclaimer_;

    condition changed_;
    clock::time_point deadline_ = clock::time_point::max();
    bool stopping_ = false;
    /// Places got free, and reading goes on soon.
    bool filling_ = false;
    failure why_;
    std::uint64_t retried_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t gone_ = 0;
};

} // namespace strandline::consume
