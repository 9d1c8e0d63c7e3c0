#include "consume/intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace strandline::consume {

namespace {

constexpr std::chrono::milliseconds longest_wait{5'000};

/// A read of some of the streams keeps the others waiting.
constexpr std::chrono::milliseconds partial_wait{100};

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{5'000};

constexpr std::size_t backlog_page = 500;

/// Nobody else has the strand while it is taken up.
constexpr std::size_t most_told = 10'000;

std::chrono::milliseconds pause_after(std::uint32_t failures)
{
    return failures == 0 ? std::chrono::milliseconds(0)
                         : std::min(first_pause * (1 << std::min(failures - 1, 10U)), longest_pause);
}

bool is_fatal(failure const& why)
{
    return why == errc::closed || why == errc::name_taken || why == errc::lease_differs;
}

} // namespace

intake::intake(
    broker& engine, identity const& who, consumer_options const& options, slots& places, bool drains, hooks to
)
    : engine_(engine)
    , who_(who)
    , options_(options)
    , places_(places)
    , to_(std::move(to))
    , reader_(engine.make_reader(
          who.group, who.consumer, options.at_most_once ? read_as::acknowledged : read_as::pending
      ))
    , plan_(options.read_count, options.max_in_flight)
    , drains_(drains)
{
    for (auto const& name : who.streams)
        sources_.emplace_back(name, engine.get_executor());
}

void intake::start()
{
    prepare_unreadable();
}

void intake::prepare_unreadable()
{
    for (stream_index index = 0; index != sources_.size(); ++index) {
        auto& one = sources_[index];
        if (one.readable || std::exchange(one.preparing, true))
            continue;
        to_.spawn(prepare(index));
    }
}

asio::awaitable<void> intake::prepare(stream_index index)
{
    auto& self = sources_[index];
    // The first failed read may be chance, like a lost connection; more of them are not.
    auto failed = std::max(failures_, 1U) - 1;
    auto decided = false;
    ++undecided_;
    while (!closed_) {
        if (auto const pause = pause_after(failed); pause.count() != 0) {
            co_await self.pause.wait_until(std::chrono::steady_clock::now() + pause);
            if (closed_)
                break;
        }
        auto why = co_await engine_.ensure_group(
            self.name, who_.group, self.known ? start_position::beginning() : options_.start
        );
        if (!why) {
            self.known = true;
            why = co_await join(index);
        }
        if (!why && !options_.at_most_once)
            why = co_await look_up_backlog(index);
        if (closed_)
            break;
        if (!std::exchange(decided, true))
            --undecided_;
        if (!why) {
            self.preparing = false;
            self.readable = true;
            self.why = {};
            readable_.insert(std::ranges::upper_bound(readable_, index), index);
            // A read under way knows nothing of this stream, and may wait long.
            if (busy())
                wake();
            fill();
            co_return;
        }
        fill();
        if (is_fatal(why)) {
            to_.fatal(why);
            break;
        }
        self.why = why;
        to_.on_error({why.code(), fmt::format("stream {}: {}", self.name, why.message())});
        ++failed;
    }
    self.preparing = false;
}

/// Where entries are acknowledged as they are read, there is nothing to own.
asio::awaitable<failure> intake::join(stream_index index)
{
    if (options_.at_most_once)
        co_return failure();
    auto& self = sources_[index];
    // Once it was ours, only a flush can have removed it; or another has it.
    auto why = co_await engine_.join(who_.in(index), options_.lease, !self.joined);
    if (!why && !std::exchange(self.joined, true))
        to_.joined();
    if (!why && options_.exclusive)
        why = co_await take_over_all(index);
    co_return why;
}

/// The holder of the lock has no living neighbours.
asio::awaitable<failure> intake::take_over_all(stream_index index)
{
    auto cursor = entry_id::min();
    do {
        auto const taken =
            co_await engine_.claim(who_.in(index), std::chrono::milliseconds(0), cursor, backlog_page);
        if (!taken)
            co_return taken.error();
        cursor = taken->cursor;
    } while (cursor != entry_id::min() && !closed_);
    co_return failure();
}

asio::awaitable<failure> intake::look_up_backlog(stream_index index)
{
    // Asked before: what is in hand now and ends meanwhile stands in pages that are older.
    auto const in_hand = to_.in_hand(index);
    auto const is_news = [&](pending_entry const& one) {
        return !std::ranges::binary_search(in_hand, one.id);
    };
    // Whoever is told looks through all that has come in hand: told of as many as before, he looks seldom.
    std::vector<pending_entry> found;
    std::size_t told = 0;
    auto after = entry_id::min();
    for (auto is_last = false; !is_last;) {
        auto const page = co_await engine_.backlog(who_.in(index), after, backlog_page);
        if (!page)
            co_return page.error();
        if (closed_)
            break;
        is_last = page->size() < backlog_page;
        if (!page->empty())
            after = page->back().id;
        std::ranges::copy_if(*page, std::back_inserter(found), is_news);
        if (found.empty() || (!is_last && found.size() < std::min(told, most_told)))
            continue;
        told += found.size();
        to_.recovered(index, found);
        found.clear();
    }
    co_return failure();
}

void intake::fill()
{
    // A read that is answered at once comes back here before `spawn` returns: the loop goes on, not the
    // stack. And a read leaves no stream out that needs but an answer to be read, too.
    if (filling_ || dry_ || undecided_ != 0)
        return;
    filling_ = true;
    while (!closed_ && !dry_) {
        auto const wanted = to_.wanted();
        auto const free = places_.free();
        auto what = plan_.next(readable_, free - std::min(free, wanted), to_.queued());
        if (what.count == 0)
            break;
        places_.reserve(what.places());
        plan_.began();
        to_.spawn(read(std::move(what)));
    }
    filling_ = false;
}

asio::awaitable<void> intake::read(read_plan::read what)
{
    std::vector<std::string_view> names;
    names.reserve(what.streams.size());
    for (auto const index : what.streams)
        names.push_back(sources_[index].name);
    // A drain does not end before all streams can be read; until then there may be nothing but to wait.
    auto const only_looks = drains_ && readable_.size() == sources_.size();
    auto const wait = !what.may_wait || only_looks ? std::chrono::milliseconds(0)
                      : what.partial               ? partial_wait
                                                   : longest_wait;
    auto entries = std::exchange(spare_, {});
    auto const confirmed = boot_clock::now();

    auto const why = co_await reader_->read(names, what.count, wait, entries);

    plan_.finished(what.places(), entries.size());
    places_.release(what.places() - entries.size());
    for (auto& entry : entries)
        to_.arrived(
            {{what.streams[entry.stream], entry.id}, 1, entry.entry, std::move(entry.owner), confirmed}
        );
    entries.clear();
    spare_ = std::move(entries);

    if (closed_) {
        to_.ended();
        co_return;
    }
    to_.places_free();
    if (is_fatal(why)) {
        // Further reads would fail at once, for ever: nobody else gets the strand while they do, and could
        // close this.
        readable_.clear();
        to_.fatal(why);
        co_return;
    }
    if (why) {
        // A right that is missing does not come back by itself.
        failures_ += why == errc::not_permitted ? 2 : 1;
        for (auto const index : what.streams)
            sources_[index].why = why;
        to_.on_error(why);
        readable_.clear();
        for (auto& one : sources_)
            one.readable = false;
    }
    else {
        failures_ = 0;
        auto const now = std::chrono::steady_clock::now();
        for (auto const index : what.streams)
            sources_[index].read_at = now;
    }
    // Not before the last read has ended: what it brings would be found in the backlog, too.
    if (readable_.size() != sources_.size() && plan_.under_way() == 0)
        prepare_unreadable();
    if (drains_ && !why && !busy() && readable_.size() == sources_.size() && plan_.all_empty(sources_.size()))
    {
        dry_ = true;
        to_.dry();
    }
    fill();
}

void intake::look_again()
{
    dry_ = false;
    plan_.look_again();
    fill();
}

stream_status intake::status(stream_index stream, std::chrono::steady_clock::time_point now) const
{
    auto const& of = sources_[stream];
    stream_status told{.name = std::string(of.name), .is_read = of.readable, .why = of.why};
    if (of.read_at)
        told.since_read = std::chrono::floor<std::chrono::milliseconds>(now - *of.read_at);
    return told;
}

void intake::close()
{
    closed_ = true;
    for (auto& one : sources_)
        one.pause.notify();
    if (busy())
        reader_->wake();
}

} // namespace strandline::consume
