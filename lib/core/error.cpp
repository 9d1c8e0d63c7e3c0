#include <strandline/error.hpp>

#include <ostream>

namespace strandline {

namespace {

char const* text_of(errc code) noexcept
{
    switch (code) {
    case errc::invalid_option:
        return "invalid option";
    case errc::invalid_url:
        return "invalid URL";
    case errc::invalid_name:
        return "invalid name";
    case errc::invalid_entry_id:
        return "invalid entry id";
    case errc::not_encodable:
        return "value cannot be encoded";
    case errc::not_decodable:
        return "body cannot be decoded";
    case errc::unreachable:
        return "server cannot be reached";
    case errc::timed_out:
        return "publish has waited too long";
    case errc::outcome_unknown:
        return "no answer within the timeout";
    case errc::partly_stored:
        return "only a part was stored";
    case errc::refused:
        return "user, password, database or certificate refused";
    case errc::connection_lost:
        return "connection lost before the server's answer";
    case errc::wrong_type:
        return "key holds something that is not a stream";
    case errc::no_group:
        return "stream or consumer group does not exist";
    case errc::out_of_memory:
        return "server is out of memory";
    case errc::not_permitted:
        return "user is not permitted to do this";
    case errc::unavailable:
        return "server cannot serve at the moment";
    case errc::server_error:
        return "server answered an error";
    case errc::unexpected_reply:
        return "server's answer was not understood";
    case errc::closed:
        return "broker was closed";
    case errc::already_running:
        return "it runs already";
    case errc::stuck:
        return "handler does not return";
    case errc::handler_failed:
        return "handler failed";
    case errc::name_taken:
        return "consumer name is another process's now";
    case errc::lease_differs:
        return "group has another lease";
    case errc::locked:
        return "lock is held by another";
    case errc::lock_lost:
        return "lock was lost";
    case errc::too_many_waiting:
        return "too many deliveries wait";
    case errc::not_running:
        return "consumer does not run";
    case errc::no_entry:
        return "there is no such entry";
    }
    return "unknown error";
}

class strandline_category final : public boost::system::error_category
{
public:
    // The number makes the category equal to itself when the library is loaded more than once in one process.
    constexpr strandline_category() noexcept : error_category(0x7C1D5A3E90B2F648ULL) {}

    char const* name() const noexcept override { return "strandline"; }

    std::string message(int value) const override { return text_of(static_cast<errc>(value)); }

    char const* message(int value, char*, std::size_t) const noexcept override
    {
        return text_of(static_cast<errc>(value));
    }
};

constexpr strandline_category the_category;

// A code may remember where in the source it was set, and what() would print that.
error_code without_location(error_code const& code)
{
    return {code.value(), code.category()};
}

} // namespace

boost::system::error_category const& category() noexcept
{
    return the_category;
}

failure::failure(error_code code, std::string words)
    : code_(code)
    , words_(words.empty() ? nullptr : std::make_shared<std::string const>(std::move(words)))
{}

std::string failure::message() const
{
    auto text = code_.message();
    if (words_)
        text.append(": ").append(*words_);
    return text;
}

std::ostream& operator<<(std::ostream& out, failure const& value)
{
    return out << value.message();
}

error::error(failure cause)
    : system_error(
          cause.words().empty() ? system_error(without_location(cause.code()))
                                : system_error(without_location(cause.code()), std::string(cause.words()))
      )
    , cause_(std::move(cause))
{}

bool is_retryable(error_code const& code) noexcept
{
    if (code.category() != category())
        return false;
    switch (static_cast<errc>(code.value())) {
    case errc::unreachable:
    case errc::connection_lost:
    case errc::out_of_memory:
    case errc::unavailable:
    case errc::timed_out:
    case errc::outcome_unknown:
        return true;
    default:
        return false;
    }
}

bool is_outcome_unknown(error_code const& code) noexcept
{
    return code == make_error_code(errc::connection_lost) || code == make_error_code(errc::outcome_unknown);
}

void throw_exception_from_error(failure const& cause, boost::source_location const&)
{
    throw error(cause);
}

} // namespace strandline
