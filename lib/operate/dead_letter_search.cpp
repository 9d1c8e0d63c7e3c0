#include "operate/dead_letter_search.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace strandline::operate {

namespace {

/// What is asked of the engine at once. It brings bodies, which may be large.
constexpr std::size_t most_looked_at = 100;

bool agrees(std::string_view wanted, entry_view const& entry, std::string_view header)
{
    return wanted.empty() || entry.header(header) == wanted;
}

} // namespace

dead_letter read_letter(listed_entry const& from)
{
    namespace names = header_names;
    auto const said = [&](std::string_view name) { return from.entry.header(name).value_or(""); };
    dead_letter letter;
    letter.id = from.id;
    letter.content.body = from.entry.body;
    for (auto const& [name, value] : from.entry.headers)
        if (!name.starts_with("dead-"))
            letter.content.headers.push_back({std::string(name), std::string(value)});
    letter.stream = said(names::dead_stream);
    if (auto const entry = entry_id::parse(said(names::dead_id)))
        letter.entry = *entry;
    letter.group = said(names::dead_group);
    letter.consumer = said(names::dead_consumer);
    letter.reason = said(names::dead_reason);
    letter.error = said(names::dead_error);
    auto const attempts = said(names::dead_attempts);
    std::from_chars(attempts.data(), attempts.data() + attempts.size(), letter.attempts);
    return letter;
}

dead_letter_search::dead_letter_search(
    broker& engine, std::string const& stream, dead_letter_filter const& which
)
    : engine_(engine)
    , stream_(stream)
    , which_(which)
{}

asio::awaitable<failure> dead_letter_search::begin(entry_id after)
{
    if (auto invalid = check_stream_name(stream_))
        co_return invalid;
    if (which_.older_than < which_.older_than.zero() || which_.younger_than < which_.younger_than.zero())
        co_return failure(errc::invalid_option, "the ages of a dead_letter_filter must not be below 0");
    auto const letters = dead_letter_stream(stream_);
    std::array<std::string_view, 1> const of{letters};
    auto const measured = co_await engine_.measure(of);
    if (!measured)
        co_return measured.error();
    auto const& now = measured->front();
    if (now.why == errc::no_group)
        co_return failure();
    if (now.why)
        co_return now.why;
    position_ = after;
    at_end_ = !now.last;
    last_ = now.last.value_or(entry_id());
    // Letters are as old as their ids say.
    auto const ago = [&](std::chrono::milliseconds age) {
        return static_cast<std::uint64_t>(
            std::max<std::int64_t>((now.now - age).time_since_epoch().count(), 0)
        );
    };
    if (which_.older_than != which_.older_than.zero())
        last_ = std::min(last_, entry_id{ago(which_.older_than), entry_id::max().seq});
    if (which_.younger_than != which_.younger_than.zero())
        position_ =
            std::max(position_, entry_id{ago(which_.younger_than), 0}.previous().value_or(entry_id::min()));
    co_return failure();
}

asio::awaitable<failure> dead_letter_search::next(std::size_t most, std::vector<listed_entry>& out)
{
    auto const letters = dead_letter_stream(stream_);
    // Where it can be told from ids what is wanted, no more than that.
    auto const looked_at =
        lets_all_through() ? std::clamp<std::size_t>(most, 1, most_looked_at) : most_looked_at;
    auto const found = co_await engine_.inspect_entries(letters, position_, looked_at);
    if (!found)
        co_return found.error();
    at_end_ = found->size() < looked_at || found->back().id >= last_;
    for (auto const& one : *found) {
        if (one.id > last_) {
            at_end_ = true;
            break;
        }
        if (most == 0) {
            at_end_ = false;
            break;
        }
        position_ = one.id;
        if (lets_through(one)) {
            out.push_back(one);
            --most;
        }
    }
    co_return failure();
}

bool dead_letter_search::lets_all_through() const
{
    return which_.group.empty() && which_.reason.empty() && which_.type.empty();
}

bool dead_letter_search::lets_through(listed_entry const& one) const
{
    namespace names = header_names;
    return agrees(which_.group, one.entry, names::dead_group) &&
           agrees(which_.reason, one.entry, names::dead_reason) &&
           agrees(which_.type, one.entry, names::type);
}

} // namespace strandline::operate
