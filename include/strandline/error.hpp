#pragma once

#include <strandline/config.hpp>

#include <boost/asio/disposition.hpp>
#include <boost/assert/source_location.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace strandline {

using boost::system::error_code;

/// What can go wrong, told apart by what a caller can do about it.
enum class errc
{
    /// An option is out of range or contradicts another; the words name the member.
    invalid_option = 1,
    /// A URL could not be understood; the words say what is wrong and at which character.
    invalid_url,
    /// A stream's or group's name cannot be used; the words say why.
    invalid_name,
    /// A text is not an entry id.
    invalid_entry_id,
    /// A value could not be encoded; nothing was sent.
    not_encodable,
    /// A body could not be decoded into the type asked for.
    not_decodable,
    /// The server could not be reached within the time that the operation waits for it (a publish: its
    /// timeout; others: the connect timeout); nothing was sent.
    unreachable,
    /// A publish has waited behind others until its timeout; nothing was sent.
    timed_out,
    /// A publish was sent, and its timeout passed before the answer came: whether it was stored is unknown.
    outcome_unknown,
    /// Of the events of a batch some were stored; the words say which.
    partly_stored,
    /// The server refused user, password, database or client certificate, or its own certificate is not to be
    /// trusted; nothing was sent.
    refused,
    /// The connection broke after the command was handed to it: whether the server carried it out is unknown.
    connection_lost,
    /// The key holds something that is not a stream (Redis: WRONGTYPE).
    wrong_type,
    /// The stream or its consumer group does not exist (Redis: NOGROUP).
    no_group,
    /// The server's memory limit refuses writes (Redis: OOM).
    out_of_memory,
    /// The user may not run the command or touch the key (Redis: NOPERM).
    not_permitted,
    /// The server cannot serve at the moment: it is loading, busy with a script, a replica, or its master is
    /// down (Redis: LOADING, BUSY, READONLY, MASTERDOWN, TRYAGAIN, CLUSTERDOWN).
    unavailable,
    /// Any other error that the server answered.
    server_error,
    /// The server answered something that the protocol does not allow here.
    unexpected_reply,
    /// The broker was closed.
    closed,
    /// The consumer runs already, or the batch is being flushed.
    already_running,
    /// A handler was cancelled and has not returned.
    stuck,
    /// A handler failed with an event that is delivered at most once; the words tell what it threw.
    handler_failed,
    /// Another process has started under the same consumer name; it owns the name now.
    name_taken,
    /// The group has another lease, set by a consumer that started before.
    lease_differs,
    /// Another one holds the lock.
    locked,
    /// The lock ran out and may be another's now.
    lock_lost,
    /// So much waits for another attempt, or for its turn, that reading pauses.
    too_many_waiting,
    /// The consumer does not run any more.
    not_running,
    /// There is no entry of that id (any more).
    no_entry,
};

/// The category of `errc`, named "strandline".
boost::system::error_category const& category() noexcept;

inline error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

/// An error as a value: a code to decide by and words to read.
///
/// It is an Asio disposition: the first argument of every completion signature. Used as a plain `error_code`
/// it keeps the code and drops the words; thrown (by `co_await` without `as_tuple`) it becomes an `error`.
/// The words are the server's own where a server spoke, and never hold a password. Copies share them.
class failure
{
public:
    /// Success.
    failure() noexcept = default;

    failure(error_code code) noexcept : code_(code) {}

    failure(errc code) noexcept : code_(make_error_code(code)) {}

    failure(error_code code, std::string words);

    error_code code() const noexcept { return code_; }

    /// What the server or the library adds to the code; empty where the code says it all.
    std::string_view words() const noexcept
    {
        return words_ ? std::string_view(*words_) : std::string_view();
    }

    /// Code and words in one line.
    std::string message() const;

    /// True when this is an error.
    explicit operator bool() const noexcept { return code_.failed(); }

    operator error_code() const noexcept { return code_; }

    friend bool operator==(failure const& left, errc right) noexcept
    {
        return left.code_ == make_error_code(right);
    }

    friend std::ostream& operator<<(std::ostream& out, failure const& value);

private:
    error_code code_;
    std::shared_ptr<std::string const> words_;
};

/// The exception that a `failure` becomes; `code()` and `what()` as in every `system_error`.
class error : public boost::system::system_error
{
public:
    explicit error(failure cause);

    failure const& cause() const noexcept { return cause_; }

private:
    failure cause_;
};

/// A value or the reason why there is none.
template <class T>
using result = boost::system::result<T, failure>;

/// True when the same call may succeed later without a change by the caller: the server was unreachable,
/// restarting, full, slow, or the connection broke (`unreachable`, `connection_lost`, `out_of_memory`,
/// `unavailable`, `timed_out`, `outcome_unknown`). False for every other code, those of other categories
/// included.
bool is_retryable(error_code const& code) noexcept;

/// True when the call may have been carried out all the same (`connection_lost`, `outcome_unknown`), so that
/// repeating a publish can store the event twice, unless it has an idempotency key.
bool is_outcome_unknown(error_code const& code) noexcept;

/// Throws `error`; what `result<T>::value()` does with a failure.
[[noreturn]] void throw_exception_from_error(failure const& cause, boost::source_location const& where);

} // namespace strandline

template <>
struct boost::system::is_error_code_enum<strandline::errc> : std::true_type
{};

template <>
struct boost::asio::disposition_traits<strandline::failure>
{
    static bool not_an_error(strandline::failure const& value) noexcept { return !value; }

    static void throw_exception(strandline::failure value) { throw strandline::error(std::move(value)); }

    static std::exception_ptr to_exception_ptr(strandline::failure value) noexcept
    {
        return value ? std::make_exception_ptr(strandline::error(std::move(value))) : nullptr;
    }
};
