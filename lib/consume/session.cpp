#include "consume/session.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

namespace strandline::consume {

namespace {

/// How long a cancelled handler, or a read that was woken, has to end before it counts as stuck.
constexpr std::chrono::seconds patience{1};

/// Deliveries that wait for another attempt.
constexpr std::size_t most_waiting = 100'000;

} // namespace

session::session(
    broker_ptr engine, std::shared_ptr<std::vector<subscription> const> subscriptions,
    std::shared_ptr<consumer_options const> options
)
    : engine_(std::move(engine))
    , subscriptions_(std::move(subscriptions))
    , options_(std::move(options))
    , places_(options_->max_in_flight)
    , judge_(options_->max_attempts, options_->retry, std::random_device{}())
    , settler_(*engine_, stream_names(), options_->group, options_->name, options_->lease, settler_hooks())
    , lanes_(
          engine_->get_executor(), options_->max_concurrency, options_->max_in_flight,
          options_->handler_timeout, lane_functions()
      )
    , redelivery_(*engine_, stream_names(), options_->group, options_->name, places_, redelivery_hooks())
    , intake_(*engine_, stream_names(), *options_, options_->name, places_, intake_hooks())
    , leases_(*engine_, stream_names(), options_->group, options_->name, options_->lease, lease_hooks())
    , reclaimer_(
          *engine_, stream_names(), options_->group, options_->name, options_->lease,
          options_->claim_interval, reclaimer_hooks()
      )
    , changed_(engine_->get_executor())
{}

std::vector<std::string_view> session::stream_names() const
{
    std::vector<std::string_view> names;
    for (auto const& one : *subscriptions_)
        names.push_back(one.stream);
    return names;
}

settler::hooks session::settler_hooks()
{
    return {
        .on_error = [this](failure const& why) { tell(why); },
        .progress =
            [this] {
                if (!stopping_)
                    intake_.fill();
            },
    };
}

lanes::functions session::lane_functions()
{
    return {
        .spawn = [this](
                     asio::awaitable<void> coroutine, asio::cancellation_slot slot
                 ) { spawn(std::move(coroutine), slot); },
        .run = [this](held const& delivery) { return handle(delivery); },
        .ended = [this](held& delivery, outcome how) { ended(delivery, std::move(how)); },
        .stuck =
            [this](held const& delivery) {
                tell(
                    {errc::stuck, fmt::format(
                                      "stream {}, entry {}: cancelled after {} ms, and has not returned",
                                      (*subscriptions_)[delivery.ref.stream].stream,
                                      delivery.ref.id.to_string(), options_->handler_timeout.count()
                                  )}
                );
            },
    };
}

intake::hooks session::intake_hooks()
{
    return {
        .arrived = [this](held delivery) { arrived(std::move(delivery)); },
        .recovered = [this](stream_index stream, auto const& entries) { recovered(stream, entries); },
        .queued = [this] { return lanes_.queued(); },
        .wanted = [this] { return wanted(); },
        .places_free = [this] { redelivery_.places_free(); },
        .on_error = [this](failure const& why) { tell(why); },
        .closed = [this] { broker_closed(); },
        .ended = [this] { changed_.notify(); },
        .spawn = [this](asio::awaitable<void> coroutine) { spawn(std::move(coroutine)); },
    };
}

redelivery::hooks session::redelivery_hooks()
{
    return {
        .arrived = [this](held delivery) { arrived(std::move(delivery)); },
        .need_place = [this] { intake_.wake(); },
        .fetched =
            [this] {
                if (stopping_)
                    changed_.notify();
                else
                    intake_.fill();
            },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

lease_keeper::hooks session::lease_hooks()
{
    return {
        .held_since_before = [this](boot_clock::time_point time) { return held_since_before(time); },
        .answered = [this](std::span<lease_keeper::answer const> answers) { renewed(answers); },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

reclaimer::hooks session::reclaimer_hooks()
{
    return {
        .recovered = [this](stream_index stream, auto const& entries) { recovered(stream, entries); },
        .has_room = [this] { return redelivery_.waiting() < options_->max_in_flight; },
        .on_error = [this](failure const& why) { tell(why); },
    };
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
        leases_.renew_all();
        reclaimer_.hold_off();
    }
    // Whoever learns it: there need be no read under way.
    if (why == errc::closed)
        broker_closed();
    options_->on_error(why);
}

void session::broker_closed()
{
    why_ = errc::closed;
    stop(std::chrono::milliseconds(0));
}

void session::stop(std::chrono::milliseconds grace)
{
    auto const now = clock::now();
    // Any grace is good, also one that ends beyond the clock's last time.
    if (grace < std::chrono::floor<std::chrono::milliseconds>(clock::time_point::max() - now))
        deadline_ = std::min(deadline_, now + std::max(grace, std::chrono::milliseconds(0)));
    stopping_ = true;
    changed_.notify();
}

void session::cancel(std::chrono::milliseconds grace)
{
    why_ = error_code(asio::error::operation_aborted);
    stop(grace);
}

asio::awaitable<session::ending> session::run()
{
    spawn(settler_.run());
    spawn(redelivery_.run());
    spawn(leases_.run());
    spawn(reclaimer_.run());
    intake_.start();
    while (!stopping_)
        co_await changed_.wait();

    intake_.close();
    reclaimer_.close();
    for (auto const& delivery : lanes_.close())
        settler_.release(delivery.ref, delivery.attempt - 1, options_->lease);
    for (auto const& delivery : redelivery_.close())
        give_back(delivery);
    co_await wait_while_busy(clock::time_point::max());

    lanes_.cancel_running();
    deadline_ = clock::now() + patience;
    co_await wait_while_busy(deadline_);

    consume_report report;
    for (auto const& [ref, attempts] : lanes_.abandon_running()) {
        settler_.release(ref, attempts, options_->lease, true);
        ++report.stuck;
    }
    intake_.abandon();
    leases_.close();
    settler_.close();
    while (!settler_.finished())
        co_await settler_.on_finished().wait();

    auto const& counts = settler_.so_far();
    report.handled = counts.handled;
    report.retried = retried_;
    report.dead = counts.dead;
    report.released = counts.released;
    report.cancelled = counts.cancelled;
    report.gone = counts.gone + redelivery_.gone() + reclaimer_.gone() + gone_;
    report.lost = counts.lost + redelivery_.lost() + lost_;
    report.unsettled = settler_.unsettled() + redelivery_.under_way();
    co_return ending{why_, report};
}

/// Until no handler runs and nothing can arrive any more, or the earlier of the two deadlines: a second
/// `stop` may bring the own one nearer meanwhile.
asio::awaitable<void> session::wait_while_busy(clock::time_point limit)
{
    auto const busy = [this] { return lanes_.running() != 0 || intake_.busy() || redelivery_.busy(); };
    while (busy()) {
        auto const until = std::min(limit, deadline_);
        if (clock::now() >= until)
            break;
        co_await changed_.wait_until(until);
    }
}

void session::arrived(held delivery)
{
    if (stopping_) {
        places_.release(1);
        settler_.release(delivery.ref, delivery.attempt - 1, options_->lease);
    }
    else
        lanes_.push(std::move(delivery));
}

asio::awaitable<void> session::handle(held const& delivery)
{
    auto const& to = (*subscriptions_)[delivery.ref.stream];
    strandline::delivery const view(to.stream, delivery.ref.id, delivery.attempt, delivery.entry);
    co_await to.handler->run(view);
}

void session::ended(held& delivery, outcome how)
{
    auto const decision = judge_.after(how.how, delivery.attempt);
    switch (decision.what) {
    case verdict::kind::acknowledge:
        settler_.acknowledge(delivery);
        break;
    case verdict::kind::dead:
        settler_.bury(delivery.ref, delivery.attempt, decision.reason, std::move(how.error));
        break;
    case verdict::kind::release:
        settler_.release(delivery.ref, delivery.attempt - 1, options_->lease, true);
        break;
    case verdict::kind::forget:
        ++lost_;
        break;
    case verdict::kind::retry: {
        ++retried_;
        retry_queue::waiting const again{
            clock::now() + decision.delay, delivery.ref, delivery.attempt, delivery.confirmed
        };
        if (stopping_)
            give_back(again);
        else
            redelivery_.add(again);
        break;
    }
    }
    delivery.owner.reset();
    place_free();
}

/// Places that reading leaves to others: all of them while too much waits to be told to the engine, or for
/// another attempt. It costs no place, but memory, and leases to renew.
std::size_t session::wanted() const noexcept
{
    auto const is_full =
        settler_.unsettled() >= options_->max_in_flight || redelivery_.waiting() >= most_waiting;
    return is_full ? places_.limit() : redelivery_.wanted();
}

void session::place_free()
{
    places_.release(1);
    if (stopping_)
        changed_.notify();
    else if (!std::exchange(filling_, true))
        // Posted: a lane that empties its queue without a pause shall not fill it again itself and keep the
        // strand.
        asio::post(engine_->get_executor(), [self = shared_from_this()] {
            self->filling_ = false;
            if (!self->stopping_) {
                self->redelivery_.places_free();
                self->intake_.fill();
            }
        });
}

void session::recovered(stream_index stream, std::vector<pending_entry> const& entries)
{
    // What this process has in hand is no news. Looked up only here, so that the way of every delivery need
    // not keep it; a page is short, and what is in hand may be much.
    std::vector<bool> known(entries.size());
    auto const note = [&](entry_ref ref) {
        auto const found = std::ranges::lower_bound(entries, ref.id, {}, &pending_entry::id);
        if (ref.stream == stream && found != entries.end() && found->id == ref.id)
            known[static_cast<std::size_t>(found - entries.begin())] = true;
    };
    lanes_.for_each([&](held const& one) { note(one.ref); });
    redelivery_.for_each([&](retry_queue::waiting const& one) { note(one.ref); });
    settler_.for_each([&](entry_ref ref, auto const&) { note(ref); });
    for (std::size_t i = 0; i != entries.size(); ++i) {
        auto const& entry = entries[i];
        entry_ref const ref{stream, entry.id};
        if (known[i])
            continue;
        if (judge_.recovered(entry.attempts).what == verdict::kind::dead)
            settler_.bury(ref, entry.attempts, "exhausted", "the process ended while a handler ran");
        else
            redelivery_.add_recovered(ref, entry.attempts, boot_clock::time_point());
    }
}

std::vector<entry_ref> session::held_since_before(boot_clock::time_point time)
{
    std::vector<entry_ref> old;
    auto const note = [&](entry_ref ref, boot_clock::time_point confirmed) {
        if (confirmed < time)
            old.push_back(ref);
    };
    lanes_.for_each([&](held const& one) { note(one.ref, one.confirmed); });
    redelivery_.for_each([&](retry_queue::waiting const& one) { note(one.ref, one.confirmed); });
    settler_.for_each(note);
    std::ranges::sort(old);
    return old;
}

/// Meanwhile a delivery may have ended, or gone from one part to another: it is looked for in all of them.
void session::renewed(std::span<lease_keeper::answer const> answers)
{
    auto const find = [&](entry_ref ref) -> lease_keeper::answer const* {
        auto const found = std::ranges::lower_bound(answers, ref, {}, &lease_keeper::answer::ref);
        return found != answers.end() && found->ref == ref ? &*found : nullptr;
    };
    auto const confirm = [&](entry_ref ref, boot_clock::time_point& confirmed) {
        if (auto const* const answer = find(ref); answer && answer->state == holding::held)
            confirmed = std::max(confirmed, answer->confirmed);
    };
    lanes_.for_each([&](held& one) { confirm(one.ref, one.confirmed); });
    redelivery_.for_each([&](retry_queue::waiting& one) { confirm(one.ref, one.confirmed); });
    settler_.for_each(confirm);

    auto const is = [&](holding state) {
        return [&, state](entry_ref ref) {
            auto const* const answer = find(ref);
            return answer && answer->state == state;
        };
    };
    auto const dropped = lanes_.lose_if(is(holding::lost));
    lost_ += dropped + redelivery_.lose_if(is(holding::lost));
    // One whose body is in hand is handled, though its entry was removed.
    gone_ += redelivery_.lose_if(is(holding::gone));
    for (std::size_t i = 0; i != dropped; ++i)
        place_free();
}

/// A delivery that waits for another attempt: its count stays, and others can claim it when it would have
/// been due.
void session::give_back(retry_queue::waiting const& delivery)
{
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(delivery.due - clock::now());
    auto const idle = options_->lease - std::max(left, std::chrono::milliseconds(0));
    settler_.release(delivery.ref, delivery.attempts, std::max(idle, std::chrono::milliseconds(0)));
}

} // namespace strandline::consume
