// The ways of a delivery through a run: how it comes in, what becomes of it, and how one that was left behind
// is taken up.

#include "consume/normalise.hpp"
#include "consume/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::string_view ended_with_process = "the process ended while a handler ran";

} // namespace

/// Each delivery with a body comes through one of the three functions below, and there gets the form in which
/// everybody sees it. One that has none is over at once.
failure session::read_format(held& delivery) const
{
    auto const& of = (*subscriptions_)[delivery.ref.stream];
    return of.options.format ? normalise(delivery, of.stream, *of.options.format) : failure();
}

/// What was replayed for another group (R1) is over before anything is made of it: no handler, no hook, no
/// place in a line, no count. The header counts that is stored, whatever a format makes of it.
bool session::pass_over(held const& delivery)
{
    auto const group = delivery.entry.header(header_names::for_group);
    if (!group || *group == who_.group)
        return false;
    ++activity_;
    if (!options_->at_most_once)
        settler_.pass_over(delivery);
    places_free(1);
    return true;
}

void session::arrived(held&& delivery)
{
    if (pass_over(delivery))
        return;
    ++activity_;
    if (stopping_ && !options_->at_most_once) {
        places_.release(1);
        settler_.release(delivery.ref, delivery.attempt - 1, options_->lease);
        return;
    }
    if (auto const why = read_format(delivery))
        return ended(delivery, {ended::undecodable, why.message()});
    schedule_.push(std::move(delivery));
    lanes_.summon();
    relieve();
}

void session::fetched(held&& delivery, waiting const& waited)
{
    if (pass_over(delivery))
        return;
    ++activity_;
    if (stopping_) {
        places_.release(1);
        give_back(waited);
        return;
    }
    // Nobody is asked, so nobody sees it; and what ends the process may be its format.
    if (waited.what == waiting_for::end && !options_->on_dead) {
        places_.release(1);
        settler_.bury(delivery.ref, delivery.attempt, "exhausted", std::string(ended_with_process));
        return;
    }
    if (auto const why = read_format(delivery)) {
        // It could be read when it got its place in the line, so it leaves that.
        if (waited.what == waiting_for::turn) {
            schedule_.forget(waited);
            delivery.in = nullptr;
        }
        ended(delivery, {ended::undecodable, why.message()});
        return;
    }
    switch (waited.what) {
    case waiting_for::start:
        schedule_.push_urgent(std::move(delivery));
        break;
    case waiting_for::turn:
        schedule_.push_turn(std::move(delivery));
        break;
    case waiting_for::line: {
        auto found = waited;
        found.due = {};
        found.confirmed = delivery.confirmed;
        places_.release(1);
        schedule_.push_found(found, delivery.entry);
        break;
    }
    case waiting_for::end:
        if (!bury(delivery, "exhausted", std::string(ended_with_process))) {
            // It still may be what has ended the process.
            auto again = waited;
            again.due = clock::now() + judges_[delivery.ref.stream].reprieve().delay;
            again.what = waiting_for::line;
            again.confirmed = delivery.confirmed;
            ++retried_;
            redelivery_.add(again);
        }
        places_.release(1);
        break;
    }
    lanes_.summon();
}

void session::start_alone(held delivery)
{
    if (pass_over(delivery))
        quarantine_.finished();
    else if (stopping_) {
        places_.release(1);
        settler_.release(delivery.ref, delivery.attempt - 1, options_->lease);
        quarantine_.finished();
    }
    else if (auto const why = read_format(delivery)) {
        quarantine_.finished();
        ended(delivery, {ended::undecodable, why.message()});
    }
    else
        lanes_.run_alone(std::move(delivery));
}

void session::vanished(waiting const& delivery, holding state)
{
    ++activity_;
    ++(state == holding::gone ? gone_ : lost_);
    if (stopping_)
        return;
    schedule_.forget(delivery);
    places_free(0);
}

void session::ended(held& delivery, outcome&& how)
{
    ++activity_;
    ++handler_runs_;
    auto in = delivery.in;
    if (options_->at_most_once)
        ended_at_most_once(delivery, how);
    else if (delivery.is_gone)
        ++(how.how == ended::returned ? handled_ : gone_);
    else {
        auto const decision = judges_[delivery.ref.stream].after(how, delivery.attempt);
        switch (decision.what) {
        case verdict::kind::acknowledge:
            settler_.acknowledge(delivery);
            break;
        case verdict::kind::release:
            settler_.release(
                delivery.ref, delivery.attempt - 1, options_->lease, how.how == ended::cancelled
            );
            break;
        case verdict::kind::forget:
            ++lost_;
            break;
        case verdict::kind::dead:
            if (!bury(delivery, decision.reason, std::move(how.error))) {
                retry_later(delivery, judges_[delivery.ref.stream].reprieve().delay);
                in = nullptr;
            }
            break;
        case verdict::kind::retry:
            retry_later(delivery, decision.delay);
            in = nullptr;
            break;
        }
    }
    // At most once the stop waits for those behind it, too.
    if (!stopping_ || (options_->at_most_once && lines_go_on_))
        schedule_.advance(in);
    places_free(1);
    quarantine_.notify();
    end_if_drained();
}

