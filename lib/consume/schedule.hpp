#pragma once

#include "consume/held.hpp"

#include <strandline/consumer_options.hpp>

#include <boost/circular_buffer.hpp>
#include <boost/unordered/unordered_node_map.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::consume {

/// A delivery that stands in a line behind the first one.
struct follower
{
    enum class body
    {
        here,
        given_up,
        on_its_way,
    };

    /// Without `what.due`.
    waiting what;
    body state = body::given_up;
    /// Where the body is here.
    held with_body;
};

struct line
{
    std::string key;
    std::deque<follower> followers;
    /// Of the followers, those that have their bodies.
    std::size_t with_bodies = 0;
    /// One is on its way. Otherwise the first follower waits for its body.
    bool has_first = true;
    /// The first one waits for another attempt, or does not return.
    bool held_back = false;
};

/// Decides which delivery starts next.
///
/// Without order that is the one that came first. With order, deliveries of one key stand in a line: the
/// first is on its way (ready, with a handler, or waiting for another attempt), the others follow. While it
/// waits for another attempt the others give up their bodies and places, and keep their turn.
class schedule
{
public:
    struct hooks
    {
        /// A delivery whose turn has come, or comes soon, needs its body.
        std::function<void(waiting)> fetch;
        /// Deliveries gave up that many places.
        std::function<void(std::size_t)> places_given_up;
    };

    schedule(ordering order, hooks to) : order_(order), to_(std::move(to)) {}

    schedule(schedule const&) = delete;
    schedule& operator=(schedule const&) = delete;

    /// One that was read.
    void push(held&& one);

    /// One whose body was fetched to start it.
    void push_urgent(held&& one);

    /// One whose body was fetched for its turn.
    void push_turn(held&& one);

    /// One that was found pending, and what it holds.
    void push_found(waiting one, entry_view const& entry);

    /// One that was to be fetched is another's now, or gone.
    void forget(waiting const& one);

    std::size_t ready() const noexcept { return urgent_.size() + fresh_.size(); }

    /// Ready ones that were fetched to start: their attempt has been counted.
    std::size_t urgent() const noexcept { return urgent_.size(); }

    /// Takes out the one to start next.
    std::optional<held> next();

    /// Takes out the one to start next if it is of that stream.
    std::optional<held> next_of(stream_index stream);

    /// The first of the line does not go on for now.
    void hold_back(line* which);

    /// The first of the line has ended, whichever way.
    void advance(line* which);

    /// For want of places nothing else can start: followers give up theirs, but for so many that are nearest
    /// to their turn.
    void give_up_places(std::size_t kept);

    /// Followers without bodies that nobody fetches.
    std::size_t waiting_in_lines() const noexcept { return bare_; }

    /// Calls `visit(entry_ref, confirmed&)` for all that is here.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (auto* const queue : {&urgent_, &fresh_})
            for (auto& one : *queue)
                visit(one.ref, one.confirmed);
        for (auto& [key, one] : lines_)
            for (auto& next : one.followers)
                if (next.state != follower::body::on_its_way)
                    visit(next.what.ref, next.what.confirmed);
    }

    /// Drops those of them for which `is_lost(entry_ref)` is true; returns how many.
    template <class IsLost>
    std::size_t lose_if(IsLost is_lost)
    {
        std::size_t places = 0;
        std::size_t bare = 0;
        std::vector<line*> ended;
        for (auto* const queue : {&urgent_, &fresh_}) {
            auto const rest = std::remove_if(queue->begin(), queue->end(), [&](held const& one) {
                if (!is_lost(one.ref))
                    return false;
                if (one.in)
                    ended.push_back(one.in);
                return true;
            });
            places += static_cast<std::size_t>(queue->end() - rest);
            queue->erase(rest, queue->end());
        }
        for (auto& [key, one] : lines_) {
            auto const with_bodies = one.with_bodies;
            auto const lost = std::erase_if(one.followers, [&](follower const& next) {
                if (next.state == follower::body::on_its_way || !is_lost(next.what.ref))
                    return false;
                one.with_bodies -= next.state == follower::body::here;
                return true;
            });
            places += with_bodies - one.with_bodies;
            bare += lost - (with_bodies - one.with_bodies);
        }
        bare_ -= bare;
        if (places != 0)
            to_.places_given_up(places);
        for (auto* const one : ended)
            advance(one);
        return places + bare;
    }

    /// Everything, taken out. Those with bodies have not been started: their attempts are those before.
    std::vector<waiting> close();

private:
    using ready_queue = boost::circular_buffer<held>;

    struct hash
    {
        using is_transparent = void;

        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>()(text);
        }
    };

    /// Null for one that stands in no line. True when it is the first.
    std::pair<line*, bool> find_line(entry_ref ref, entry_view const& entry);
    static void push(ready_queue& queue, held&& one);
    void add(line& in, follower one);
    void call_next(line& in);
    void give_up_bodies(line& in, std::size_t kept);

    ordering order_;
    hooks to_;
    /// Grow to what was needed once: a deque would allocate for every few deliveries.
    ready_queue urgent_;
    ready_queue fresh_;
    /// Nobody stands in a line that is not here; those that do keep its address.
    boost::unordered_node_map<std::string, line, hash, std::equal_to<>> lines_;
    /// Kept for its capacity.
    std::string key_;
    std::size_t bare_ = 0;
};

} // namespace strandline::consume
