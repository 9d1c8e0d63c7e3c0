#pragma once

#include <strandline/entry.hpp>
#include <strandline/entry_id.hpp>
#include <strandline/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The engine contract: what producers and consumers need of a place where streams live, and what every
/// engine keeps.
///
/// - An appended entry is delivered to every group at least once. Order within a stream is the order of ids.
/// - Nothing is removed while it is pending in or unread by a group, but for what is beyond limits that
///   somebody has set, and by `trim`.
/// - A crash between any two steps duplicates at worst, never loses.
/// - The attempt counter of a pending entry rises in `stream_reader::read` (to 1) and in `take`, nowhere
/// else.
///
/// All coroutines here are started and run on the broker's executor, and are not cancelled from outside: they
/// end by themselves, within the engine's connect timeout where a server does not answer. `close()` ends them
/// early with `errc::closed`. Views given as arguments stay valid until the coroutine has completed. A
/// failure of a whole call says nothing about its items, unless its code says that nothing was sent; a
/// failure of one item stands in the item.
namespace strandline {

namespace asio = boost::asio;

/// A name of a consumer in a group of a stream.
struct membership
{
    std::string_view stream = {};
    std::string_view group = {};
    std::string_view consumer = {};
    /// Tells apart the processes, and the runs within one, that use this name: `take`, `claim`, `renew` and
    /// `settle` fail as a whole with `name_taken` when another token was stored for the name by `join`. None
    /// stored is no error: a server may have been emptied. Empty: not checked.
    std::string_view token = {};
};

/// What a stream keeps. It is trimmed to this when something is added to it: what is beyond the limits goes,
/// whether somebody has read it or not.
struct retention
{
    /// Only the newest so many are kept; 0: all.
    std::uint64_t count = 0;
    /// Only those that are no older are kept; 0: all.
    std::chrono::milliseconds age{0};

    friend bool operator==(retention const&, retention const&) = default;
};

/// An entry on its way into a stream.
struct appending
{
    std::string_view stream = {};
    entry_view entry = {};
    /// Out: the new entry's id, or why it was not stored.
    result<entry_id> outcome;
    /// Idempotency key; empty: none. While the mark of an earlier entry with the same key is there, which it
    /// is for that entry's `window` (1 ms to 100 years), nothing is stored and the outcome is the id of that
    /// entry. Its scope is the stream. A delayed entry is marked with its delayed id, from the time it was
    /// scheduled; neither its way into the stream nor its cancellation changes the mark.
    std::string_view once = {};
    std::chrono::milliseconds window{0};
    /// The stream is trimmed to this when the entry gets into it, in the same step.
    retention keep = {};
    /// Not before this time by the engine's clock gets the entry into the stream; until then it is delayed,
    /// and the outcome is a delayed id: its `ms` is the time when it is due (1970 to 2286), its `seq` a
    /// number that rises with each delayed entry of the stream. A time that has passed is due at once.
    std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due = {};
    /// The same, counted from the engine's now; 0: not delayed; at most 100 years. Not together with `due`.
    std::chrono::milliseconds delay{0};
};

/// How `append` goes about it.
struct append_mode
{
    /// All items or none, in one step. At most `most_in_transaction` items. Where one of them cannot be
    /// stored the others have its outcome.
    bool atomic = false;
    /// Fails with `unreachable` at once when there is no connection, instead of waiting for one.
    bool now_or_never = false;
};

/// Items in one atomic `append`: a server does nothing else meanwhile.
inline constexpr std::size_t most_in_transaction = 10'000;

/// What `promote_due` did.
struct promotion
{
    /// Entries that went into the stream.
    std::size_t moved = 0;
    /// Delayed entries whose content was lost or could not be understood; they are dead letters now.
    std::size_t set_aside = 0;
    /// Why others of that kind could not become dead letters. They stay, and keep nobody waiting.
    failure not_set_aside;
    /// From now until the next one is due, 0 when there are more that are; nothing when none is delayed.
    std::optional<std::chrono::milliseconds> next;
};

/// An entry as it is stored, of a stream or delayed.
struct listed_entry
{
    /// Of a delayed one the `ms` is the time when it is due.
    entry_id id;
    entry_view entry = {};
    /// Keeps what `entry` points to.
    storage_ptr owner;
};

/// Where a new group begins to read.
struct start_position
{
    /// The group gets what comes after this entry; nothing: only what is appended from now on.
    std::optional<entry_id> after = entry_id::min();

