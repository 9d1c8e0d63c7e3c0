#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>
#include <strandline/error.hpp>
#include <strandline/event.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strandline {

/// An event that a group has given up.
struct dead_letter
{
    /// Its own id, in the stream of dead letters.
    entry_id id;
    /// The event as it was, without the headers that tell of its death.
    event content;
    /// Where it was published first, and its id there; they stay when it is replayed and dies again.
    std::string stream;
    entry_id entry;
    /// Who gave it up.
    std::string group;
    std::string consumer;
    /// `exhausted`, `rejected` or `undecodable`.
    std::string reason;
    /// The words of the last failure.
    std::string error;
    /// How often a handler had started with it.
    std::uint32_t attempts = 0;

    /// When it died, by the engine's clock.
    std::chrono::sys_time<std::chrono::milliseconds> at() const noexcept
    {
        return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(id.ms));
    }
};

/// Which dead letters are meant: those for which everything holds that is set.
struct dead_letter_filter
{
    std::string group = {};
    std::string reason = {};
    /// The event's header `type`.
    std::string type = {};
    /// Since their death, by the engine's clock: at least so long, and at most so long; 0: any time.
    std::chrono::milliseconds older_than{0};
    std::chrono::milliseconds younger_than{0};
};

/// Some dead letters, in the order in which they died.
struct dead_letter_page
{
    std::vector<dead_letter> letters;
    /// Where the next page begins; nothing when this is the last one.
    std::optional<entry_id> next;
};

struct dead_letter_count
{
    std::uint64_t count = 0;
    /// Their ids, whose `ms` are the times of their deaths. Nothing when there is none.
    std::optional<entry_id> oldest;
    std::optional<entry_id> newest;
};

struct replay_options
{
    /// Replayed events go to all groups of their stream, also those that have handled them before. Otherwise
    /// they are for the group alone in which they died; the consumers of others pass over them.
    bool for_all = false;
    /// At most so many in a second, evenly; 0: as fast as the server can.
    std::uint32_t per_second = 0;
};

/// What a replay did.
struct replay_report
{
    /// In the order of the letters: the ids that they have in their stream now.
    std::vector<entry_id> replayed;
    /// Letters that were not there any more: replayed or removed by somebody else, or never there.
    std::vector<entry_id> missing;
};

/// A look at the dead letters of streams, and what can be done about them. They stand in a stream of their
/// own, `{orders}:dead` for `orders`; the streams named here are those in which they died.
///
/// All operations complete where their handler wants to run, by default on the broker's strand. Errors:
/// `invalid_name`, `invalid_option`, `wrong_type`, `not_permitted`, `unavailable`, `server_error`,
/// `connection_lost`, `unreachable`, `refused`, `closed`. Without a server they end within the engine's
/// connect timeout. Cancellation, every type, of those that take many steps (list, replay all, purge, and a
/// replay): they end after the step under way with `operation_aborted`, and tell what they have done.
///
/// Thread safety: its functions may be called from any thread, also at the same time. Operations outlive it.
class dead_letters
{
public:
    explicit dead_letters(broker_ptr of) : broker_(std::move(of)) {}

    asio::any_io_executor const& get_executor() const noexcept { return broker_->get_executor(); }

    /// Letters behind that id which the filter lets through, at most `count` (1 to 1000). Begin with
    /// `entry_id::min()`, go on with the page's `next`.
    ///
    /// Handler signature: `void(failure, dead_letter_page)`.
    template <asio::completion_token_for<void(failure, dead_letter_page)> Token = asio::deferred_t>
    auto async_list(
        std::string_view stream, dead_letter_filter which, entry_id after, std::size_t count,
        Token&& token = {}
    ) const
    {
        return detail::async_on_strand<dead_letter_page>(
            get_executor(),
            detail::stoppable_operation<dead_letter_page>(
                [of = broker_, stream = std::string(stream), which = std::move(which), after,
                 count](std::stop_token stop) { return list(of, stream, which, after, count, stop); }
            ),
            std::forward<Token>(token)
        );
    }

    /// One letter. Error: `no_entry`.
    ///
    /// Handler signature: `void(failure, dead_letter)`.
    template <asio::completion_token_for<void(failure, dead_letter)> Token = asio::deferred_t>
    auto async_inspect(std::string_view stream, entry_id id, Token&& token = {}) const
    {
        return detail::async_on_strand<dead_letter>(
            broker_, [stream = std::string(stream), id](broker& of) { return inspect(of, stream, id); },
            std::forward<Token>(token)
        );
    }

    /// How many there are, the oldest and the newest.
    ///
    /// Handler signature: `void(failure, dead_letter_count)`.
    template <asio::completion_token_for<void(failure, dead_letter_count)> Token = asio::deferred_t>
    auto async_count(std::string_view stream, Token&& token = {}) const
    {
        return detail::async_on_strand<dead_letter_count>(
            broker_, [stream = std::string(stream)](broker& of) { return count(of, stream); },
            std::forward<Token>(token)
        );
    }

