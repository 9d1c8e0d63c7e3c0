#include "core/pause.hpp"
#include "operate/dead_letter_search.hpp"

#include <strandline/dead_letters.hpp>
#include <strandline/names.hpp>

#include <boost/asio/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

namespace strandline {

namespace {

using clock = std::chrono::steady_clock;

/// The contract's limit.
constexpr std::size_t most_in_call = 500;

constexpr std::size_t longest_page = 1000;

failure interrupted()
{
    return error_code(asio::error::operation_aborted);
}

/// It is about one letter: the next one may do well.
bool keeps_no_other(failure const& why)
{
    return why == errc::server_error || why == errc::no_group;
}

/// Replays in steps that a rate allows.
class replayer
{
public:
    replayer(broker& engine, std::string const& stream, replay_options how, std::stop_token stop)
        : engine_(engine)
        , stream_(stream)
        , how_(how)
        , stop_(std::move(stop))
        // Ten steps in a second look even, and are few.
        , step_(
              how.per_second == 0 ? most_in_call
                                  : std::clamp<std::size_t>(how.per_second / 10, 1, most_in_call)
          )
        , next_(clock::now())
    {}

    asio::awaitable<failure> replay(std::span<entry_id const> letters, replay_report& report)
    {
        while (!letters.empty()) {
            if (how_.per_second != 0)
                co_await pause_until(engine_.get_executor(), next_, stop_);
            if (stop_.stop_requested())
                co_return interrupted();
            auto const now = letters.first(std::min(step_, letters.size()));
            // Time that was lost is not made up for: that would be faster than the rate.
            if (how_.per_second != 0)
                next_ = clock::now() +
                        std::chrono::nanoseconds(std::chrono::seconds(now.size())) / how_.per_second;
            if (auto why = co_await replay_step(now, report))
                co_return why;
            letters = letters.subspan(now.size());
        }
        co_return failure();
    }

    /// What kept the first of the letters that could not be replayed, while others could.
    failure const& of_a_letter() const noexcept { return of_a_letter_; }

private:
    asio::awaitable<failure> replay_step(std::span<entry_id const> letters, replay_report& report)
    {
        std::vector<replaying> items;
        items.reserve(letters.size());
        for (auto const id : letters)
            items.push_back({id, how_.for_all, entry_id()});
        if (auto why = co_await engine_.replay(stream_, items))
            co_return why;
        failure of_all;
        for (auto const& item : items) {
            if (item.outcome) {
                report.replayed.push_back(*item.outcome);
                continue;
            }
            auto const& why = item.outcome.error();
            if (why == errc::no_entry)
                report.missing.push_back(item.id);
            // Everything else would keep the others, too.
            else if (auto& first = keeps_no_other(why) ? of_a_letter_ : of_all; !first)
                first = {why.code(), fmt::format("letter {}: {}", item.id.to_string(), why.words())};
        }
        co_return of_all;
    }

    broker& engine_;
    std::string const& stream_;
    replay_options how_;
    std::stop_token stop_;
    std::size_t step_;
    clock::time_point next_;
    failure of_a_letter_;
};

/// The ids of what a search finds next.
asio::awaitable<failure> find_some(operate::dead_letter_search& search, std::vector<entry_id>& ids)
{
    std::vector<listed_entry> found;
    auto why = co_await search.next(most_in_call, found);
    ids.clear();
    std::ranges::transform(found, std::back_inserter(ids), &listed_entry::id);
    co_return why;
}

} // namespace

asio::awaitable<detail::conclusion<dead_letter_page>> dead_letters::list(
    broker_ptr of, std::string const& stream, dead_letter_filter const& which, entry_id after,
    std::size_t count, std::stop_token stop
)
{
    detail::conclusion<dead_letter_page> end;
    if (count < 1 || count > longest_page) {
        end.why = {
            errc::invalid_option, fmt::format("a page has from 1 to {} letters, not {}", longest_page, count)
        };
        co_return end;
    }
    operate::dead_letter_search search(*of, stream, which);
    end.why = co_await search.begin(after);
    std::vector<listed_entry> found;
    while (!end.why && !search.at_end() && found.size() < count)
        end.why = stop.stop_requested() ? interrupted() : co_await search.next(count - found.size(), found);
    if (!end.why && !search.at_end())
        end.value.next = search.position();
    std::ranges::transform(found, std::back_inserter(end.value.letters), &operate::read_letter);
    co_return end;
}

asio::awaitable<result<dead_letter>> dead_letters::inspect(broker& of, std::string const& stream, entry_id id)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    auto const letters = dead_letter_stream(stream);
    auto const before = id.previous();
    if (before) {
        auto const found = co_await of.inspect_entries(letters, *before, 1);
        if (!found)
            co_return found.error();
        if (!found->empty() && found->front().id == id)
            co_return operate::read_letter(found->front());
    }
    co_return failure(errc::no_entry, fmt::format("{} among the dead letters of {}", id.to_string(), stream));
}