    static constexpr start_position beginning() noexcept { return {entry_id::min()}; }

    static constexpr start_position end() noexcept { return {std::nullopt}; }
};

/// What becomes of an entry when a group reads it.
enum class read_as : std::uint8_t
{
    /// Pending for the consumer until it is settled: delivered at least once.
    pending,
    /// Acknowledged at once, never pending: delivered at most once. What a broken connection swallows is
    /// lost.
    acknowledged,
};

/// An entry that a group read for the first time, with attempt 1.
struct received
{
    /// Index into the streams given to `read`.
    std::uint32_t stream = 0;
    entry_id id;
    entry_view entry = {};
    /// Keeps what `entry` points to.
    storage_ptr owner;
};

/// Whether a consumer has an entry.
enum class holding : std::uint8_t
{
    /// It is pending for this consumer.
    held,
    /// It is not: another consumer has it now, or it was acknowledged.
    lost,
    /// It was removed from the stream while it was pending; there is nothing left to handle.
    gone,
};

/// An entry of the pending entries list, without its body.
struct pending_entry
{
    entry_id id;
    /// How often a handler started with it, 0 when it was released before one did.
    std::uint32_t attempts = 0;
};

/// An entry that `take` is asked for.
struct taking
{
    entry_id id;
    /// Whether a handler is about to start with it, so that its attempt is counted.
    bool counted = true;
    /// Out.
    holding state = holding::lost;
    /// Out, where held: the attempt number after this call.
    std::uint32_t attempt = 0;
    /// Out, where held.
    entry_view entry = {};
    storage_ptr owner;
};

/// What `claim` took over, and where the next call goes on.
struct claimed
{
    std::vector<pending_entry> entries;
    /// Pending entries that had been removed from the stream; cleared now.
    std::vector<entry_id> gone;
    /// Start of the next call; `entry_id::min()` when the pass has reached the end.
    entry_id cursor;
};

enum class settle_as : std::uint8_t
{
    /// Handled: the entry leaves the pending entries list.
    acknowledged,
    /// Handed back: stays pending, at once claimable by others when `idle` reaches their lease.
    released,
    /// Copied to the stream's dead-letter stream, then acknowledged; both or neither.
    dead,
};

/// How a delivery ends.
struct settlement
{
    entry_id id;
    settle_as as = settle_as::acknowledged;
    /// Acknowledged only: the caller is sure to hold the lease, so that the engine need not check (it is
    /// cheaper).
    bool surely_held = false;
    /// Acknowledged only: the entry also leaves the stream if every other group of the stream has read and
    /// settled it; both in one step. A group that is created later, or set back, is not looked at.
    bool remove = false;
    /// Released: the count that the entry keeps. Dead: goes to its `dead-attempts` header.
    std::uint32_t attempts = 0;
    /// Released: how long the entry counts as idle already.
    std::chrono::milliseconds idle{0};
    /// Dead: the headers `dead-reason` and `dead-error`.
    std::string_view reason = {};
    std::string_view error = {};
    /// Out: `held` when it was settled; `lost` and `gone` changed nothing, but that a gone one no longer is
    /// pending. A settlement that is `surely_held` may report `held` for one that was lost.
    holding state = holding::held;
    /// Out: why it could not be settled although it is held (a dead letter refused for lack of memory).
    failure error_of_item;
};

/// Counts and ids of a stream.
struct stream_info
{
    std::uint64_t length = 0;
    std::uint64_t groups = 0;
    /// Nothing when the stream is empty.
    std::optional<entry_id> first;
    std::optional<entry_id> last;
    /// The greatest id ever given out, also when that entry was removed.
    entry_id last_generated;
};

struct group_info
{
    std::string name;
    std::uint64_t consumers = 0;
    std::uint64_t pending = 0;
    entry_id last_delivered;
    /// Entries not yet delivered to the group; nothing where the server cannot tell.
    std::optional<std::uint64_t> lag;
};

struct consumer_info
{
    std::string name;
    std::uint64_t pending = 0;
    /// Since its last read or claim, as the engine counts it.
    std::chrono::milliseconds idle{0};
};

struct pending_info
{
    entry_id id;
    std::string consumer;
    /// Since it was delivered, claimed or renewed.
    std::chrono::milliseconds idle{0};
    std::uint32_t attempts = 0;
};

/// A dead letter that is to be tried once more.
struct replaying
{
    /// Its own id, in the dead-letter stream.
    entry_id id;
    /// For every group of the stream, not only for the one in which it died.
    bool for_all = false;
    /// Out: the id of the entry that it has become. `no_entry` where there is no such letter, because
    /// somebody has replayed or removed it meanwhile, say.
    result<entry_id> outcome;
};

/// What `transfer` did, and where the next call goes on.
struct transferred
{
    std::size_t moved = 0;
    /// Start of the next call; `entry_id::min()` when the pass has reached the end.
    entry_id cursor;
};

/// What `collect` did.
struct collection
{
    std::uint64_t removed = 0;
    /// There is more to be removed.
    bool more = false;
};

/// A group of a stream, and how far it is.
struct group_statistics
{
    std::string name;
    std::uint64_t pending = 0;
    /// The first of the pending entries; nothing when there is none.
    std::optional<entry_id> lowest_pending;
    entry_id last_delivered;
    /// Entries not yet delivered to the group; never more than the stream has.
    std::uint64_t lag = 0;
    /// The engine could not tell and counted, and there was too much to count (10 000 entries, or entries of
    /// 8 MB together): the lag may be greater.
    bool lag_is_at_least = false;
    std::vector<consumer_info> consumers;
};

/// Everything that there is to be counted of a stream, seen at one moment.
struct stream_statistics
{
    /// Why there is nothing else here: `no_group` where there is no such stream (it may have delayed entries
    /// and dead letters all the same, and these are told), `wrong_type`, `not_permitted`, `invalid_name`,
    /// `server_error`.
    failure why;
    std::uint64_t length = 0;
    /// Nothing when the stream is empty.
    std::optional<entry_id> first;
    std::optional<entry_id> last;
    /// The greatest id ever given out, also when that entry was removed.
    entry_id last_generated;
    /// Entries ever appended, removed ones too: the difference of two of these numbers is a rate.
    std::uint64_t appended = 0;
    /// By name.
    std::vector<group_statistics> groups;
    /// Delayed entries and dead letters; nothing where the engine may not tell.
    std::optional<std::uint64_t> delayed;
    std::optional<std::uint64_t> dead;
    /// The engine's clock at that moment. The `ms` of an id is the time of its entry by this clock.
    std::chrono::sys_time<std::chrono::milliseconds> now;
};

enum class server_role : std::uint8_t
{
    primary,
    /// It takes no writes.
    replica,
};

/// What an engine tells of the place where its streams live.
struct server_info
{
    /// `redis 7.0.15`, say; `memory` for streams in this process.
    std::string version;
    server_role role = server_role::primary;
    /// Bytes.
    std::uint64_t used_memory = 0;
    /// Bytes; 0: no limit.
    std::uint64_t max_memory = 0;
    /// What the server does when its memory is full (Redis: maxmemory-policy). Empty where it does not tell.
    std::string memory_policy;
};

/// Who has a lock is nobody's business but the holder's.
struct lock_info
{
    /// Until the holder loses the lock if it does not renew it; nothing when nobody has it.
    std::optional<std::chrono::milliseconds> free_in;
};

/// An interest in hints; it ends with this object. Belongs to the broker's strand, and may outlive the
/// broker.
class watching
{
public:
    virtual ~watching() = default;
};

/// The reading side of one consumer. Its reads share one connection, so they are answered in the order in
/// which they were started.
class stream_reader
{
public:
    /// Reads under way complete with `errc::closed`.
    virtual ~stream_reader() = default;

