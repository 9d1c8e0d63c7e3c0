#include "contract/bed.hpp"

#include "support/run.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>

namespace strandline::testing {

asio::awaitable<reading> read(
    stream_reader& reader, std::vector<std::string> streams, std::size_t count, std::chrono::milliseconds wait
)
{
    std::vector<std::string_view> const names(streams.begin(), streams.end());
    reading got;
    got.why = co_await reader.read(names, count, wait, got.entries);
    co_return got;
}

std::vector<std::string> bodies_of(std::vector<received> const& entries)
{
    std::vector<std::string> bodies;
    for (auto const& item : entries)
        bodies.emplace_back(item.entry.body.value_or("(none)"));
    return bodies;
}

std::vector<entry_id> ids_of(std::vector<received> const& entries)
{
    std::vector<entry_id> ids;
    std::ranges::transform(entries, std::back_inserter(ids), &received::id);
    return ids;
}

std::vector<entry_id> ids_of(std::vector<pending_entry> const& entries)
{
    std::vector<entry_id> ids;
    std::ranges::transform(entries, std::back_inserter(ids), &pending_entry::id);
    return ids;
}

std::vector<header> headers_of(entry_view const& entry)
{
    std::vector<header> copies;
    for (auto const& [name, value] : entry.headers)
        copies.push_back({std::string(name), std::string(value)});
    return copies;
}

settlement ending(entry_id id, settle_as as)
{
    settlement item;
    item.id = id;
    item.as = as;
    return item;
}

taking asking(entry_id id, bool counted)
{
    taking item;
    item.id = id;
    item.counted = counted;
    return item;
}

appending plain(std::string_view stream, std::string_view body)
{
    appending item;
    item.stream = stream;
    item.entry.body = body;
    return item;
}

appending
once(std::string_view stream, std::string_view body, std::string_view key, std::chrono::milliseconds window)
{
    auto item = plain(stream, body);
    item.once = key;
    item.window = window;
    return item;
}

appending due_at(std::string_view stream, std::string_view body, std::int64_t ms)
{
    auto item = plain(stream, body);
    item.due.emplace(std::chrono::milliseconds(ms));
    return item;
}

appending delayed(std::string_view stream, std::string_view body, std::chrono::milliseconds by)
{
    auto item = plain(stream, body);
    item.delay = by;
    return item;
}

asio::awaitable<entry_id> bed::append(std::string_view stream, std::string_view body)
{
    return append(stream, entry_view{body, {}});
}

asio::awaitable<entry_id> bed::append(std::string_view stream, entry_view entry)
{
    appending item{stream, entry, {}};
    return append(std::move(item));
}

asio::awaitable<entry_id> bed::append(appending item)
{
    co_await broker->append({&item, 1});
    BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
    co_return *item.outcome;
}

asio::awaitable<std::vector<std::string>> bed::stored(std::string_view stream)
{
    // Each look is a group's of its own.
    auto const group = "look " + std::to_string(looks++);
    co_await ensure_group(stream, group);
    co_return bodies_of(co_await read_now(stream, group, "looker"));
}

asio::awaitable<std::size_t> bed::promote(std::string_view stream)
{
    auto const done = co_await broker->promote_due(stream, 500);
    BOOST_REQUIRE_MESSAGE(done.has_value(), done.error());
    BOOST_TEST(done->set_aside == 0U);
    co_return done->moved;
}

asio::awaitable<std::vector<entry_id>> bed::append_numbers(std::string_view stream, std::size_t count)
{
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i != count; ++i)
        bodies.push_back(std::to_string(i));
    std::vector<appending> items;
    for (auto const& body : bodies)
        items.push_back({stream, {body, {}}, {}});
    co_await broker->append(items);
    std::vector<entry_id> ids;
    for (auto const& item : items) {
        BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
        ids.push_back(*item.outcome);
    }
    co_return ids;
}

asio::awaitable<void> bed::ensure_group(std::string_view stream, std::string_view group, start_position start)
{
    auto const why = co_await broker->ensure_group(stream, group, start);
    BOOST_REQUIRE_MESSAGE(!why, why);
}

asio::awaitable<std::vector<received>>
bed::read_now(std::string_view stream, std::string_view group, std::string_view consumer, std::size_t count)
{
    auto const reader = broker->make_reader(group, consumer);
    std::vector<received> entries;
    auto const why = co_await reader->read({&stream, 1}, count, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return entries;
}

asio::awaitable<std::vector<entry_id>> bed::deliver(membership who, std::size_t count)
{
    co_await ensure_group(who.stream, who.group);
    auto ids = co_await append_numbers(who.stream, count);
    auto const entries = co_await read_now(who.stream, who.group, who.consumer);
    BOOST_REQUIRE(ids_of(entries) == ids);
    co_return ids;
}

asio::awaitable<settlement> bed::settle(membership who, settlement item)
{
    auto const why = co_await broker->settle(who, {&item, 1});
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return item;
}

asio::awaitable<void> bed::make_old(membership who, entry_id id)
{
    auto item = ending(id, settle_as::released);
    item.attempts = 1;
    item.idle = very_old;
    item = co_await settle(who, item);
    BOOST_REQUIRE(item.state == holding::held);
}

asio::awaitable<taking> bed::take(membership who, entry_id id, bool counted)
{
    auto item = asking(id, counted);
    auto const why = co_await broker->take(who, {&item, 1});
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return item;
}

asio::awaitable<holding> bed::renew(membership who, entry_id id)
{
    auto state = holding::gone;
    auto const why = co_await broker->renew(who, {&id, 1}, {&state, 1});
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return state;
}

asio::awaitable<claimed>
bed::claim(membership who, entry_id cursor, std::size_t count, std::chrono::milliseconds older_than)
{
    auto taken = co_await broker->claim(who, older_than, cursor, count);
    BOOST_REQUIRE_MESSAGE(taken.has_value(), taken.error());
    co_return *taken;
}

asio::awaitable<std::vector<pending_info>> bed::pending(std::string_view stream, std::string_view group)
{
    auto entries = co_await broker->inspect_pending(stream, group, entry_id::min(), 10'000);
    BOOST_REQUIRE_MESSAGE(entries.has_value(), entries.error());
    co_return *entries;
}

asio::awaitable<void> bed::round_trip()
{
    // Whether there is such a stream does not matter.
    (void)co_await broker->inspect_stream("round-trip");
    co_await asio::post(broker->get_executor());
}

void check(std::function<asio::awaitable<void>(bed&)> body)
{
    asio::io_context context(1);
    // A body that hangs is destroyed with the context, and still lets go of the broker.
    auto const of = std::make_shared<bed>(make_empty_broker(context.get_executor()));
    auto const executor = of->broker->get_executor();
    run(context, executor, [of, &body]() -> asio::awaitable<void> {
        struct letting_go
        {
            bed& of;
            ~letting_go() { of.broker.reset(); }
        } const at_the_end{*of};
        co_await body(*of);
    });
}

} // namespace strandline::testing