void session::ended_at_most_once(held const& delivery, outcome const& how)
{
    switch (how.how) {
    case ended::returned:
        ++handled_;
        return;
    case ended::released:
    case ended::cancelled:
    case ended::lost:
        ++dropped_;
        return;
    default:
        ++dropped_;
        tell(
            {errc::handler_failed, fmt::format(
                                       "stream {}, entry {}: {}", who_.streams[delivery.ref.stream],
                                       delivery.ref.id.to_string(), how.error
                                   )}
        );
    }
}

dead_action session::ask(held const& delivery, std::string_view reason, std::string_view error) const
{
    strandline::delivery const view(
        who_.streams[delivery.ref.stream], delivery.ref.id, delivery.attempt, delivery.entry
    );
    if (reason == "undecodable")
        return options_->on_undecodable ? options_->on_undecodable(view, error) : dead_action::bury;
    return options_->on_dead ? options_->on_dead(view, reason, error) : dead_action::bury;
}

/// False when it is tried once more.
bool session::bury(held const& delivery, std::string_view reason, std::string error)
{
    switch (ask(delivery, reason, error)) {
    case dead_action::bury:
        settler_.bury(delivery.ref, delivery.attempt, reason, std::move(error));
        return true;
    case dead_action::drop:
        settler_.drop(delivery);
        return true;
    case dead_action::retry:
        break;
    }
    return false;
}

void session::retry_later(held const& delivery, std::chrono::milliseconds delay)
{
    ++retried_;
    waiting const again{clock::now() + delay, delivery.ref, delivery.attempt, waiting_for::start, false,
                        delivery.confirmed,   delivery.in};
    if (stopping_)
        return give_back(again);
    schedule_.hold_back(delivery.in);
    redelivery_.add(again);
}

/// Calls `visit(entry_ref)` for everything that has not ended.
template <class Visit>
void session::for_each_in_hand(Visit visit)
{
    auto const visit_ref = [&](entry_ref ref, auto const&) { visit(ref); };
    auto const visit_waiting = [&](waiting const& one) { visit(one.ref); };
    lanes_.for_each([&](held const& one) { visit(one.ref); });
    schedule_.for_each(visit_ref);
    redelivery_.for_each(visit_waiting);
    quarantine_.for_each(visit_waiting);
    settler_.for_each(visit_ref);
}

std::vector<entry_id> session::in_hand(stream_index stream)
{
    std::vector<entry_id> ids;
    for_each_in_hand([&](entry_ref ref) {
        if (ref.stream == stream)
            ids.push_back(ref.id);
    });
    std::ranges::sort(ids);
    return ids;
}

void session::recovered(stream_index stream, std::vector<pending_entry> const& entries)
{
    // What this process has in hand is no news. Looked up only here, so that the way of every delivery need
    // not keep it.
    std::vector<bool> known(entries.size());
    for_each_in_hand([&](entry_ref ref) {
        auto const found = std::ranges::lower_bound(entries, ref.id, {}, &pending_entry::id);
        if (ref.stream == stream && found != entries.end() && found->id == ref.id)
            known[static_cast<std::size_t>(found - entries.begin())] = true;
    });
    for (std::size_t i = 0; i != entries.size(); ++i) {
        if (known[i])
            continue;
        entry_ref const ref{stream, entries[i].id};
        if (stopping_)
            settler_.release(ref, entries[i].attempts, options_->lease);
        else
            recover(ref, entries[i].attempts);
    }
}

void session::recover(entry_ref ref, std::uint32_t attempts)
{
    ++activity_;
    waiting one;
    one.ref = ref;
    one.attempts = attempts;
    one.suspect = attempts >= 2;
    if (judges_[ref.stream].is_exhausted(attempts))
        one.what = waiting_for::end;
    else if (options_->order != ordering::unordered)
        one.what = waiting_for::line;
    else if (one.suspect)
        return quarantine_.add(one);
    redelivery_.add_recovered(one);
}

/// A delivery that waits: its count stays, and others can claim it when it would have been due.
void session::give_back(waiting const& delivery)
{
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(delivery.due - clock::now());
    auto const idle = options_->lease - std::max(left, std::chrono::milliseconds(0));
    settler_.release(delivery.ref, delivery.attempts, std::max(idle, std::chrono::milliseconds(0)));
}

} // namespace strandline::consume