    /// Reads entries that the group has not delivered to anyone, at most `count` (1 or more) of each stream,
    /// and appends them to `out`, each stream's in the order of ids. When there are none waits for some, at
    /// most `wait`; the engine may wait less. Returns without any when the wait has ended.
    ///
    /// After a failure other than `wrong_type` and `no_group` entries may be pending for the consumer without
    /// having been returned: the backlog tells.
    ///
    /// Errors: `no_group`, `wrong_type` (of any of the streams, for all of them),
    /// `connection_lost`, `unreachable`, `refused`, `closed`, `not_permitted`, `unavailable`, `server_error`.
    virtual asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) = 0;

    /// Ends the waits of the reads under way, soon and without losing an entry; they return as usual. A read
    /// that starts later is not affected.
    virtual void wake() = 0;
};

class broker
{
public:
    virtual ~broker() = default;
    broker(broker const&) = delete;
    broker& operator=(broker const&) = delete;

    /// The strand on which everything of this broker runs. Safe from any thread.
    asio::any_io_executor const& get_executor() const noexcept { return executor_; }

    /// Ends all operations, connections and waits; operations then complete with `errc::closed`. Harmless
    /// when repeated. Safe from any thread. Letting go of the last handle does the same.
    virtual void close() = 0;

    /// Completes when commands can be sent: at once where there is a connection, else when there is one.
    /// Errors: `unreachable` (when that time has passed; the words say why), `refused`, `unavailable`,
    /// `closed`.
    virtual asio::awaitable<failure> ready(std::chrono::milliseconds wait) = 0;

