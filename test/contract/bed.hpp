#pragma once

#include "support/printing.hpp"
#include "support/started.hpp"

#include <strandline/broker.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The contract of `broker` as tests, each written once. A program tests one engine with all of them, by
/// linking one definition of `make_empty_broker`.
namespace strandline::testing {

using namespace std::chrono_literals;

/// A broker of the engine under test, on which there are no streams.
broker_ptr make_empty_broker(asio::any_io_executor executor);

/// Longer than the guard of a test: whoever waits as long has not been woken.
inline constexpr std::chrono::milliseconds long_wait = 1h;

/// No delivery gets as old by itself during a test; one that is released with it has outlived every lease
/// used here.
inline constexpr std::chrono::milliseconds very_old = 1h;
inline constexpr std::chrono::milliseconds lease = 30min;

/// What a read brought.
struct reading
{
    failure why;
    std::vector<received> entries;
};

asio::awaitable<reading> read(
    stream_reader& reader, std::vector<std::string> streams, std::size_t count, std::chrono::milliseconds wait
);

std::vector<std::string> bodies_of(std::vector<received> const& entries);
std::vector<entry_id> ids_of(std::vector<received> const& entries);
std::vector<entry_id> ids_of(std::vector<pending_entry> const& entries);

/// Name and value of each, in order.
std::vector<header> headers_of(entry_view const& entry);

/// An item of `settle`, and one of `take`.
settlement ending(entry_id id, settle_as as = settle_as::acknowledged);
taking asking(entry_id id, bool counted = true);

/// Items of `append`.
appending plain(std::string_view stream, std::string_view body);
appending once(
    std::string_view stream, std::string_view body, std::string_view key,
    std::chrono::milliseconds window = 1h
);
appending due_at(std::string_view stream, std::string_view body, std::int64_t ms);
appending delayed(std::string_view stream, std::string_view body, std::chrono::milliseconds by);

/// What a test works on. The functions fail the test when the engine refuses what it must not.
struct bed
{
    broker_ptr broker;

    asio::awaitable<entry_id> append(std::string_view stream, std::string_view body);
    asio::awaitable<entry_id> append(std::string_view stream, entry_view entry);

    /// An item of which more than the entry may be wanted; it must be stored, or be a repeat.
    asio::awaitable<entry_id> append(appending item);

    /// Every body that there is in the stream.
    asio::awaitable<std::vector<std::string>> stored(std::string_view stream);

    /// Moves all that is due; tells how many.
    asio::awaitable<std::size_t> promote(std::string_view stream);

    /// Bodies "0", "1", …
    asio::awaitable<std::vector<entry_id>> append_numbers(std::string_view stream, std::size_t count);

    asio::awaitable<void> ensure_group(
        std::string_view stream, std::string_view group, start_position start = start_position::beginning()
    );

    /// What is there.
    asio::awaitable<std::vector<received>> read_now(
        std::string_view stream, std::string_view group, std::string_view consumer, std::size_t count = 10'000
    );

    /// Creates stream and group, and makes that many entries pending for the consumer.
    asio::awaitable<std::vector<entry_id>> deliver(membership who, std::size_t count);

    asio::awaitable<settlement> settle(membership who, settlement item);

    /// Released by its consumer so that it has outlived every lease.
    asio::awaitable<void> make_old(membership who, entry_id id);

    asio::awaitable<taking> take(membership who, entry_id id, bool counted = true);

    asio::awaitable<holding> renew(membership who, entry_id id);

    asio::awaitable<claimed> claim(
        membership who, entry_id cursor = entry_id::min(), std::size_t count = 100,
        std::chrono::milliseconds older_than = lease
    );

    asio::awaitable<std::vector<pending_info>> pending(std::string_view stream, std::string_view group);

    /// Lets the engine do something, and what else is ready on the broker's executor.
    asio::awaitable<void> round_trip();

    template <class T>
    started<T> start(asio::awaitable<T> operation)
    {
        return {broker->get_executor(), std::move(operation)};
    }

    /// At what is stored.
    int looks = 0;
};

/// Runs the body on the broker's executor. It fails when the body hangs, or when something goes on after the
/// last handle of the broker is gone.
void check(std::function<asio::awaitable<void>(bed&)> body);

} // namespace strandline::testing
