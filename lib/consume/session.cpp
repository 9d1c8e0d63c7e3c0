#include "consume/session.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

namespace strandline::consume {

namespace {

/// How long a cancelled handler, or a read that was woken, has to end before it counts as stuck.
constexpr std::chrono::seconds patience{1};

identity make_identity(std::vector<subscription> const& subscriptions, consumer_options const& options)
{
    identity who;
    for (auto const& one : subscriptions)
        who.streams.push_back(one.stream);
    who.group = options.group;
    who.consumer = options.name;
    std::random_device random;
    // At most once nobody owns a name; a lock wants a token all the same.
    who.token = fmt::format("{:08x}{:08x}", random(), random());
    return who;
}

struct hash_of_ref
{
    std::size_t operator()(entry_ref ref) const noexcept
    {
        std::size_t seed = ref.stream;
        boost::hash_combine(seed, ref.id.ms);
        boost::hash_combine(seed, ref.id.seq);
        return seed;
    }
};

bool everything(entry_ref)
{
    return true;
}

} // namespace

session::session(
    broker_ptr engine, std::shared_ptr<std::vector<subscription> const> subscriptions,
    std::shared_ptr<consumer_options const> options, run_mode mode
)
    : engine_(std::move(engine))
    , subscriptions_(std::move(subscriptions))
    , options_(std::move(options))
    , mode_(mode)
    , who_(make_identity(*subscriptions_, *options_))
    , places_(options_->max_in_flight)
    , judges_(make_judges())
    , settler_(
          *engine_, who_, {options_->lease, options_->delete_handled, options_->dead_letters}, settler_hooks()
      )
    , schedule_(options_->order, schedule_hooks())
    , lanes_(
          engine_->get_executor(),
          {options_->max_concurrency, options_->handler_timeout, options_->worker_executor}, schedule_,
          *subscriptions_, lane_functions()
      )
    , redelivery_(*engine_, who_, places_, redelivery_hooks())
    , solitude_(engine_->get_executor(), solitude_hooks())
    , quarantine_(*engine_, who_, places_, solitude_, quarantine_hooks())
    , intake_(*engine_, who_, *options_, places_, mode == run_mode::until_drained, intake_hooks())
    , leases_(*engine_, who_, options_->lease, lease_hooks())
    , reclaimer_(
          *engine_, who_, options_->lease, options_->claim_interval, mode == run_mode::until_drained,
          reclaimer_hooks()
      )
    , promoter_(*engine_, who_.streams, promoter_hooks())
    , changed_(engine_->get_executor())
{
    if (options_->exclusive)
        exclusion_.emplace(*engine_, who_, options_->lease, exclusion_hooks());
    if (solitude_.begins_held())
        lanes_.hold();
}

std::vector<judge> session::make_judges() const
{
    std::vector<judge> judges;
    std::random_device random;
    for (auto const& one : *subscriptions_)
        judges.emplace_back(
            one.options.max_attempts.value_or(options_->max_attempts),
            one.options.retry.value_or(options_->retry), random()
        );
    return judges;
}

void session::spawn(asio::awaitable<void> coroutine, asio::cancellation_slot slot)
{
    asio::co_spawn(
        engine_->get_executor(), std::move(coroutine),
        asio::bind_cancellation_slot(
            slot,
            [self = shared_from_this()](std::exception_ptr unexpected) {
                if (unexpected)
                    std::rethrow_exception(unexpected);
            }
        )
    );
}

void session::tell(failure const& why)
{
    if (why == errc::connection_lost || why == errc::unreachable) {
        if (!std::exchange(is_cut_off_, true))
            promoter_.look_again();
        leases_.renew_all();
    }
    // Whoever learns it: there need be no read under way.
    if (why == errc::closed || why == errc::name_taken)
        end_with(why);
    options_->on_error(why);
}

/// The server counts its own downtime as idleness of all: everybody gets the time of a lease to renew what he
/// holds before anything is claimed.
void session::reached()
{
    if (std::exchange(is_cut_off_, false))
        reclaimer_.hold_off();
}

/// The consumer cannot go on.
void session::end_with(failure const& why)
{
    if (!why_)
        why_ = why;
    if (why == errc::name_taken)
        lose_all();
    stop(std::chrono::milliseconds(0));
}

void session::stop(std::chrono::milliseconds grace)
{
    auto const now = clock::now();
    // Any grace is good, also one that ends beyond the clock's last time.
    if (!is_ending_ && grace < std::chrono::floor<std::chrono::milliseconds>(clock::time_point::max() - now))
        deadline_ = std::min(deadline_, now + std::max(grace, std::chrono::milliseconds(0)));
    stopping_ = true;
    if (exclusion_)
        exclusion_->stop_waiting();
    changed_.notify();
}

void session::cancel(std::chrono::milliseconds grace)
{
    if (!why_)
        why_ = error_code(asio::error::operation_aborted);
    stop(grace);
}

void session::set_limits(std::size_t max_concurrency, std::size_t max_in_flight)
{
    places_.set_limit(max_in_flight);
    intake_.set_limit(max_in_flight);
    lanes_.set_most(max_concurrency);
    places_free(0);
}

void session::extend(std::string_view stream, entry_id id)
{
    auto const place = std::ranges::find(who_.streams, stream);
    lanes_.restart_clock({static_cast<stream_index>(place - who_.streams.begin()), id});
}

consumer_status session::status()
{
    consumer_status told;
    told.running = true;
    auto const is_paused = stopping_ || intake_.is_full();
    auto const now = clock::now();
    for (stream_index stream = 0; stream != who_.streams.size(); ++stream) {
        auto& one = told.streams.emplace_back(intake_.status(stream, now));
        one.is_paused = is_paused;
        if (auto const handled = settler_.handled_at(stream))
            one.since_handled = std::chrono::floor<std::chrono::milliseconds>(now - *handled);
    }
    told.running_handlers = lanes_.running();
    told.stuck_handlers = lanes_.stuck();
    told.queued = schedule_.ready();
    told.waiting = waiting_count();
    told.held = told.queued + told.waiting + settler_.unsettled();
    lanes_.for_each([&](held const&) { ++told.held; });
    return told;
}

asio::awaitable<session::ending> session::run()
{
    auto locked = false;
    if (exclusion_) {
        auto refused = co_await exclusion_->acquire();
        locked = !refused;
        if (locked)
            spawn(exclusion_->run());
        else if (!why_ && !stopping_)
            why_ = std::move(refused);
    }
    std::uint64_t stuck = 0;
    if (!why_ && !stopping_) {
        co_await consume();
        if (options_->at_most_once)
            co_await finish_all();
        else
            co_await hand_back_all();

        lanes_.cancel_running();
        is_ending_ = true;
        deadline_ = clock::now() + patience;
        co_await wait_while([this] { return is_busy(); }, deadline_);
        // What could not be fetched after all.
        for (auto const& delivery : redelivery_.close())
            give_back(delivery);
        for (auto const& delivery : quarantine_.close())
            give_back(delivery);

        for (auto const& [ref, attempts] : lanes_.abandon_running()) {
            ++stuck;
            if (options_->at_most_once)
                ++dropped_;
            else
                settler_.release(ref, attempts, options_->lease, true);
        }
        intake_.abandon();
        leases_.close();
        settler_.close();
        while (!settler_.finished())
            co_await settler_.on_finished().wait();
        co_await leave_group();
    }
    else
        tell_handlers_of_the_stop();
    if (locked) {
        exclusion_->close();
        while (!exclusion_->finished())
            co_await exclusion_->on_finished().wait();
    }
    co_return ending{why_, make_report(stuck)};
}

asio::awaitable<void> session::consume()
{
    spawn(settler_.run());
    spawn(promoter_.run());
    if (!options_->at_most_once) {
        spawn(redelivery_.run());
        spawn(quarantine_.run());
        spawn(leases_.run());
        spawn(reclaimer_.run());
    }
    intake_.start();
    while (!stopping_)
        co_await changed_.wait();
    intake_.close();
    reclaimer_.close();
    promoter_.close();
    tell_handlers_of_the_stop();
}

void session::tell_handlers_of_the_stop()
{
    for (auto const& one : *subscriptions_)
        one.handler->run_stops();
}

/// What was read is acknowledged already: it runs now or never.
asio::awaitable<void> session::finish_all()
{
    co_await wait_while([this] { return is_busy() || schedule_.ready() != 0; }, clock::time_point::max());
    lanes_.close();
    lines_go_on_ = false;
    dropped_ += schedule_.close().size();
}

asio::awaitable<void> session::hand_back_all()
{
    leases_.look_anew();
    if (auto const alone = lanes_.close()) {
        places_.release(1);
        settler_.release(alone->ref, alone->attempt - 1, options_->lease);
        quarantine_.finished();
    }
    for (auto const& delivery : schedule_.close())
        settler_.release(delivery.ref, delivery.attempts, options_->lease);
    for (auto const& delivery : redelivery_.close())
        give_back(delivery);
    for (auto const& delivery : quarantine_.close())
        give_back(delivery);
    co_await wait_while([this] { return is_busy(); }, clock::time_point::max());
}

/// The name goes when nothing is pending for it. A server that is gone is not waited for.
asio::awaitable<void> session::leave_group()
{
    if (why_ == errc::closed || why_ == errc::name_taken)
        co_return;
    for (stream_index stream = 0; stream != who_.streams.size() && !is_cut_off_; ++stream)
        if (intake_.has_joined(stream))
            if (auto const why = co_await engine_->leave(who_.in(stream)); why && why != errc::no_group)
                tell(why);
}

consume_report session::make_report(std::uint64_t stuck) const
{
    auto const& counts = settler_.so_far();
    consume_report report;
    report.handled = counts.handled + handled_;
    report.retried = retried_;
    report.dead = counts.dead;
    report.dropped = counts.dropped + dropped_;
    report.released = counts.released;
    report.cancelled = counts.cancelled;
    report.stuck = stuck;
    report.gone = counts.gone + reclaimer_.gone() + gone_;
    report.lost = counts.lost + lost_;
    report.unsettled =
        settler_.unsettled() + redelivery_.under_way() + static_cast<std::uint64_t>(quarantine_.busy());
    return report;
}

bool session::is_busy() const noexcept
{
    return lanes_.running() != 0 || intake_.busy() || redelivery_.busy() || quarantine_.busy() ||
           reclaimer_.busy();
}

/// Until the earlier of the two deadlines at the most: a second `stop` may bring the own one nearer
/// meanwhile.
asio::awaitable<void> session::wait_while(std::function<bool()> busy, clock::time_point limit)
{
    while (busy()) {
        auto const until = std::min(limit, deadline_);
        if (clock::now() >= until)
            break;
        co_await changed_.wait_until(until);
    }
}

std::vector<entry_ref> session::held_since_before(boot_clock::time_point time)
{
    std::vector<entry_ref> old;
    auto const note = [&](entry_ref ref, boot_clock::time_point confirmed) {
        if (confirmed < time)
            old.push_back(ref);
    };
    auto const note_waiting = [&](waiting const& one) { note(one.ref, one.confirmed); };
    lanes_.for_each([&](held const& one) {
        if (!one.is_lost && !one.is_gone)
            note(one.ref, one.confirmed);
    });
    schedule_.for_each(note);
    redelivery_.for_each(note_waiting);
    quarantine_.for_each(note_waiting);
    settler_.for_each(note);
    std::ranges::sort(old);
    return old;
}

/// Meanwhile a delivery may have ended, or gone from one part to another: it is looked for in all of them.
void session::renewed(std::span<lease_keeper::answer const> answers)
{
    // Not a search in the sorted answers: with a million of them each step of it misses the cache, and nobody
    // else has the strand meanwhile.
    boost::unordered_flat_map<entry_ref, lease_keeper::answer const*, hash_of_ref> by_ref(answers.size());
    for (auto const& answer : answers)
        by_ref.emplace(answer.ref, &answer);
    auto const find = [&](entry_ref ref) -> lease_keeper::answer const* {
        auto const found = by_ref.find(ref);
        return found == by_ref.end() ? nullptr : found->second;
    };
    auto const is = [&](holding state) {
        return [&, state](entry_ref ref) {
            auto const* const answer = find(ref);
            return answer && answer->state == state;
        };
    };
    auto const confirm = [&](entry_ref ref, boot_clock::time_point& confirmed) {
        if (auto const* const answer = find(ref); answer && answer->state == holding::held)
            confirmed = std::max(confirmed, answer->confirmed);
    };
    auto const confirm_waiting = [&](waiting& one) { confirm(one.ref, one.confirmed); };
    lanes_.for_each([&](held& one) {
        confirm(one.ref, one.confirmed);
        // Its body is in hand: it is handled, though the entry was removed.
        one.is_gone = one.is_gone || is(holding::gone)(one.ref);
    });
    schedule_.for_each(confirm);
    redelivery_.for_each(confirm_waiting);
    quarantine_.for_each(confirm_waiting);
    settler_.for_each(confirm);

    if (stopping_)
        return lanes_.lose_if(is(holding::lost));
    for (auto const state : {holding::lost, holding::gone}) {
        redelivery_.lose_if(is(state), state);
        quarantine_.lose_if(is(state), state);
    }
    lost_ += schedule_.lose_if(is(holding::lost));
    gone_ += schedule_.lose_if(is(holding::gone));
    lanes_.lose_if(is(holding::lost));
    lanes_.summon();
    places_free(0);
    end_if_drained();
}

/// Nothing is this process's any more.
void session::lose_all()
{
    if (stopping_)
        return lanes_.lose_if(everything);
    redelivery_.lose_if(everything, holding::lost);
    quarantine_.lose_if(everything, holding::lost);
    lost_ += schedule_.lose_if(everything);
    lanes_.lose_if(everything);
}

std::size_t session::waiting_count() const noexcept
{
    return redelivery_.size() + schedule_.waiting_in_lines() + quarantine_.size();
}

/// Places that reading leaves to others: all of them while too much waits to be told to the engine, for
/// another attempt, or for its turn. It costs no place, but memory, and leases to renew.
std::size_t session::places_wanted()
{
    auto const is_full = waiting_count() >= options_->max_waiting;
    if (is_full && !std::exchange(told_of_waiting_, true))
        tell({errc::too_many_waiting, fmt::format("max_waiting is {}", options_->max_waiting)});
    if (waiting_count() < options_->max_waiting / 2)
        told_of_waiting_ = false;
    if (is_full || settler_.unsettled() >= places_.limit())
        return places_.limit();
    return redelivery_.wanted() + quarantine_.wanted();
}

void session::places_free(std::size_t count)
{
    places_.release(count);
    if (stopping_)
        changed_.notify();
    else if (!std::exchange(filling_, true))
        // Posted: a lane that empties its queue without a pause shall not fill it again itself and keep the
        // strand.
        asio::post(engine_->get_executor(), [self = shared_from_this()] {
            self->filling_ = false;
            if (!self->stopping_) {
                self->relieve();
                self->redelivery_.places_free();
                self->quarantine_.notify();
                self->reclaimer_.room_is_back();
                self->intake_.fill();
            }
        });
}

/// When followers have all places and lanes wait for work, some give theirs up. At most once there would be
/// no way to get them back.
void session::relieve()
{
    if (options_->at_most_once || options_->order == ordering::unordered || places_.free() != 0 ||
        schedule_.ready() != 0 || lanes_.running() >= lanes_.most())
        return;
    // In strict order nothing else could start; only what waits for its body needs a place.
    if (options_->order == ordering::by_key || redelivery_.wanted() + quarantine_.wanted() != 0)
        schedule_.give_up_places((places_.limit() - std::min(places_.limit(), lanes_.running())) / 2);
}

/// While draining: looks once more when something has come or ended since the streams were found empty.
void session::end_if_drained()
{
    if (mode_ != run_mode::until_drained || stopping_ || !intake_.is_dry() || intake_.busy())
        return;
    auto const is_done = lanes_.running() == 0 && schedule_.ready() == 0 && waiting_count() == 0 &&
                         !redelivery_.busy() && !quarantine_.busy() && settler_.unsettled() == 0 &&
                         promoter_.is_at_rest() && (options_->at_most_once || reclaimer_.has_passed());
    if (!is_done)
        return;
    if (looked_at_ == activity_)
        return stop(default_grace);
    looked_at_ = activity_;
    intake_.look_again();
}

} // namespace strandline::consume
