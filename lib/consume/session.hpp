#pragma once

#include "consume/exclusion.hpp"
#include "consume/identity.hpp"
#include "consume/intake.hpp"
#include "consume/lanes.hpp"
#include "consume/lease_keeper.hpp"
#include "consume/quarantine.hpp"
#include "consume/reclaimer.hpp"
#include "consume/redelivery.hpp"
#include "consume/schedule.hpp"
#include "consume/settler.hpp"
#include "consume/slots.hpp"
#include "consume/solitude.hpp"
#include "consume/subscription.hpp"
#include "consume/verdict.hpp"
#include "promote/promoter.hpp"

#include <strandline/broker.hpp>
#include <strandline/consumer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace strandline::consume {

/// How long a run goes on.
enum class run_mode : std::uint8_t
{
    until_stopped,
    /// Until there is nothing left to handle.
    until_drained,
};

/// One `async_run`, from its start to its report. It joins the parts, which do not know each other:
///
/// intake → schedule → lanes → (verdict) → settler, or → redelivery → schedule;
/// reclaimer and intake → redelivery or quarantine → lanes; lease_keeper ↔ all that hold deliveries;
/// promoter: delayed entries → streams.
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
        std::shared_ptr<consumer_options const> options, run_mode mode
    );

    asio::awaitable<ending> run();

    void stop(std::chrono::milliseconds grace);

    /// The same, for a cancelled `async_run`.
    void cancel(std::chrono::milliseconds grace);

    void set_limits(std::size_t max_concurrency, std::size_t max_in_flight);

    /// What it is at, and how its streams fare.
    consumer_status status();

    /// Gives the handler that runs with that entry its whole time again.
    void extend(std::string_view stream, entry_id id);

private:
    using clock = std::chrono::steady_clock;

    settler::hooks settler_hooks();
    schedule::hooks schedule_hooks();
    lanes::functions lane_functions();
    intake::hooks intake_hooks();
    redelivery::hooks redelivery_hooks();
    quarantine::hooks quarantine_hooks();
    solitude::hooks solitude_hooks();
    lease_keeper::hooks lease_hooks();
    reclaimer::hooks reclaimer_hooks();
    promote::promoter::hooks promoter_hooks();
    exclusion::hooks exclusion_hooks();
    std::vector<judge> make_judges() const;
    void spawn(asio::awaitable<void> coroutine, asio::cancellation_slot slot = {});
    void tell(failure const& why);
    void reached();
    void end_with(failure const& why);

    failure read_format(held& delivery) const;
    bool pass_over(held const& delivery);
    void arrived(held&& delivery);
    void fetched(held&& delivery, waiting const& waited);
    void start_alone(held delivery);
    void vanished(waiting const& delivery, holding state);
    void ended(held& delivery, outcome&& how);
    void ended_at_most_once(held const& delivery, outcome const& how);
    dead_action ask(held const& delivery, std::string_view reason, std::string_view error) const;
    bool bury(held const& delivery, std::string_view reason, std::string error);
    void retry_later(held const& delivery, std::chrono::milliseconds delay);
    template <class Visit>
    void for_each_in_hand(Visit visit);
    std::vector<entry_id> in_hand(stream_index stream);
    void recovered(stream_index stream, std::vector<pending_entry> const& entries);
    void recover(entry_ref ref, std::uint32_t attempts);
    void give_back(waiting const& delivery);

    std::vector<entry_ref> held_since_before(boot_clock::time_point time);
    void renewed(std::span<lease_keeper::answer const> answers);
    void lose_all();

    std::size_t waiting_count() const noexcept;
    std::size_t places_wanted();
    void places_free(std::size_t count);
    void relieve();
    void end_if_drained();

    asio::awaitable<void> consume();
    void tell_handlers_of_the_stop();
    asio::awaitable<void> finish_all();
    asio::awaitable<void> hand_back_all();
    asio::awaitable<void> leave_group();
    asio::awaitable<void> wait_while(std::function<bool()> busy, clock::time_point limit);
    bool is_busy() const noexcept;
    consume_report make_report(std::uint64_t stuck) const;

    broker_ptr engine_;
    std::shared_ptr<std::vector<subscription> const> subscriptions_;
    std::shared_ptr<consumer_options const> options_;
    run_mode mode_;
    identity who_;

    slots places_;
    std::vector<judge> judges_;
    settler settler_;
    schedule schedule_;
    lanes lanes_;
    redelivery redelivery_;
    solitude::member solitude_;
    quarantine quarantine_;
    intake intake_;
    lease_keeper leases_;
    reclaimer reclaimer_;
    promote::promoter promoter_;
    std::optional<exclusion> exclusion_;

    condition changed_;
    clock::time_point deadline_ = clock::time_point::max();
    bool stopping_ = false;
    /// What was cancelled has its time to return, whatever is said now.
    bool is_ending_ = false;
    /// Places got free, and reading goes on soon.
    bool filling_ = false;
    bool told_of_waiting_ = false;
    /// What stands behind another of its key is still to be run.
    bool lines_go_on_ = true;
    /// The engine could not be reached, and has not answered since.
    bool is_cut_off_ = false;
    failure why_;

    /// Rises with everything that comes and ends: when it stands still while the streams are read in vain,
    /// there is nothing left.
    std::uint64_t activity_ = 0;
    std::optional<std::uint64_t> looked_at_;
    std::uint64_t handler_runs_ = 0;
    std::uint64_t handled_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t retried_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t gone_ = 0;
};

} // namespace strandline::consume
