#pragma once

#include <strandline/detail/flat_member.hpp>
#include <strandline/error.hpp>
#include <strandline/event.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace strandline {

/// How the events of a stream stand in its entries, where that is another way than the library's own: the
/// body in the field `body`, each header in a field of its name. For streams that programs in other languages
/// write or read.
///
/// An entry is seen here as an event, too: its field `body`, if it has one, is the body, and all other fields
/// are headers, in their order. A format turns events into such and back.
///
/// One format serves any number of streams, consumers and producers, from any thread at the same time. What a
/// function throws counts as its failure, with `what()` for words, except `std::bad_alloc`.
class wire_format
{
public:
    virtual ~wire_format() = default;
    wire_format(wire_format const&) = delete;
    wire_format& operator=(wire_format const&) = delete;

    /// Turns an event that is about to be published to `stream` into its entry. A failure, `not_encodable` or
    /// `invalid_name`, refuses the event; `what` is then of no use.
    virtual failure write(std::string_view stream, event& what) const = 0;

    /// Turns an entry of `stream` into the event that handlers get. After a failure, `not_decodable`, the
    /// entry is treated like one whose body cannot be decoded; `what` is then of no use.
    virtual failure read(std::string_view stream, event& what) const = 0;

protected:
    wire_format() = default;
};

/// Null stands for the library's own way, which costs nothing.
using wire_format_ptr = std::shared_ptr<wire_format const>;

/// The body is in the field of that name, and headers are beside it as usual. An entry without that field is
/// an event of headers alone; its field `body`, if it has one, is a header.
///
/// Refused with `invalid_name` when it is written: a header of that name. Throws `error` with `invalid_name`
/// for an empty name and for one that begins with `dead-`. `body` gives null.
wire_format_ptr body_in(std::string field);

/// The body is a JSON object, and each of its members a field: a string as it is, anything else as JSON; one
/// that is null has no field. Headers are fields, too.
///
/// Read back, the body is an object of strings, one for each name, the first one where a name repeats; the
/// fields are headers as well, so that there is a `delivery::key()`. Headers that begin with `dead-` are no
/// members. For values that are not text see the function below.
///
/// Written, an event must have a JSON object for a body, or none. Refused with `invalid_name` are a header
/// with the name of a member and another value, members that begin with `dead-`, and one without a name.
/// Read, all fields must be UTF-8.
wire_format_ptr flat_fields();

/// The same for a stream whose events are described structs `T`: what is not text in `T` is read from the
/// text of its field. Numbers, arrays and objects are read as JSON, `true`, `1`, `false` and `0` are
/// Booleans, and an empty text is null for what is optional and no text. A text that does not fit stays text,
/// so that the decoder refuses it with the name of its member.
template <class T>
wire_format_ptr flat_fields()
{
    return detail::make_flat_fields(detail::flat_members_of<T>());
}

/// Six fields, as GOE's event system has them: `id`, `topic`, `name`, `payload`, `headers` and `timestamp`.
///
/// - `payload` is the body, JSON there. An event without a body is written as `null`.
/// - `name` is the header `type`, and empty where there is none.
/// - `headers` is a JSON object of strings: all headers but the three that follow.
/// - `id`, `topic` and `timestamp` are headers of these names. Written without them, an event gets a random
///   UUID, its stream's name without `event:stream:` before it, and the time (RFC 3339, UTC).
///
/// Read, an entry must have a `payload`, and its `headers`, if there are any, must be an object of strings.
/// Other fields are headers. A name that repeats is written once, with its first value.
wire_format_ptr envelope();

} // namespace strandline
