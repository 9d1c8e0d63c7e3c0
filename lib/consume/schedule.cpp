#include "consume/schedule.hpp"

#include <algorithm>
#include <utility>

namespace strandline::consume {

namespace {

/// How many of a line are fetched together when the turn comes to one without a body.
constexpr std::size_t fetched_together = 16;

waiting without_body(held const& one, waiting_for what)
{
    return {{}, one.ref, one.attempt - 1, what, false, one.confirmed, one.in};
}

/// Near the front: those whose turn comes soon.
auto find_follower(line& in, entry_ref ref)
{
    return std::ranges::find(in.followers, ref, [](follower const& next) { return next.what.ref; });
}

} // namespace

void schedule::push(ready_queue& queue, held&& one)
{
    if (queue.full())
        queue.set_capacity(std::max<std::size_t>(2 * queue.capacity(), 64));
    queue.push_back(std::move(one));
}

std::pair<line*, bool> schedule::find_line(entry_ref ref, entry_view const& entry)
{
    if (order_ == ordering::unordered)
        return {nullptr, true};
    key_.clear();
    if (order_ == ordering::by_key) {
        auto const key = entry.header(header_names::key);
        if (!key)
            return {nullptr, true};
        // Streams have their own order each.
        key_.append(std::to_string(ref.stream)).append(1, ' ').append(*key);
    }
    auto const [place, is_new] = lines_.try_emplace(key_);
    if (is_new)
        place->second.key = key_;
    return {&place->second, is_new};
}

void schedule::push(held&& one)
{
    auto const [in, is_first] = find_line(one.ref, one.entry);
    one.in = in;
    if (is_first)
        push(fresh_, std::move(one));
    else {
        auto what = without_body(one, waiting_for::turn);
        add(*in, {what, follower::body::here, std::move(one)});
    }
}

void schedule::push_found(waiting one, entry_view const& entry)
{
    auto const [in, is_first] = find_line(one.ref, entry);
    one.in = in;
    one.what = waiting_for::start;
    if (is_first)
        to_.fetch(one);
    else
        add(*in, {one, follower::body::given_up, {}});
}

void schedule::push_urgent(held&& one)
{
    if (one.in)
        one.in->held_back = false;
    push(urgent_, std::move(one));
}

void schedule::push_turn(held&& one)
{
    auto& in = *one.in;
    auto const place = find_follower(in, one.ref);
    place->with_body = std::move(one);
    place->what.confirmed = place->with_body.confirmed;
    place->state = follower::body::here;
    ++in.with_bodies;
    if (in.held_back)
        give_up_bodies(in, 0);
    else if (!in.has_first && place == in.followers.begin())
        call_next(in);
}

void schedule::forget(waiting const& one)
{
    if (!one.in)
        return;
    if (one.what != waiting_for::turn)
        return advance(one.in);
    auto& in = *one.in;
    in.followers.erase(find_follower(in, one.ref));
    if (!in.has_first)
        call_next(in);
}

std::optional<held> schedule::next()
{
    auto& queue = urgent_.empty() ? fresh_ : urgent_;
    if (queue.empty())
        return std::nullopt;
    std::optional<held> one(std::move(queue.front()));
    queue.pop_front();
    return one;
}

std::optional<held> schedule::next_of(stream_index stream)
{
    auto const& queue = urgent_.empty() ? fresh_ : urgent_;
    return queue.empty() || queue.front().ref.stream != stream ? std::nullopt : next();
}

void schedule::add(line& in, follower one)
{
    if (one.state == follower::body::here)
        ++in.with_bodies;
    else
        ++bare_;
    in.followers.push_back(std::move(one));
    if (in.held_back)
        give_up_bodies(in, 0);
}

void schedule::hold_back(line* which)
{
    if (!which)
        return;
    which->held_back = true;
    give_up_bodies(*which, 0);
}

void schedule::advance(line* which)
{
    if (!which)
        return;
    which->has_first = false;
    which->held_back = false;
    call_next(*which);
}

void schedule::call_next(line& in)
{
    if (in.followers.empty()) {
        lines_.erase(std::string(in.key));
        return;
    }
    auto& first = in.followers.front();
    if (first.state == follower::body::here) {
        --in.with_bodies;
        in.has_first = true;
        push(fresh_, std::move(first.with_body));
        in.followers.pop_front();
    }
    else if (first.state == follower::body::given_up && first.what.what == waiting_for::start) {
        --bare_;
        in.has_first = true;
        auto one = first.what;
        in.followers.pop_front();
        one.in = &in;
        to_.fetch(one);
    }
    else if (first.state == follower::body::given_up) {
        std::vector<waiting> due;
        for (auto& next : in.followers) {
            if (next.state != follower::body::given_up || next.what.what != waiting_for::turn ||
                due.size() == fetched_together)
                break;
            --bare_;
            next.state = follower::body::on_its_way;
            next.what.in = &in;
            due.push_back(next.what);
        }
        for (auto const& one : due)
            to_.fetch(one);
    }
}

void schedule::give_up_bodies(line& in, std::size_t kept)
{
    if (in.with_bodies <= kept)
        return;
    auto const given_up = in.with_bodies - kept;
    for (auto place = in.followers.rbegin(); in.with_bodies != kept; ++place)
        if (place->state == follower::body::here) {
            place->state = follower::body::given_up;
            place->with_body = {};
            --in.with_bodies;
            ++bare_;
        }
    to_.places_given_up(given_up);
}

void schedule::give_up_places(std::size_t kept)
{
    auto const each = lines_.empty() ? 0 : kept / lines_.size();
    for (auto& [key, one] : lines_)
        give_up_bodies(one, each);
}

std::vector<waiting> schedule::close()
{
    std::vector<waiting> all;
    for (auto* const queue : {&urgent_, &fresh_}) {
        for (auto const& one : *queue)
            all.push_back(without_body(one, waiting_for::start));
        to_.places_given_up(queue->size());
        queue->clear();
    }
    for (auto& [key, one] : lines_) {
        for (auto const& next : one.followers)
            if (next.state != follower::body::on_its_way)
                all.push_back(next.what);
        to_.places_given_up(one.with_bodies);
    }
    lines_.clear();
    bare_ = 0;
    return all;
}

} // namespace strandline::consume
