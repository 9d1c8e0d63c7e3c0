#pragma once

#include "core/condition.hpp"
#include "support/printing.hpp"
#include "support/started.hpp"

#include <strandline/consumer.hpp>
#include <strandline/producer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Producers and consumers as tests, each written once. A program tests them on one engine, by linking one
/// definition of `make_empty_broker`.
namespace strandline::testing {

using namespace std::chrono_literals;

/// A broker of the engine under test, on which there are no streams.
broker_ptr make_empty_broker(asio::any_io_executor executor);

/// A number that rises, and that coroutines of one strand wait for.
class tally
{
public:
    explicit tally(asio::any_io_executor const& strand) : changed_(strand) {}

    std::size_t count() const noexcept { return count_; }

    void add()
    {
        ++count_;
        changed_.notify();
    }

    asio::awaitable<void> reach(std::size_t wanted)
    {
        while (count_ < wanted)
            co_await changed_.wait();
    }

private:
    condition changed_;
    std::size_t count_ = 0;
};

/// Where handlers wait until the test lets them go on. On one strand.
class gate
{
public:
    explicit gate(asio::any_io_executor const& strand) : arrived(strand), door_(strand) {}

    /// Who came here so far.
    tally arrived;

    /// Waits until the gate is open, or it is cancelled: then throws.
    asio::awaitable<void> pass()
    {
        arrived.add();
        while (!is_open_)
            co_await door_.wait();
    }

    bool is_open() const noexcept { return is_open_; }

    void open()
    {
        is_open_ = true;
        door_.notify();
    }

private:
    condition door_;
    bool is_open_ = false;
};

/// How an `async_run` ended.
struct ending
{
    failure why;
    consume_report report;
};

/// What a reader of the dead letters sees.
struct stored_letter
{
    std::optional<std::string> body;
    std::vector<header> headers;

    /// Empty where there is none.
    std::string header_of(std::string_view name) const;
};

/// What a reader of a stream sees.
struct stored
{
    entry_id id;
    std::optional<std::string> body;
    std::vector<header> headers;
};

/// What a test works on. The functions fail the test when the engine refuses what it must not.
class stage
{
public:
    explicit stage(broker_ptr of) : broker(std::move(of)) {}

    broker_ptr broker;

    asio::any_io_executor const& strand() const noexcept { return broker->get_executor(); }

    std::shared_ptr<tally> make_tally() const { return std::make_shared<tally>(strand()); }

    std::shared_ptr<gate> make_gate() const { return std::make_shared<gate>(strand()); }

    std::shared_ptr<consumer> make_consumer(consumer_options options) const
    {
        return std::make_shared<consumer>(broker, std::move(options));
    }

    /// Runs the consumer beside the test.
    started<ending> start(std::shared_ptr<consumer> of) const;

    asio::awaitable<entry_id> publish(std::string stream, std::string body, headers with = {});

    /// Bodies "0", "1", …
    asio::awaitable<void> publish_numbers(std::string stream, std::size_t count);

    /// Everything that is in the stream; nothing when there is no such stream.
    asio::awaitable<std::vector<stored>> stored_in(std::string stream);

    /// A consumer of that name reads all that there is of the stream, starts with each so often, and is gone
    /// since so long.
    asio::awaitable<std::vector<entry_id>> abandon(
        std::string_view stream, std::string_view group, std::string_view name, std::uint32_t attempts = 1,
        std::chrono::milliseconds idle = 0ms
    );

    /// Publishes events "left 0", "left 1", …, one for each of the numbers, and has them pending in the group
    /// for that name with so many attempts; as a process leaves them that has ended, long ago if nothing else
    /// is said. Nothing else is unread in the stream.
    asio::awaitable<std::vector<entry_id>> leave_behind(
        std::string stream, std::string group, std::string name, std::vector<std::uint32_t> attempts,
        headers with = {}, std::chrono::milliseconds idle = 24h
    );

    /// Of the whole group.
    asio::awaitable<std::vector<pending_info>> pending(std::string_view stream, std::string_view group);

    /// All that there are of the stream.
    asio::awaitable<std::vector<stored_letter>> dead_letters(std::string stream);

    /// Asks again and again until it is so.
    asio::awaitable<void> until(std::function<asio::awaitable<bool>()> is_so);

    asio::awaitable<void> until_pending(std::string stream, std::string group, std::size_t count);

    /// Waits for the end of a run that must be a good one.
    static asio::awaitable<consume_report> good_end(started<ending> run);
};

/// Options of a consumer of that group, in which failures are repeated at once.
consumer_options in_group(std::string name);

using make_broker = std::function<broker_ptr(asio::any_io_executor)>;

/// Runs the body on the broker's executor. It fails when the body hangs, or when something goes on after the
/// last handle of the broker is gone.
void check_with(make_broker const& make, std::function<asio::awaitable<void>(stage&)> body);

inline void check(std::function<asio::awaitable<void>(stage&)> body)
{
    check_with(make_empty_broker, std::move(body));
}

} // namespace strandline::testing