    /// Makes these letters entries of their stream again, in this order, with new ids and without attempts,
    /// each in one step in which the letter goes: of two who replay the same letter one finds it missing. An
    /// event keeps its headers, and gets `dead-stream` and `dead-id`, where it came from first.
    ///
    /// Handler signature: `void(failure, replay_report)`. After a failure the report tells what was done
    /// until then; letters of the step that failed may have been replayed, too, and can be asked for again
    /// without harm. A letter of which no entry can be made (`server_error`), or whose group is not there
    /// any more (`no_group`; `for_all` it can be replayed), stays, and keeps no other: the failure is told
    /// when all others have been replayed.
    template <asio::completion_token_for<void(failure, replay_report)> Token = asio::deferred_t>
    auto async_replay(
        std::string_view stream, std::vector<entry_id> letters, replay_options how = {}, Token&& token = {}
    ) const
    {
        return detail::async_on_strand<replay_report>(
            get_executor(),
            detail::stoppable_operation<replay_report>(
                [of = broker_, stream = std::string(stream), letters = std::move(letters),
                 how](std::stop_token stop) { return replay(of, stream, letters, how, stop); }
            ),
            std::forward<Token>(token)
        );
    }

    /// The same with all that the filter lets through and that are there when it begins: what dies again
    /// meanwhile stays.
    template <asio::completion_token_for<void(failure, replay_report)> Token = asio::deferred_t>
    auto async_replay_all(
        std::string_view stream, dead_letter_filter which = {}, replay_options how = {}, Token&& token = {}
    ) const
    {
        return detail::async_on_strand<replay_report>(
            get_executor(),
            detail::stoppable_operation<replay_report>([of = broker_, stream = std::string(stream),
                                                        which = std::move(which), how](std::stop_token stop) {
                return replay_all(of, stream, which, how, stop);
            }),
            std::forward<Token>(token)
        );
    }

    /// Removes these letters for ever; tells how many there were.
    ///
    /// Handler signature: `void(failure, std::uint64_t)`.
    template <asio::completion_token_for<void(failure, std::uint64_t)> Token = asio::deferred_t>
    auto async_remove(std::string_view stream, std::vector<entry_id> letters, Token&& token = {}) const
    {
        return detail::async_on_strand<std::uint64_t>(
            get_executor(),
            detail::stoppable_operation<std::uint64_t>([of = broker_, stream = std::string(stream),
                                                        letters = std::move(letters)](std::stop_token stop) {
                return remove(of, stream, letters, stop);
            }),
            std::forward<Token>(token)
        );
    }

    /// Removes for ever what the filter lets through; tells how many that were. With an empty filter all that
    /// are there when it begins.
    ///
    /// Handler signature: `void(failure, std::uint64_t)`.
    template <asio::completion_token_for<void(failure, std::uint64_t)> Token = asio::deferred_t>
    auto async_purge(std::string_view stream, dead_letter_filter which, Token&& token = {}) const
    {
        return detail::async_on_strand<std::uint64_t>(
            get_executor(),
            detail::stoppable_operation<std::uint64_t>([of = broker_, stream = std::string(stream),
                                                        which = std::move(which)](std::stop_token stop) {
                return purge(of, stream, which, stop);
            }),
            std::forward<Token>(token)
        );
    }

private:
    // What these refer to belongs to the operation, which lives as long as they do.
    static asio::awaitable<detail::conclusion<dead_letter_page>> list(
        broker_ptr of, std::string const& stream, dead_letter_filter const& which, entry_id after,
        std::size_t count, std::stop_token stop
    );

    static asio::awaitable<result<dead_letter>> inspect(broker& of, std::string const& stream, entry_id id);

    static asio::awaitable<result<dead_letter_count>> count(broker& of, std::string const& stream);

    static asio::awaitable<detail::conclusion<replay_report>> replay(
        broker_ptr of, std::string const& stream, std::vector<entry_id> const& letters, replay_options how,
        std::stop_token stop
    );

    static asio::awaitable<detail::conclusion<replay_report>> replay_all(
        broker_ptr of, std::string const& stream, dead_letter_filter const& which, replay_options how,
        std::stop_token stop
    );

    static asio::awaitable<detail::conclusion<std::uint64_t>> remove(
        broker_ptr of, std::string const& stream, std::vector<entry_id> const& letters, std::stop_token stop
    );

    static asio::awaitable<detail::conclusion<std::uint64_t>>
    purge(broker_ptr of, std::string const& stream, dead_letter_filter const& which, std::stop_token stop);

    broker_ptr broker_;
};

} // namespace strandline
