#include "pipeline/stage.hpp"

#include "support/run.hpp"

#include <strandline/names.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <exception>

namespace strandline::testing {

namespace {

asio::awaitable<ending> run_to_the_end(std::shared_ptr<consumer> of)
{
    auto const end = co_await of->async_run(asio::as_tuple);
    co_return ending{std::get<0>(end), std::get<1>(end)};
}

} // namespace

std::string stored_letter::header_of(std::string_view name) const
{
    auto const found = std::ranges::find(headers, name, &header::name);
    return found == headers.end() ? std::string() : found->value;
}

started<ending> stage::start(std::shared_ptr<consumer> of) const
{
    return {strand(), run_to_the_end(std::move(of))};
}

asio::awaitable<entry_id> stage::publish(std::string stream, std::string body, headers with)
{
    producer to(broker);
    auto const [why, id] = co_await to.async_publish(stream, body, std::move(with), asio::as_tuple);
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return id;
}

asio::awaitable<void> stage::publish_numbers(std::string stream, std::size_t count)
{
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i != count; ++i)
        bodies.push_back(std::to_string(i));
    std::vector<appending> items;
    for (auto const& body : bodies)
        items.push_back({stream, {body, {}}, {}});
    co_await broker->append(items);
    for (auto const& item : items)
        BOOST_REQUIRE_MESSAGE(item.outcome.has_value(), item.outcome.error());
}

asio::awaitable<std::vector<stored>> stage::stored_in(std::string stream)
{
    static int readers = 0;
    std::vector<stored> all;
    if (!co_await broker->inspect_stream(stream))
        co_return all;
    auto const group = "readers of what is stored " + std::to_string(++readers);
    BOOST_TEST(!(co_await broker->ensure_group(stream, group, start_position::beginning())));
    auto const reader = broker->make_reader(group, "reader");
    std::string_view const names[] = {stream};
    std::vector<received> entries;
    auto const why = co_await reader->read(names, 100'000, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    for (auto const& one : entries) {
        auto& copy = all.emplace_back();
        copy.id = one.id;
        copy.body = one.entry.body;
        for (auto const& [name, value] : one.entry.headers)
            copy.headers.push_back({std::string(name), std::string(value)});
    }
    co_return all;
}

asio::awaitable<std::vector<entry_id>> stage::abandon(
    std::string_view stream, std::string_view group, std::string_view name, std::uint32_t attempts,
    std::chrono::milliseconds idle
)
{
    auto why = co_await broker->ensure_group(stream, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::vector<received> entries;
    why = co_await broker->make_reader(group, name)->read({&stream, 1}, 100'000, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::vector<entry_id> ids;
    for (auto const& one : entries) {
        ids.push_back(one.id);
        for (std::uint32_t attempt = 1; attempt < attempts; ++attempt) {
            taking again;
            again.id = one.id;
            why = co_await broker->take({stream, group, name}, {&again, 1});
            BOOST_REQUIRE_MESSAGE(!why, why);
        }
        if (idle == 0ms)
            continue;
        settlement since;
        since.id = one.id;
        since.as = settle_as::released;
        since.attempts = attempts;
        since.idle = idle;
        why = co_await broker->settle({stream, group, name}, {&since, 1});
        BOOST_REQUIRE_MESSAGE(!why, why);
    }
    co_return ids;
}

asio::awaitable<std::vector<entry_id>> stage::leave_behind(
    std::string stream, std::string group, std::string name, std::vector<std::uint32_t> attempts,
    headers with, std::chrono::milliseconds idle
)
{
    for (std::size_t i = 0; i != attempts.size(); ++i)
        co_await publish(stream, "left " + std::to_string(i), with);
    auto why = co_await broker->ensure_group(stream, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    auto const reader = broker->make_reader(group, name);
    std::string_view const names[] = {stream};
    std::vector<received> entries;
    why = co_await reader->read(names, attempts.size(), 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    BOOST_REQUIRE(entries.size() == attempts.size());
    std::vector<entry_id> ids;
    std::vector<settlement> items(entries.size());
    for (std::size_t i = 0; i != entries.size(); ++i) {
        ids.push_back(entries[i].id);
        items[i].id = entries[i].id;
        items[i].as = settle_as::released;
        items[i].attempts = attempts[i];
        items[i].idle = idle;
    }
    why = co_await broker->settle({stream, group, name}, items);
    BOOST_REQUIRE_MESSAGE(!why, why);
    co_return ids;
}

asio::awaitable<std::vector<pending_info>> stage::pending(std::string_view stream, std::string_view group)
{
    auto entries = co_await broker->inspect_pending(stream, group, entry_id::min(), 100'000);
    BOOST_REQUIRE_MESSAGE(entries.has_value(), entries.error());
    co_return *entries;
}

asio::awaitable<std::vector<stored_letter>> stage::dead_letters(std::string stream)
{
    static int readers = 0;
    auto const name = dead_letter_stream(stream);
    auto const group = "readers of dead letters " + std::to_string(++readers);
    auto why = co_await broker->ensure_group(name, group, start_position::beginning());
    BOOST_REQUIRE_MESSAGE(!why, why);
    auto const reader = broker->make_reader(group, "reader");
    std::string_view const names[] = {name};
    std::vector<received> entries;
    why = co_await reader->read(names, 100'000, 0ms, entries);
    BOOST_REQUIRE_MESSAGE(!why, why);
    std::vector<stored_letter> letters;
    for (auto const& one : entries) {
        auto& letter = letters.emplace_back();
        letter.body = one.entry.body;
        for (auto const& [header_name, value] : one.entry.headers)
            letter.headers.push_back({std::string(header_name), std::string(value)});
    }
    co_return letters;
}

asio::awaitable<void> stage::until(std::function<asio::awaitable<bool>()> is_so)
{
    asio::steady_timer breath(strand());
    while (!co_await is_so()) {
        breath.expires_after(1ms);
        co_await breath.async_wait();
    }
}

asio::awaitable<void> stage::until_pending(std::string stream, std::string group, std::size_t count)
{
    return until([=, this]() -> asio::awaitable<bool> {
        auto const entries = co_await broker->inspect_pending(stream, group, entry_id::min(), 100'000);
        co_return entries && entries->size() == count;
    });
}

asio::awaitable<consume_report> stage::good_end(started<ending> run)
{
    auto const end = co_await run.get();
    BOOST_TEST(!end.why, end.why);
    BOOST_TEST(end.report.lost == 0);
    BOOST_TEST(end.report.unsettled == 0);
    co_return end.report;
}

consumer_options in_group(std::string name)
{
    consumer_options options;
    options.group = std::move(name);
    options.retry = {1ms, 1, 1ms};
    return options;
}

void check_with(make_broker const& make, std::function<asio::awaitable<void>(stage&)> body)
{
    asio::io_context context(1);
    // A body that hangs is destroyed with the context, and still lets go of the broker.
    auto const of = std::make_shared<stage>(make(context.get_executor()));
    auto const executor = of->strand();
    run(context, executor, [of, &body]() -> asio::awaitable<void> {
        struct letting_go
        {
            stage& of;

            ~letting_go()
            {
                // What a failed test leaves running shall not go on until the guard.
                if (of.broker && std::uncaught_exceptions() != 0)
                    of.broker->close();
                of.broker.reset();
            }
        } const at_the_end{*of};
        co_await body(*of);
    });
}

} // namespace strandline::testing