asio::awaitable<result<dead_letter_count>> dead_letters::count(broker& of, std::string const& stream)
{
    if (auto invalid = check_stream_name(stream))
        co_return invalid;
    auto const letters = dead_letter_stream(stream);
    auto const info = co_await of.inspect_stream(letters);
    if (info)
        co_return dead_letter_count{info->length, info->first, info->last};
    if (info.error() == errc::no_group)
        co_return dead_letter_count();
    co_return info.error();
}

asio::awaitable<detail::conclusion<replay_report>> dead_letters::replay(
    broker_ptr of, std::string const& stream, std::vector<entry_id> const& letters, replay_options how,
    std::stop_token stop
)
{
    detail::conclusion<replay_report> end;
    replayer by(*of, stream, how, stop);
    end.why = co_await by.replay(letters, end.value);
    if (!end.why)
        end.why = by.of_a_letter();
    co_return end;
}

asio::awaitable<detail::conclusion<replay_report>> dead_letters::replay_all(
    broker_ptr of, std::string const& stream, dead_letter_filter const& which, replay_options how,
    std::stop_token stop
)
{
    detail::conclusion<replay_report> end;
    replayer by(*of, stream, how, stop);
    operate::dead_letter_search search(*of, stream, which);
    end.why = co_await search.begin(entry_id::min());
    std::vector<entry_id> ids;
    while (!end.why && !search.at_end()) {
        end.why = stop.stop_requested() ? interrupted() : co_await find_some(search, ids);
        if (!end.why)
            end.why = co_await by.replay(ids, end.value);
    }
    if (!end.why)
        end.why = by.of_a_letter();
    co_return end;
}

asio::awaitable<detail::conclusion<std::uint64_t>> dead_letters::remove(
    broker_ptr of, std::string const& stream, std::vector<entry_id> const& letters, std::stop_token stop
)
{
    detail::conclusion<std::uint64_t> end;
    if ((end.why = check_stream_name(stream)))
        co_return end;
    auto const from = dead_letter_stream(stream);
    std::span<entry_id const> rest = letters;
    while (!end.why && !rest.empty()) {
        auto const now = rest.first(std::min(most_in_call, rest.size()));
        rest = rest.subspan(now.size());
        if (stop.stop_requested())
            end.why = interrupted();
        else if (auto const removed = co_await of->remove(from, now))
            end.value += *removed;
        else
            end.why = removed.error();
    }
    co_return end;
}

asio::awaitable<detail::conclusion<std::uint64_t>> dead_letters::purge(
    broker_ptr of, std::string const& stream, dead_letter_filter const& which, std::stop_token stop
)
{
    detail::conclusion<std::uint64_t> end;
    operate::dead_letter_search search(*of, stream, which);
    end.why = co_await search.begin(entry_id::min());
    std::vector<entry_id> ids;
    while (!end.why && !search.at_end()) {
        end.why = stop.stop_requested() ? interrupted() : co_await find_some(search, ids);
        if (end.why)
            break;
        auto const removed = co_await remove(of, stream, ids, stop);
        end.why = removed.why;
        end.value += removed.value;
    }
    co_return end;
}

} // namespace strandline