    /// Stores the entries in their streams, in order, creating streams that do not exist. Each item has its
    /// own outcome; items of one stream keep their order, also around one that failed. No header is named
    /// `body`.
    ///
    /// Errors of items: `not_encodable` (neither body nor header; more than 3000 headers where anything but
    /// the entry is given), `wrong_type`, `out_of_memory`,
    /// `not_permitted`, `unavailable`, `server_error`, `invalid_name`, `invalid_option`; for all of them
    /// `connection_lost`, `unreachable`, `refused`, `closed`.
    virtual asio::awaitable<void> append(std::span<appending> entries, append_mode mode = {}) = 0;

    /// Moves delayed entries of the stream that are due into it, at most `count` (1 to 500), in the order in
    /// which they are due, each once, whoever calls this at the same time. What cannot be understood becomes
    /// a dead letter, `undecodable`. Idempotency marks are not asked.
    ///
    /// Errors: `wrong_type`, `out_of_memory`, `not_permitted`, `unavailable`, `server_error`; some may have
    /// been moved, the others are delayed still. And those of a broken connection.
    virtual asio::awaitable<result<promotion>> promote_due(std::string_view stream, std::size_t count) = 0;

    /// Removes a delayed entry. False when there is none: it was moved, was cancelled, or never was.
    virtual asio::awaitable<result<bool>> cancel_delayed(std::string_view stream, entry_id id) = 0;

    /// Trims the stream, in steps where very much has to go; tells how many went. 0 where there is none.
    /// Errors: `invalid_option` (an age below 0, say), `wrong_type`, `not_permitted`, and those of a broken
    /// connection; some may have gone.
    virtual asio::awaitable<result<std::uint64_t>> trim(std::string_view stream, retention keep) = 0;

    /// Creates the group, and the stream when it does not exist. Harmless when the group exists: `start` is
    /// then ignored.
    virtual asio::awaitable<failure>
    ensure_group(std::string_view stream, std::string_view group, start_position start) = 0;

    /// Makes the name the process's own and the lease the group's, in one step; works at full memory, too.
    ///
    /// The first to join sets the group's lease. Another one takes its place when no other name of the group
    /// has an owner; otherwise this fails with `lease_differs`. The token is stored for the name, which is
    /// created: with `take_over` whoever had the name before, so that the newest process wins; else only if
    /// none is stored, and otherwise this fails with `name_taken`. A repeat changes nothing.
    ///
    /// Errors: `no_group`, `lease_differs`, `name_taken`, `invalid_option` (an empty token, a lease below 1
    /// ms).
    virtual asio::awaitable<failure>
    join(membership who, std::chrono::milliseconds lease, bool take_over) = 0;

    /// A clean stop: removes the token, and the name when nothing is pending for it, in one step. The lease
    /// stays, until somebody joins with another one.
    ///
    /// Errors: `name_taken` when another token than the given one is stored, also when that is empty;
    /// nothing is changed then. `no_group`.
    virtual asio::awaitable<failure> leave(membership who) = 0;

