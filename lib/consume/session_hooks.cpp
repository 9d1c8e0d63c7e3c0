// How the parts of a run are joined: what each one calls, and what that is to the others.

#include "consume/session.hpp"

#include <fmt/format.h>

#include <utility>

namespace strandline::consume {

settler::hooks session::settler_hooks()
{
    return {
        .on_error = [this](failure const& why) { tell(why); },
        .progress =
            [this] {
                if (!stopping_)
                    intake_.fill();
                end_if_drained();
            },
    };
}

schedule::hooks session::schedule_hooks()
{
    return {
        .fetch =
            [this](waiting delivery) {
                if (delivery.suspect)
                    quarantine_.add(delivery);
                else
                    redelivery_.add(delivery);
            },
        .places_given_up = [this](std::size_t count) { places_free(count); },
    };
}

lanes::functions session::lane_functions()
{
    return {
        .spawn = [this](
                     asio::awaitable<void> coroutine, asio::cancellation_slot slot
                 ) { spawn(std::move(coroutine), slot); },
        .wanting =
            [this] {
                // Later: if the handler returns without a pause, its followers need not give up anything.
                if (options_->order != ordering::unordered && places_.free() == 0 && !stopping_)
                    places_free(0);
            },
        .ended = [this](held& delivery, outcome&& how) { ended(delivery, std::move(how)); },
        .stuck =
            [this](held const& delivery) {
                if (!stopping_ && !options_->at_most_once)
                    schedule_.hold_back(delivery.in);
                quarantine_.notify();
                tell(
                    {errc::stuck, fmt::format(
                                      "stream {}, entry {}: cancelled after {} ms, and has not returned",
                                      who_.streams[delivery.ref.stream], delivery.ref.id.to_string(),
                                      options_->handler_timeout.count()
                                  )}
                );
            },
        .quiet = [this] { solitude_.quiet(); },
        .alone_ended = [this] { quarantine_.finished(); },
    };
}

intake::hooks session::intake_hooks()
{
    return {
        .arrived = [this](held&& delivery) { arrived(std::move(delivery)); },
        .in_hand = [this](stream_index stream) { return in_hand(stream); },
        .recovered = [this](stream_index stream, auto const& entries) { recovered(stream, entries); },
        .joined = [this] { reclaimer_.joined(); },
        .queued = [this] { return schedule_.ready(); },
        .wanted = [this] { return places_wanted(); },
        .places_free =
            [this] {
                redelivery_.places_free();
                quarantine_.notify();
            },
        .on_error = [this](failure const& why) { tell(why); },
        .fatal = [this](failure const& why) { end_with(why); },
        .ended = [this] { changed_.notify(); },
        .dry = [this] { end_if_drained(); },
        .spawn = [this](asio::awaitable<void> coroutine) { spawn(std::move(coroutine)); },
    };
}

redelivery::hooks session::redelivery_hooks()
{
    return {
        .arrived = [this](held&& delivery, waiting const& waited) { fetched(std::move(delivery), waited); },
        .vanished = [this](waiting const& delivery, holding state) { vanished(delivery, state); },
        .room = [this] { return lanes_.most() - std::min(lanes_.most(), schedule_.urgent()); },
        .need_place =
            [this] {
                intake_.wake();
                relieve();
            },
        .fetched =
            [this] {
                places_free(0);
                end_if_drained();
            },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

quarantine::hooks session::quarantine_hooks()
{
    return {
        .start = [this](held delivery) { start_alone(std::move(delivery)); },
        .vanished = [this](waiting const& delivery, holding state) { vanished(delivery, state); },
        .need_place =
            [this] {
                intake_.wake();
                relieve();
            },
        .progress = [this] { return handler_runs_; },
        .others_wait = [this] { return schedule_.ready() != 0 || lanes_.running() != lanes_.stuck(); },
        .ended =
            [this] {
                places_free(0);
                end_if_drained();
            },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

solitude::hooks session::solitude_hooks()
{
    return {
        .hold = [this] { lanes_.hold(); },
        .resume = [this] { lanes_.resume(); },
        .alone = [this] { quarantine_.granted(); },
    };
}

lease_keeper::hooks session::lease_hooks()
{
    return {
        .has_joined = [this](stream_index stream) { return intake_.has_joined(stream); },
        .held_since_before = [this](boot_clock::time_point time) { return held_since_before(time); },
        .answered = [this](std::span<lease_keeper::answer const> answers) { renewed(answers); },
        .reached = [this] { reached(); },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

reclaimer::hooks session::reclaimer_hooks()
{
    return {
        .recovered = [this](stream_index stream, auto const& entries) { recovered(stream, entries); },
        .has_joined = [this](stream_index stream) { return intake_.has_joined(stream); },
        .has_room =
            [this] { return !is_cut_off_ && redelivery_.size() + quarantine_.size() < places_.limit(); },
        .passed =
            [this] {
                if (stopping_)
                    changed_.notify();
                end_if_drained();
            },
        .on_error = [this](failure const& why) { tell(why); },
    };
}

promote::promoter::hooks session::promoter_hooks()
{
    return {
        .moved = [this](std::size_t) { ++activity_; },
        .looked = [this] { end_if_drained(); },
        .reached = [this](std::string const&) { reached(); },
        .on_error = [this](std::string const&, failure const& why) { tell(why); },
    };
}

exclusion::hooks session::exclusion_hooks()
{
    return {
        .on_error = [this](failure const& why) { tell(why); },
        .lost = [this](failure const& why) { end_with(why); },
    };
}

} // namespace strandline::consume