    /// Removes the names of the group for which nothing is pending and that have been idle at least that
    /// long, with their tokens, in one step; at most 500 in a call. Tells how many. An owner that is alive
    /// keeps its name from being idle by calls of `renew`; it loses only the protection of its name if not.
    virtual asio::awaitable<result<std::size_t>>
    remove_idle(std::string_view stream, std::string_view group, std::chrono::milliseconds idle) = 0;

    /// The reading side of one consumer of this broker; outlives neither the broker nor `close()` usefully:
    /// its reads then complete with `errc::closed`.
    virtual std::unique_ptr<stream_reader>
    make_reader(std::string_view group, std::string_view consumer, read_as how = read_as::pending) = 0;

    /// What is pending for the consumer itself, after that id and at most `count`, in the order of ids.
    /// Counts nothing.
    virtual asio::awaitable<result<std::vector<pending_entry>>>
    backlog(membership who, entry_id after, std::size_t count) = 0;

    /// Bodies of entries that are pending for the consumer: for a recovered or retried delivery about to
    /// start. Renews their leases. Changes nothing for an item that is lost.
    virtual asio::awaitable<failure> take(membership who, std::span<taking> entries) = 0;

    /// Takes over entries that have been pending for at least `lease` without renewal, looking at about ten
    /// times `count` from `cursor` on. Their count stays. May return entries that this consumer holds
    /// already.
    virtual asio::awaitable<result<claimed>>
    claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count) = 0;

    /// Renews the leases of those that are still pending for the consumer; `states` gets one answer for each
    /// id. Counts nothing. At most 500 ids; without any it still tells whether the name is the process's own,
    /// and that the name is in use.
    virtual asio::awaitable<failure>
    renew(membership who, std::span<entry_id const> ids, std::span<holding> states) = 0;

    /// Ends deliveries, each item on its own. At most 500 items. Acknowledgements and releases do not depend
    /// on dead letters. When letters were added, their stream is trimmed, in steps where very
    /// much has to go. Where it fails with `name_taken`, acknowledgements that are `surely_held` may have
    /// been carried out.
    virtual asio::awaitable<failure>
    settle(membership who, std::span<settlement> items, retention letters = {}) = 0;

    /// Has `told` called, on the strand and never from within another call, soon after somebody has released
    /// deliveries of the group by `settle`: there may be something to claim. With an empty group, soon after
    /// an entry was delayed that is due before all others of the stream, or, with a lock's name for the
    /// stream's, after the lock was given back. Several hints may become one
    /// call, and a hint may be lost: while there is no connection, before the interest has reached the
    /// server, and always where the user of the server has no rights on the channel.
    virtual std::unique_ptr<watching>
    watch(std::string_view stream, std::string_view group, std::function<void()> told) = 0;

    /// Takes the lock of that name for at most `ttl`. The answer is a fencing number, greater than that of
    /// every holder before; whoever has the lock with the same token already gets its number again, and the
    /// lock for `ttl` from now. Works at full memory, too.
    ///
    /// Errors: `locked`, `invalid_option` (an empty token, `ttl` below 1 ms), `invalid_name` (an empty one).
    virtual asio::awaitable<result<std::uint64_t>>
    lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) = 0;

    /// Keeps the lock for `ttl` from now. Errors: `lock_lost`, `invalid_option`.
    virtual asio::awaitable<failure>
    renew_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) = 0;

    /// Gives the lock back. Errors: `lock_lost`; whoever has it then keeps it.
    virtual asio::awaitable<failure> unlock(std::string_view name, std::string_view token) = 0;

    /// Errors: `invalid_name` (an empty one).
    virtual asio::awaitable<result<lock_info>> inspect_lock(std::string_view name) = 0;

    /// Makes entries of the stream of dead letters, with new ids, and removes these, each in one step: who
    /// replays the same letter at the same time gets `no_entry`. At most 500. What a letter says of its death
    /// goes, but for `dead-stream` and `dead-id`; unless it is `for_all`, the header `for-group` names the
    /// group in which it died. Idempotency marks are not asked.
    ///
    /// Errors of items: `no_entry`, `no_group` (nobody would handle it, because the group is not there any
    /// more), `out_of_memory`, `not_permitted`, `server_error`; for all of them
    /// `wrong_type`, and those of a broken connection.
    virtual asio::awaitable<failure> replay(std::string_view stream, std::span<replaying> letters) = 0;

    /// Moves what is pending for one name of the group to another one, which is created when it is new: what
    /// was released or not renewed for the group's lease; with `forced` everything, also what a handler works
    /// on at the moment, and what a group without a lease has. Looks at `count` (1 to 500) pending entries of
    /// `from` beginning at the cursor. Their count stays, and they are at once claimable; who watches the
    /// group is told.
    ///
    /// Errors: `no_group`, `invalid_option` (the same name twice, an empty one).
    virtual asio::awaitable<result<transferred>> transfer(
        std::string_view stream, std::string_view group, std::string_view from, std::string_view to,
        bool forced, entry_id cursor, std::size_t count
    ) = 0;

    /// Removes entries that every group of the stream has acknowledged, at most about `count` (1 to 100 000),
    /// in one step with finding out which these are. Never one that is pending or that a group has not read;
    /// none when there is no group, or when one of `groups` is missing.
    ///
    /// Errors: `no_group` (the words name the one of `groups` that is missing), `wrong_type`,
    /// `not_permitted`.
    virtual asio::awaitable<result<collection>>
    collect(std::string_view stream, std::span<std::string_view const> groups, std::size_t count) = 0;

    /// Removes entries, whatever groups have made of them; tells how many there were. At most 500 ids.
    virtual asio::awaitable<result<std::size_t>>
    remove(std::string_view stream, std::span<entry_id const> ids) = 0;

    /// Removes the group with everything that is pending in it, and what is kept beside it. False when there
    /// is no such group, or no such stream. A consumer that still runs makes it anew, from the beginning.
    virtual asio::awaitable<result<bool>> remove_group(std::string_view stream, std::string_view group) = 0;

    /// Reads streams without a group, at most once: what comes after `from` in each stream that is read, and
    /// then what comes after that. Otherwise as `make_reader`; `no_group` is no error of its reads, a stream
    /// that does not exist is waited for.
    virtual std::unique_ptr<stream_reader> make_follower(start_position from) = 0;

    /// Errors: `not_permitted`, and those of a broken connection.
    virtual asio::awaitable<result<server_info>> inspect_server() = 0;

    /// The names of all streams, dead-letter streams among them, in no order.
    virtual asio::awaitable<result<std::vector<std::string>>> list_streams() = 0;

    /// One for each stream, in their order, asked for together. What is wrong with one of them stands in it.
    ///
    /// Errors: those of a broken connection.
    virtual asio::awaitable<result<std::vector<stream_statistics>>>
    measure(std::span<std::string_view const> streams) = 0;

    /// Entries of the stream after that id, at most `count` (1 to 1000), in the order of ids. None where
    /// there is no stream.
    virtual asio::awaitable<result<std::vector<listed_entry>>>
    inspect_entries(std::string_view stream, entry_id after, std::size_t count) = 0;

    /// Errors: `no_group` when there is no such stream, and those of a broken connection.
    virtual asio::awaitable<result<stream_info>> inspect_stream(std::string_view stream) = 0;

    virtual asio::awaitable<result<std::vector<group_info>>> inspect_groups(std::string_view stream) = 0;

    virtual asio::awaitable<result<std::vector<consumer_info>>>
    inspect_consumers(std::string_view stream, std::string_view group) = 0;

    /// Pending entries of the whole group after that id, at most `count`, in the order of ids.
    virtual asio::awaitable<result<std::vector<pending_info>>>
    inspect_pending(std::string_view stream, std::string_view group, entry_id after, std::size_t count) = 0;

    /// Delayed entries after that delayed id, at most `count`, in the order in which they are due. The
    /// content of one that cannot be understood is empty.
    virtual asio::awaitable<result<std::vector<listed_entry>>>
    inspect_delayed(std::string_view stream, entry_id after, std::size_t count) = 0;

    virtual asio::awaitable<result<std::uint64_t>> count_delayed(std::string_view stream) = 0;

protected:
    explicit broker(asio::any_io_executor strand) : executor_(std::move(strand)) {}

private:
    asio::any_io_executor executor_;
};

using broker_ptr = std::shared_ptr<broker>;

} // namespace strandline
